import { setTimeout as delay } from 'node:timers/promises';
import type { LimitFunction } from 'p-limit';
import type { Clock, Millis } from '../../domain/time.ts';
import type { HttpTimeouts } from '../http/http-message.ts';
import type { Compute } from './compute.ts';
import { describeStatus, isSoftDeleted } from './server-body.ts';

/** The state of the deletion of one server. */
export type ServerDeletion = {
  readonly name: string;
  /** Null until the server is found by its name. */
  id: string | null;
  /** When the deletion started, or the server was found. */
  since: Millis;
  /** The server was absent at the last poll. */
  seemsGone: boolean;
  /** When the last DELETE request was accepted or timed out. */
  deletedAt: Millis | null;
  /** The server is still there after `deleteTimeout`. */
  stuck: boolean;
  /** The server's status or the last failure. */
  message: string;
  /** Resolves when the server is absent for the first time. */
  readonly absentOnce: PromiseWithResolvers<void>;
  /** Resolves when the deletion is complete. */
  readonly finished: PromiseWithResolvers<void>;
  /** Resolves once the server has been searched for by its name, found or not. */
  readonly searched: PromiseWithResolvers<void>;
};

export const newServerDeletion = (
  name: string,
  initial: Pick<ServerDeletion, 'id' | 'since'> & Partial<Pick<ServerDeletion, 'seemsGone' | 'deletedAt'>>,
): ServerDeletion => ({
  name,
  seemsGone: false,
  deletedAt: null,
  stuck: false,
  message: 'not tried yet',
  absentOnce: Promise.withResolvers(),
  finished: Promise.withResolvers(),
  searched: Promise.withResolvers(),
  ...initial,
});

/** The intervals and limits of a deletion, in milliseconds. */
export type DeletionTiming = {
  /** The intervals between polls of a server, in order; the last one repeats. */
  readonly pollIntervalsMs: readonly number[];
  /** The intervals between searches for a server whose create was never answered, in order; the last one repeats. */
  readonly searchIntervalsMs: readonly number[];
  /** How long to search: after an outage, RabbitMQ may deliver an accepted create request only minutes later. */
  readonly searchForMs: number;
  /** When to check again that a server is gone: it may come back as ERROR (without Placement, within a second). */
  readonly confirmAfterMs: number;
  /** When to repeat a DELETE that was accepted but had no effect. */
  readonly retryDeleteAfterMs: number;
};

export const DEFAULT_DELETION_TIMING: DeletionTiming = {
  pollIntervalsMs: [250, 500, 500, 1000, 1000, 2000, 5000, 10_000],
  searchIntervalsMs: [1000, 2000, 5000, 10_000, 20_000, 30_000, 60_000],
  searchForMs: 1_800_000,
  confirmAfterMs: 2500,
  retryDeleteAfterMs: 30_000,
};

export type ServerDeletionOptions = {
  readonly compute: Compute;
  readonly clock: Clock;
  readonly timeouts: HttpTimeouts;
  readonly timing: DeletionTiming;
  /** `onStuck` is called after this many milliseconds; the deletion continues. */
  readonly deleteTimeout: number;
  readonly limit: LimitFunction;
  /** Resolves when the cloud has capacity for requests that can wait. */
  readonly turn: (signal: AbortSignal) => Promise<void>;
  /** Returns the id of a server; null if there is none, undefined if unknown. */
  readonly lookUp: (name: string) => Promise<string | null | undefined>;
  readonly onFound: (id: string) => void;
  readonly onStuck: () => void;
  /** Once aborted, the deletion polls faster and no longer waits for its turn. */
  readonly urgent: AbortSignal;
  /** Stops the deletion. */
  readonly stopped: AbortSignal;
};

const URGENT_INTERVAL_MS = 500;

/**
 * Deletes a server and polls until it is gone for good. Returns `gone` if it existed and is gone, `never-appeared` if
 * no such server appeared, `stopped` if it was stopped before that.
 */
export async function runServerDeletion(
  deletion: ServerDeletion,
  options: ServerDeletionOptions,
): Promise<'gone' | 'never-appeared' | 'stopped'> {
  const { timing, clock, limit, urgent, stopped, deleteTimeout, onStuck } = options;

  const pause = async (millis: number): Promise<void> => {
    const signal = AbortSignal.any([urgent, stopped]);
    await delay(urgent.aborted ? Math.min(millis, URGENT_INTERVAL_MS) : millis, undefined, {
      signal: urgent.aborted ? stopped : signal,
    }).catch(() => {});
  };

  /** Reads the server's state, and sends a DELETE if one is due. */
  async function poll(): Promise<'gone' | 'there' | 'absent'> {
    const requestOptions = { timeouts: options.timeouts, signal: stopped };
    const waitForTurn = async () => {
      if (!urgent.aborted) await options.turn(AbortSignal.any([urgent, stopped]));
    };
    await waitForTurn();
    if (deletion.id === null) {
      const id = await options.lookUp(deletion.name);
      if (id !== undefined) deletion.searched.resolve();
      if (id === undefined || id === null) return 'absent';
      deletion.id = id;
      deletion.since = clock.now();
      options.onFound(id);
    }
    const shown = await options.compute.show(deletion.id, requestOptions);
    if (shown.type === 'ok' && shown.value === null) return 'gone';
    const server = shown.type === 'ok' ? shown.value : null;
    if (server !== null && isSoftDeleted(server)) {
      await freeQuota(deletion.id);
      return 'gone';
    }
    deletion.message = shown.type === 'ok' ? (server === null ? '' : describeStatus(server)) : shown.cause.message;
    const isPending = clock.now() - (deletion.deletedAt ?? Number.NEGATIVE_INFINITY) < timing.retryDeleteAfterMs;
    if (isPending && server?.status !== 'ERROR') return 'there';
    if (shown.type === 'failed' && shown.timedOut) await waitForTurn();
    const deleted = await options.compute.delete(deletion.id, requestOptions);
    // A DELETE that timed out blocks a Nova worker until RabbitMQ is back, and is carried out then, so it is not
    // repeated at once.
    if (deleted.type === 'ok' || (deleted.type === 'failed' && deleted.timedOut)) deletion.deletedAt = clock.now();
    if (deleted.type !== 'ok') deletion.message = deleted.cause.message;
    return 'there';
  }

  let forceDeleted = false;
  /** Reclaims a soft-deleted server, which counts against the quota until then. Tries once, whatever the result. */
  async function freeQuota(id: string): Promise<void> {
    if (forceDeleted) return;
    forceDeleted = true;
    await options.compute.performAction(id, { forceDelete: null }, { timeouts: options.timeouts, signal: stopped });
  }

  if (deletion.seemsGone) await pause(timing.confirmAfterMs);
  for (let polls = 0; !stopped.aborted; polls++) {
    const startedAt = clock.now();
    const state = await limit(poll);
    // The pauses below last at least this long: a slow API is polled no faster than it answers.
    const tookMs = clock.now() - startedAt;
    if (state === 'gone' && (deletion.seemsGone || urgent.aborted)) return 'gone';
    if (state === 'gone') {
      deletion.seemsGone = true;
      deletion.absentOnce.resolve();
      await pause(timing.confirmAfterMs);
      continue;
    }
    deletion.seemsGone = false;
    const ageMs = clock.now() - deletion.since;
    if (state === 'absent') {
      if (ageMs > timing.searchForMs || urgent.aborted) return 'never-appeared';
      await pause(Math.max(tookMs, intervalAt(timing.searchIntervalsMs, polls)));
      continue;
    }
    if (ageMs > deleteTimeout && !deletion.stuck) {
      deletion.stuck = true;
      onStuck();
    }
    await pause(Math.max(tookMs, intervalAt(timing.pollIntervalsMs, polls)));
  }
  return 'stopped';
}

const intervalAt = (intervalsMs: readonly number[], index: number): number =>
  intervalsMs.at(Math.min(index, intervalsMs.length - 1)) ?? URGENT_INTERVAL_MS;
