import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { errorLine } from '../domain/error-line.ts';
import type { ServerEvent } from '../domain/ports.ts';
import type { Millis } from '../domain/time.ts';
import type { Cloud } from '../openstack/cloud.ts';
import { type Errand, type ErrandPace, newErrand, runErrand, USUAL_PACE } from '../openstack/errand.ts';
import { MAX_OUTSTANDING } from '../openstack/request-gate.ts';
import type { Result } from '../openstack/result.ts';
import type { Server } from '../openstack/server-body.ts';

import { isOurs, type Mark, type Scope } from './mark.ts';

/** Makes sure that every server of ours goes away again, one janitor a cloud. */
export type Janitor = {
  /** A server is in use: no sweep touches it. */
  using(name: string): void;
  created(name: string, id: string): void;
  /**
   * It must go, and will be tried until it has gone. `id` null: its create was never answered, so it is looked for;
   * `deletedAt`: it was asked to go then, and should not be at once again.
   */
  take(server: { readonly name: string; readonly id: string | null; readonly deletedAt: Millis | null }): void;
  /** It seems gone; looks again, as a server can come back as ERROR. */
  confirm(server: { readonly name: string; readonly id: string }): void;
  /** It was never made. */
  never(name: string): void;
  /** Until it has gone, or a lost one was looked for once in vain, or `limit` milliseconds have passed. */
  settled(name: string, limit: number, signal: AbortSignal): Promise<void>;
  /** Why no more servers should be made, or null. */
  held(): string | null;
  /** Finds what an earlier run left behind, and goes on until it has looked. */
  start(): void;
  /** Finds servers that bear our mark; without `dryRun` they are deleted, and waited for up to `limit` milliseconds. */
  sweep(options: SweepOptions): Promise<Result<readonly Swept[]>>;
  /** Deletes all there is for up to `limit` milliseconds; gives what is left. */
  stop(limit: number): Promise<readonly Left[]>;
};

export type SweepOptions = {
  readonly dryRun: boolean;
  readonly scope: Scope;
  readonly limit: number;
  readonly signal: AbortSignal;
};

export type Swept = { readonly server: Server; readonly gone: boolean };
export type Left = { readonly name: string; readonly id: string; readonly message: string };

export type JanitorOptions = {
  readonly cloud: Cloud;
  readonly mark: Mark;
  /** After so many milliseconds a server that is still there is called leaked; it is tried on. */
  readonly deleteLimit: number;
  /** No more servers are made when more than this many can't be deleted. */
  readonly maxStuck: number;
  readonly emit: (event: ServerEvent) => void;
  readonly log: (level: 'info' | 'warn', message: string) => void;
  readonly pace?: ErrandPace;
};

/** Requests of the clean-up that are under way at once: half of the places, so that probes go on. */
const AT_ONCE = MAX_OUTSTANDING / 2;
/** Between two tries to look for what an earlier run left behind. */
const LOOK_AGAIN = 10_000;

export function createJanitor(options: JanitorOptions): Janitor {
  const { cloud, mark, deleteLimit, maxStuck, emit, log, pace = USUAL_PACE } = options;
  const { clock } = cloud;
  const compute = cloud.compute(cloud.http);
  const ended = new AbortController();
  const hurry = new AbortController();
  const limit = pLimit(AT_ONCE);
  const errands = new Map<string, Errand>();
  const inUse = new Set<string>();
  let found: { readonly at: Millis; readonly servers: Promise<Result<readonly Server[]>> } | null = null;

  const tell = (kind: ServerEvent['kind'], name: string, id: string | null, message: string) =>
    emit({ cloud: cloud.access.name, vantage: mark.vantage, kind, name, id, at: clock.now(), message });

  /** All that bear the name prefix; who asks within a second gets the same. */
  function listed(): Promise<Result<readonly Server[]>> {
    if (found === null || clock.now() - found.at > 1000) {
      const servers = compute.named(mark.prefix, { limits: cloud.limits, signal: ended.signal });
      found = { at: clock.now(), servers };
    }
    return found.servers;
  }

  /** The id of a server whose create was never answered; undefined where nobody can say. */
  async function lookUp(name: string): Promise<string | null | undefined> {
    const all = await listed();
    if (all.type !== 'ok') return undefined;
    const scope = { vantage: mark.vantage, run: mark.run };
    return all.value.find((one) => one.name === name && isOurs(one, mark.prefix, scope))?.id ?? null;
  }

  function begin(
    name: string,
    id: string | null,
    { seemsGone = false, deletedAt = null }: { seemsGone?: boolean; deletedAt?: Millis | null } = {},
  ): void {
    if (errands.has(name)) return;
    inUse.delete(name);
    const errand = newErrand(name, { id, since: clock.now(), seemsGone, deletedAt });
    errands.set(name, errand);
    const onFound = (foundId: string) =>
      tell('created', name, foundId, 'found by its name: its create was never answered');
    const onStuck = () => {
      tell('leaked', name, errand.id, errand.message);
      log('warn', `server ${name} is still there after ${deleteLimit / 1000} s (${errand.message}); it is tried on`);
    };
    const { turn } = cloud.backpressure['nova-api'];
    const perform = { compute, clock, turn, limits: cloud.limits, pace, deleteLimit, lookUp, onFound, onStuck };
    void runErrand(errand, { ...perform, limit, hurry: hurry.signal, ended: ended.signal }).then((end) => {
      if (end === 'left') return;
      errands.delete(name);
      if (end === 'gone') tell('gone', name, errand.id, '');
      errand.looked.resolve();
      errand.gone.resolve();
      errand.over.resolve();
    });
  }

  const within = async (work: Promise<unknown>, millis: number, signal: AbortSignal): Promise<void> => {
    const over = new AbortController();
    const timer = delay(millis, undefined, { signal: AbortSignal.any([signal, over.signal]) }).catch(() => {});
    await Promise.race([work, timer]);
    over.abort();
  };

  /** Takes on all that are found; gives their names. */
  async function takeAll(scope: Scope, but: (name: string) => boolean): Promise<Result<readonly Server[]>> {
    const all = await compute.named(mark.prefix, { limits: cloud.limits, signal: ended.signal });
    if (all.type !== 'ok') return all;
    const ours = all.value.filter((one) => isOurs(one, mark.prefix, scope) && !inUse.has(one.name) && !but(one.name));
    for (const { name, id } of ours) begin(name, id);
    return { ...all, value: ours };
  }

  /** Servers of another run may be those of another daemon, at work: its boots are over by the second look. */
  async function cleanUpAfterOthers(): Promise<void> {
    const here = { vantage: mark.vantage, run: null };
    let first: Result<readonly Server[]> | null = null;
    while (first?.type !== 'ok') {
      const own = await takeAll({ ...here, run: mark.run }, () => false);
      if (own.type === 'ok' && own.value.length > 0)
        log('info', `deletes ${own.value.length} servers left by an earlier start`);
      first = own.type === 'ok' ? await listed() : own;
      if (first.type !== 'ok') await delay(LOOK_AGAIN, undefined, { signal: ended.signal });
    }
    const others = first.value.filter((one) => isOurs(one, mark.prefix, here) && one.metadata['run'] !== mark.run);
    const names = new Set(others.map((one) => one.name));
    if (others.length === 0) return;
    await delay(pace.othersAfter, undefined, { signal: ended.signal });
    const taken = await takeAll(here, (name) => !names.has(name));
    if (taken.type === 'ok' && taken.value.length > 0)
      log('info', `deletes ${taken.value.length} servers left by another run`);
  }

  return {
    using: (name) => inUse.add(name),
    created: (name, id) => tell('created', name, id, ''),
    take: ({ name, id, deletedAt }) => begin(name, id, { deletedAt }),
    confirm: ({ name, id }) => begin(name, id, { seemsGone: true }),
    never: (name) => inUse.delete(name),
    async settled(name, millis, signal) {
      const errand = errands.get(name);
      if (errand === undefined || errand.seemsGone) return;
      await within(errand.id === null ? errand.looked.promise : errand.gone.promise, millis, signal);
    },
    held() {
      const stuck = [...errands.values()].filter((one) => one.stuck && one.id !== null).length;
      return stuck > maxStuck ? `${stuck} servers cannot be deleted` : null;
    },
    start() {
      cleanUpAfterOthers().catch((error: unknown) => {
        if (!ended.signal.aborted) log('warn', `looking for servers left behind: ${errorLine(error)}`);
      });
    },
    async sweep({ dryRun, scope, limit: millis, signal }) {
      const all = await compute.named(mark.prefix, { limits: cloud.limits, signal });
      if (all.type !== 'ok') return all;
      const ours = all.value.filter((one) => isOurs(one, mark.prefix, scope) && !inUse.has(one.name));
      if (!dryRun) {
        for (const { name, id } of ours) begin(name, id);
        const work = ours.map(({ name }) => errands.get(name)?.over.promise);
        await within(Promise.all(work), millis, signal);
      }
      return { ...all, value: ours.map((server) => ({ server, gone: !dryRun && !errands.has(server.name) })) };
    },
    async stop(millis) {
      hurry.abort();
      inUse.clear();
      const over = AbortSignal.timeout(millis);
      const scope = { vantage: mark.vantage, run: mark.run };
      await within(
        takeAll(scope, () => false),
        millis,
        over,
      );
      const allOver = () => Promise.all([...errands.values()].map((one) => one.over.promise));
      if (!over.aborted) await within(allOver(), millis, over);
      ended.abort();
      const left = [...errands.values()].flatMap(({ name, id, message }) =>
        id === null ? [] : [{ name, id, message }],
      );
      for (const { name, id, message } of left) tell('leaked', name, id, message);
      return left;
    },
  };
}
