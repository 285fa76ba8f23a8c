import { setTimeout as delay } from 'node:timers/promises';
import type { LimitFunction } from 'p-limit';
import type { Clock } from '../../domain/ports.ts';
import type { Millis } from '../../domain/time.ts';
import type { HttpLimits } from '../http/http-message.ts';
import type { Compute } from './compute.ts';
import { isSoftDeleted, statusOf } from './server-body.ts';

/** One server that must go. */
export type Errand = {
  readonly name: string;
  id: string | null;
  /** Since when it is known and should go. */
  since: Millis;
  /** It was seen gone once. */
  seemsGone: boolean;
  deletedAt: Millis | null;
  /** It should have gone long ago. */
  stuck: boolean;
  /** How it stands, for a person. */
  message: string;
  /** It was seen gone for the first time. */
  readonly gone: PromiseWithResolvers<void>;
  /** It is gone for good. */
  readonly over: PromiseWithResolvers<void>;
  /** It was looked for by its name, found or not. */
  readonly looked: PromiseWithResolvers<void>;
};

export const newErrand = (
  name: string,
  given: Pick<Errand, 'id' | 'since'> & Partial<Pick<Errand, 'seemsGone' | 'deletedAt'>>,
): Errand => ({
  name,
  seemsGone: false,
  deletedAt: null,
  stuck: false,
  message: 'not tried yet',
  gone: Promise.withResolvers(),
  over: Promise.withResolvers(),
  looked: Promise.withResolvers(),
  ...given,
});

/** In milliseconds. */
export type ErrandPace = {
  /** Between two looks at a server that is going, one after the other; the last one for ever. */
  readonly looks: readonly number[];
  /** Between two looks for a create that was never answered. */
  readonly searches: readonly number[];
  /** RabbitMQ carries out what it was told before it went away, minutes after it is back. */
  readonly searchFor: number;
  /** A server that has gone may come back as ERROR (without Placement, within a second). */
  readonly confirmAfter: number;
  /** A delete that was accepted, but came to nothing, is asked for again. */
  readonly deleteAgain: number;
};

export const USUAL_PACE: ErrandPace = {
  looks: [250, 500, 500, 1000, 1000, 2000, 5000, 10_000],
  searches: [1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000],
  searchFor: 1_800_000,
  confirmAfter: 2500,
  deleteAgain: 30_000,
};

export type ErrandOptions = {
  readonly compute: Compute;
  readonly clock: Clock;
  readonly limits: HttpLimits;
  readonly pace: ErrandPace;
  readonly deleteLimit: number;
  readonly limit: LimitFunction;
  /** Resolves when the cloud has time for what can wait. */
  readonly turn: (signal: AbortSignal) => Promise<void>;
  /** Null: there is none; undefined: nobody can say. */
  readonly lookUp: (name: string) => Promise<string | null | undefined>;
  readonly onFound: (id: string) => void;
  readonly onStuck: () => void;
  /** Aborts when no time is left for patience. */
  readonly hurry: AbortSignal;
  readonly ended: AbortSignal;
};

const HURRIED = 500;

/** `gone`: it was there and is no more; `never`: no such server ever came up; `left`: we had to stop. */
export async function runErrand(errand: Errand, options: ErrandOptions): Promise<'gone' | 'never' | 'left'> {
  const { pace, clock, limit, hurry, ended, deleteLimit, onStuck } = options;

  const pause = async (millis: number): Promise<void> => {
    const signal = AbortSignal.any([hurry, ended]);
    await delay(hurry.aborted ? Math.min(millis, HURRIED) : millis, undefined, {
      signal: hurry.aborted ? ended : signal,
    }).catch(() => {});
  };

  /** How it stands now: gone, or how to go on. */
  async function step(): Promise<'gone' | 'there' | 'absent'> {
    const given = { limits: options.limits, signal: ended };
    const turn = async () => {
      if (!hurry.aborted) await options.turn(AbortSignal.any([hurry, ended]));
    };
    await turn();
    if (errand.id === null) {
      const id = await options.lookUp(errand.name);
      if (id !== undefined) errand.looked.resolve();
      if (id === undefined || id === null) return 'absent';
      errand.id = id;
      errand.since = clock.now();
      options.onFound(id);
    }
    const shown = await options.compute.show(errand.id, given);
    if (shown.type === 'ok' && shown.value === null) return 'gone';
    const server = shown.type === 'ok' ? shown.value : null;
    if (server !== null && isSoftDeleted(server)) {
      await freeQuota(errand.id);
      return 'gone';
    }
    errand.message = shown.type === 'ok' ? (server === null ? '' : statusOf(server)) : shown.cause.message;
    const asked = clock.now() - (errand.deletedAt ?? Number.NEGATIVE_INFINITY) < pace.deleteAgain;
    if (asked && server?.status !== 'ERROR') return 'there';
    if (shown.type === 'failed' && shown.hung) await turn();
    const deleted = await options.compute.delete(errand.id, given);
    // One that hangs holds a worker of Nova's until RabbitMQ is back, and is carried out then: it isn't asked at once again.
    if (deleted.type === 'ok' || (deleted.type === 'failed' && deleted.hung)) errand.deletedAt = clock.now();
    if (deleted.type !== 'ok') errand.message = deleted.cause.message;
    return 'there';
  }

  /** Until it is reclaimed, a soft-deleted server counts against the quota: it is asked for once, whatever comes of it. */
  let forced = false;
  async function freeQuota(id: string): Promise<void> {
    if (forced) return;
    forced = true;
    await options.compute.act(id, { forceDelete: null }, { limits: options.limits, signal: ended });
  }

  if (errand.seemsGone) await pause(pace.confirmAfter);
  for (let looks = 0; !ended.aborted; looks++) {
    const began = clock.now();
    const state = await limit(step);
    // An API that is slow is asked as often as it answers, at most.
    const took = clock.now() - began;
    if (state === 'gone' && (errand.seemsGone || hurry.aborted)) return 'gone';
    if (state === 'gone') {
      errand.seemsGone = true;
      errand.gone.resolve();
      await pause(pace.confirmAfter);
      continue;
    }
    errand.seemsGone = false;
    const age = clock.now() - errand.since;
    if (state === 'absent') {
      if (age > pace.searchFor || hurry.aborted) return 'never';
      await pause(Math.max(took, pace.searches.at(Math.min(looks, pace.searches.length - 1)) ?? HURRIED));
      continue;
    }
    if (age > deleteLimit && !errand.stuck) {
      errand.stuck = true;
      onStuck();
    }
    await pause(Math.max(took, pace.looks.at(Math.min(looks, pace.looks.length - 1)) ?? HURRIED));
  }
  return 'left';
}
