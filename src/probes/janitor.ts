import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { errorLine } from '../domain/error-line.ts';
import { isOurs, type Mark, neededFor, ownerOf, ownScope, type Scope } from '../domain/ownership.ts';
import type { ServerEvent } from '../domain/ports.ts';
import type { Millis } from '../domain/time.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Server } from '../openstack/compute/server-body.ts';
import {
  type Errand,
  type ErrandPace,
  newErrand,
  runErrand,
  USUAL_PACE,
} from '../openstack/compute/server-deletion.ts';
import { MAX_OUTSTANDING } from '../openstack/http/request-gate.ts';
import type { Result } from '../openstack/result.ts';

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
  /**
   * Finds servers with our mark. Without `dryRun` each is deleted once no living run can need it any more, and waited for
   * up to `limit` milliseconds; one that goes by itself until then is none of the result.
   */
  sweep(options: SweepOptions): Promise<Result<readonly Swept[]>>;
  /** Deletes all there is for up to `limit` milliseconds; gives what is left. */
  stop(limit: number): Promise<readonly Left[]>;
};

export type SweepOptions = {
  readonly dryRun: boolean;
  readonly scope: Scope;
  readonly limit: number;
  /** Deletes also what a living run may need. */
  readonly now?: boolean;
  /** Told once of what is waited for, and for how long at most. */
  readonly onWait?: (servers: readonly Server[], millis: Millis) => void;
  readonly signal: AbortSignal;
};

/** `neededFor`: a living run may need it for so long. */
export type Swept = { readonly server: Server; readonly gone: boolean; readonly neededFor: Millis };
/** At most for `longest`, with a look each `every` milliseconds. */
type Wait = {
  readonly longest: Millis;
  readonly every: Millis;
  readonly scope: Scope;
  readonly signal: AbortSignal;
};
/** `left`: the wait was too short. */
type Taken = {
  readonly taken: readonly { readonly server: Server; readonly errand: Errand }[];
  readonly left: readonly Server[];
};
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
/** Between two looks of a sweep at servers that a living run may need. */
const SWEEP_LOOK = 2000;
/** A sweep does not wait longer for what a living run may need. */
const LONGEST_WAIT = 600_000;

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
    return all.value.find((one) => one.name === name && isOurs(one, mark.prefix, ownScope(mark)))?.id ?? null;
  }

  function begin(
    name: string,
    id: string | null,
    { seemsGone = false, deletedAt = null }: { seemsGone?: boolean; deletedAt?: Millis | null } = {},
  ): Errand {
    const known = errands.get(name);
    // Two servers may have one name: an older Rollwatch gave the same to those of two entries of one project.
    const isOther = known !== undefined && id !== null && known.id !== null && known.id !== id;
    const key = isOther ? `${name} ${id}` : name;
    const same = errands.get(key);
    if (same !== undefined) return same;
    inUse.delete(name);
    const errand = newErrand(name, { id, since: clock.now(), seemsGone, deletedAt });
    errands.set(key, errand);
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
      errands.delete(key);
      if (end === 'gone') tell('gone', name, errand.id, '');
      errand.looked.resolve();
      errand.gone.resolve();
      errand.over.resolve();
    });
    return errand;
  }

  const within = async (work: Promise<unknown>, millis: number, signal: AbortSignal): Promise<void> => {
    const over = new AbortController();
    const timer = delay(millis, undefined, { signal: AbortSignal.any([signal, over.signal]) }).catch(() => {});
    await Promise.race([work, timer]);
    over.abort();
  };

  /** Those of `scope`, but for what our own probes are using. */
  async function marked(scope: Scope, signal: AbortSignal): Promise<Result<readonly Server[]>> {
    const all = await compute.named(mark.prefix, { limits: cloud.limits, signal });
    if (all.type !== 'ok') return all;
    return { ...all, value: all.value.filter((one) => isOurs(one, mark.prefix, scope) && !inUse.has(one.name)) };
  }

  async function takeOwn(): Promise<void> {
    const own = await marked(ownScope(mark), ended.signal);
    if (own.type === 'ok') for (const { name, id } of own.value) begin(name, id);
  }

  /** For how long a living run may still need it. */
  function stillNeeded(server: Server): Millis {
    const owner = ownerOf(server, mark.prefix);
    if (owner === null) return Number.POSITIVE_INFINITY;
    return neededFor({ created: server.created, lifetime: owner.lifetime }, cloud.session.cloudNow());
  }

  /**
   * Deletes each of `servers` when no living run can need it any more; one that is gone by then is not ours to delete.
   * Where the cloud's time is not known, a server is as good as new when it is first seen.
   */
  async function takeWhenUnneeded(servers: readonly Server[], { longest, every, scope, signal }: Wait): Promise<Taken> {
    const from = clock.now();
    const taken: { server: Server; errand: Errand }[] = [];
    let waiting = servers.map((server) => ({ server, until: from + stillNeeded(server) }));
    for (;;) {
      const now = clock.now();
      const due = waiting.filter(({ until }) => until <= now);
      taken.push(...due.map(({ server }) => ({ server, errand: begin(server.name, server.id) })));
      waiting = waiting.filter((one) => !due.includes(one));
      if (waiting.length === 0 || now >= from + longest) break;
      const next = Math.min(from + longest, ...waiting.map(({ until }) => until));
      await delay(Math.min(every, next - now), undefined, { signal });
      const seen = await marked(scope, signal);
      if (seen.type !== 'ok') continue;
      const ids = new Set(seen.value.map(({ id }) => id));
      waiting = waiting.filter(({ server }) => ids.has(server.id));
    }
    return { taken, left: waiting.map(({ server }) => server) };
  }

  /** What another run or another entry of clouds.yaml has made may be another daemon's, at work. */
  async function cleanUpAfterOthers(): Promise<void> {
    const here = { vantage: mark.vantage, run: null };
    let found = await marked(here, ended.signal);
    while (found.type !== 'ok') {
      await delay(LOOK_AGAIN, undefined, { signal: ended.signal });
      found = await marked(here, ended.signal);
    }
    const isOwn = (one: Server) => isOurs(one, mark.prefix, ownScope(mark));
    const [own, others] = [found.value.filter(isOwn), found.value.filter((one) => !isOwn(one))];
    for (const { name, id } of own) begin(name, id);
    if (own.length > 0) log('info', `deletes ${own.length} servers left by an earlier start`);
    const given = { longest: Number.POSITIVE_INFINITY, every: LOOK_AGAIN, scope: here, signal: ended.signal };
    const { taken } = await takeWhenUnneeded(others, given);
    if (taken.length > 0) log('info', `deletes ${taken.length} servers left by another run or another entry`);
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
    async sweep({ dryRun, scope, limit: millis, now = false, onWait, signal }) {
      const found = await marked(scope, signal);
      if (found.type !== 'ok') return found;
      const needed = new Map(found.value.map((server) => [server, now ? 0 : stillNeeded(server)]));
      const row = (server: Server, gone: boolean): Swept => ({ server, gone, neededFor: needed.get(server) ?? 0 });
      const isGone = (errand: Errand) => ![...errands.values()].includes(errand);
      if (dryRun) return { ...found, value: found.value.map((server) => row(server, false)) };
      const young = found.value.filter((server) => (needed.get(server) ?? 0) > 0);
      const old = found.value
        .filter((server) => !young.includes(server))
        .map((server) => ({ server, errand: begin(server.name, server.id) }));
      const longest = Math.min(LONGEST_WAIT, Math.max(0, ...young.map((server) => needed.get(server) ?? 0)));
      if (young.length > 0) onWait?.(young, longest);
      const { taken, left } = await takeWhenUnneeded(young, { longest, every: SWEEP_LOOK, scope, signal });
      const begun = [...old, ...taken];
      await within(Promise.all(begun.map(({ errand }) => errand.over.promise)), millis, signal);
      const rows = begun.map(({ server, errand }) => row(server, isGone(errand)));
      return { ...found, value: [...rows, ...left.map((server) => row(server, false))] };
    },
    async stop(millis) {
      hurry.abort();
      inUse.clear();
      const over = AbortSignal.timeout(millis);
      await within(takeOwn(), millis, over);
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
