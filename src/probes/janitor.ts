import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { errorLine } from '../domain/errors.ts';
import type { Log } from '../domain/log.ts';
import { type Creator, isOwnedBy, type OwnerScope, ownerOf, remainingLifetime, scopeOf } from '../domain/ownership.ts';
import type { ServerEvent } from '../domain/sampler-event.ts';
import type { Millis } from '../domain/time.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Server } from '../openstack/compute/server-body.ts';
import {
  DEFAULT_DELETION_TIMING,
  type DeletionTiming,
  newServerDeletion,
  runServerDeletion,
  type ServerDeletion,
} from '../openstack/compute/server-deletion.ts';
import { MAX_OUTSTANDING } from '../openstack/http/request-gate.ts';
import type { Result } from '../openstack/result.ts';

/** Deletes the test servers of one cloud, and keeps trying until they are gone. */
export type Janitor = {
  /** Excludes a server in use from every sweep. */
  reserve(name: string): void;
  /** Records that a server was created. */
  recordCreated(name: string, id: string): void;
  /**
   * Deletes a server. `id` is null if its create request was never answered: then the server is searched for by name.
   * `deletedAt` is when a delete request was already sent, so that it is not repeated at once; null if none was.
   */
  delete(server: { readonly name: string; readonly id: string | null; readonly deletedAt: Millis | null }): void;
  /** Checks once more that a server is gone, because a deleted server may come back as ERROR. */
  confirmGone(server: { readonly name: string; readonly id: string }): void;
  /** Undoes `reserve` for a server that was never created. */
  release(name: string): void;
  /**
   * Resolves when a server that is being deleted is gone, when a server without an id was searched for once, or after
   * `limit` milliseconds.
   */
  waitUntilGone(name: string, limit: number, signal: AbortSignal): Promise<void>;
  /** Returns why no more servers should be created, or null. */
  suspendedReason(): string | null;
  /** Starts deleting what earlier sessions and runs left behind. */
  start(): void;
  /**
   * Lists the test servers of a scope and, without `dryRun`, deletes each one as soon as no running daemon can need it.
   * Waits up to `timeout` milliseconds for them to be gone. Servers that disappear on their own are not in the result.
   */
  sweep(options: SweepOptions): Promise<Result<readonly Swept[]>>;
  /** Deletes all own servers, for up to `limit` milliseconds, and returns those that are left. */
  stop(limit: number): Promise<readonly UndeletedServer[]>;
  /** Abandons all deletions in progress and sends no more requests. */
  close(): void;
};

export type SweepOptions = {
  readonly dryRun: boolean;
  readonly scope: OwnerScope;
  /** In milliseconds. */
  readonly timeout: number;
  /** Also deletes servers that a running daemon may need. */
  readonly evenIfNeeded?: boolean;
  /** Called once if servers may be in use by a running daemon, with the longest time to wait for them. */
  readonly onWait?: (servers: readonly Server[], millis: Millis) => void;
  readonly signal: AbortSignal;
};

/** `neededFor`: how long a running daemon may still need the server. */
export type Swept = { readonly server: Server; readonly gone: boolean; readonly neededFor: Millis };

type WaitOptions = {
  readonly maxWait: Millis;
  readonly interval: Millis;
  readonly scope: OwnerScope;
  readonly signal: AbortSignal;
};

/** `left`: servers that were still needed after `maxWait`. */
type DueDeletions = {
  readonly started: readonly { readonly server: Server; readonly deletion: ServerDeletion }[];
  readonly left: readonly Server[];
};

/** A server that `stop` could not delete. `message` is the latest status or error. */
export type UndeletedServer = { readonly name: string; readonly id: string; readonly message: string };

export type JanitorOptions = {
  readonly cloud: Cloud;
  readonly creator: Creator;
  /** Milliseconds after which a server that still exists is reported as leaked. Deletion is retried. */
  readonly deleteTimeout: number;
  /** Boots are suspended while more than this many servers cannot be deleted. */
  readonly maxStuck: number;
  readonly emit: (event: ServerEvent) => void;
  readonly log: Log;
  readonly timing?: DeletionTiming;
};

/** Half of what the gate allows, so that probes are not delayed. */
const MAX_CONCURRENT_REQUESTS = MAX_OUTSTANDING / 2;
const LIST_CACHE_MS = 1000;
const LEFTOVER_LIST_INTERVAL_MS = 10_000;
const SWEEP_LIST_INTERVAL_MS = 2000;
const MAX_SWEEP_WAIT_MS = 600_000;

export function createJanitor(options: JanitorOptions): Janitor {
  const { cloud, creator, deleteTimeout, maxStuck, emit, log, timing = DEFAULT_DELETION_TIMING } = options;
  const { clock } = cloud;
  const compute = cloud.compute(cloud.http);
  const stopped = new AbortController();
  const urgent = new AbortController();
  const limit = pLimit(MAX_CONCURRENT_REQUESTS);
  const deletions = new Map<string, ServerDeletion>();
  const inUse = new Set<string>();
  let latestList: { readonly at: Millis; readonly servers: Promise<Result<readonly Server[]>> } | null = null;

  const report = (kind: ServerEvent['kind'], name: string, id: string | null, message: string) =>
    emit({ cloud: cloud.access.name, vantage: creator.vantage, kind, name, id, at: clock.now(), message });

  /** Lists the servers with the name prefix. Calls within a second share one request. */
  function recentList(): Promise<Result<readonly Server[]>> {
    if (latestList === null || clock.now() - latestList.at > LIST_CACHE_MS) {
      const servers = compute.listByPrefix(creator.prefix, { timeouts: cloud.timeouts, signal: stopped.signal });
      latestList = { at: clock.now(), servers };
    }
    return latestList.servers;
  }

  /** Returns the id of an own server by name: null if there is none, undefined if the servers could not be listed. */
  async function lookUp(name: string): Promise<string | null | undefined> {
    const list = await recentList();
    if (list.type !== 'ok') return undefined;
    return list.value.find((server) => server.name === name && isOwn(server))?.id ?? null;
  }

  const isOwn = (server: Server): boolean => isOwnedBy(server, creator.prefix, scopeOf(creator));

  /** Starts deleting a server, unless deletion is already in progress. */
  function startDeletion(
    name: string,
    id: string | null,
    { seemsGone = false, deletedAt = null }: { seemsGone?: boolean; deletedAt?: Millis | null } = {},
  ): ServerDeletion {
    // Names are not unique: older versions of Rollwatch used the same names for two cloud entries of one project.
    const sameName = deletions.get(name);
    const isOther = sameName !== undefined && id !== null && sameName.id !== null && sameName.id !== id;
    const key = isOther ? `${name} ${id}` : name;
    const started = deletions.get(key);
    if (started !== undefined) return started;
    inUse.delete(name);
    const deletion = newServerDeletion(name, { id, since: clock.now(), seemsGone, deletedAt });
    deletions.set(key, deletion);
    const onFound = (foundId: string) =>
      report('created', name, foundId, 'found by name: its create request was never answered');
    const onStuck = () => {
      report('leaked', name, deletion.id, deletion.message);
      log(
        'warn',
        `could not delete server ${name} within ${deleteTimeout / 1000} s (${deletion.message}); still trying`,
      );
    };
    void runServerDeletion(deletion, {
      ...{ compute, clock, timeouts: cloud.timeouts, timing, deleteTimeout, limit, lookUp, onFound, onStuck },
      turn: cloud.backpressure['nova-api'].waitForTurn,
      urgent: urgent.signal,
      stopped: stopped.signal,
    }).then((end) => {
      if (end === 'stopped') return;
      deletions.delete(key);
      if (end === 'gone') report('gone', name, deletion.id, '');
      deletion.searched.resolve();
      deletion.absentOnce.resolve();
      deletion.finished.resolve();
    });
    return deletion;
  }

  const waitUpTo = async (millis: number, work: Promise<unknown>, signal: AbortSignal): Promise<void> => {
    const done = new AbortController();
    const timer = delay(millis, undefined, { signal: AbortSignal.any([signal, done.signal]) }).catch(() => {});
    await Promise.race([work, timer]);
    done.abort();
  };

  /** Lists the test servers of a scope, except those in use (see `reserve`). */
  async function listUnused(scope: OwnerScope, signal: AbortSignal): Promise<Result<readonly Server[]>> {
    const list = await compute.listByPrefix(creator.prefix, { timeouts: cloud.timeouts, signal });
    if (list.type !== 'ok') return list;
    const unused = list.value.filter((server) => isOwnedBy(server, creator.prefix, scope) && !inUse.has(server.name));
    return { ...list, value: unused };
  }

  async function deleteOwn(): Promise<void> {
    const own = await listUnused(scopeOf(creator), stopped.signal);
    if (own.type === 'ok') for (const { name, id } of own.value) startDeletion(name, id);
  }

  /** Returns how long a running daemon may still need a server. */
  function neededTime(server: Server): Millis {
    const owner = ownerOf(server, creator.prefix);
    if (owner === null) return Number.POSITIVE_INFINITY;
    return remainingLifetime({ created: server.createdAt, lifetime: owner.lifetime }, cloud.session.cloudNow());
  }

  /**
   * Starts deleting each server when no running daemon can need it any more. Skips servers that disappear first. If
   * the time of the cloud is unknown, a server counts as created when it is first seen.
   */
  async function deleteWhenUnneeded(
    servers: readonly Server[],
    { maxWait, interval, scope, signal }: WaitOptions,
  ): Promise<DueDeletions> {
    const startedAt = clock.now();
    const started: { server: Server; deletion: ServerDeletion }[] = [];
    let waiting = servers.map((server) => ({ server, until: startedAt + neededTime(server) }));
    for (;;) {
      const now = clock.now();
      const due = waiting.filter(({ until }) => until <= now);
      started.push(...due.map(({ server }) => ({ server, deletion: startDeletion(server.name, server.id) })));
      waiting = waiting.filter((entry) => !due.includes(entry));
      if (waiting.length === 0 || now >= startedAt + maxWait) break;
      const next = Math.min(startedAt + maxWait, ...waiting.map(({ until }) => until));
      await delay(Math.min(interval, next - now), undefined, { signal });
      const list = await listUnused(scope, signal);
      if (list.type !== 'ok') continue;
      const ids = new Set(list.value.map(({ id }) => id));
      waiting = waiting.filter(({ server }) => ids.has(server.id));
    }
    return { started, left: waiting.map(({ server }) => server) };
  }

  /**
   * Deletes own servers at once. Those of other runs or cloud entries, which another daemon on this host may be using,
   * are deleted once no daemon can need them.
   */
  async function deleteLeftovers(): Promise<void> {
    const scope = { vantage: creator.vantage, run: null };
    let list = await listUnused(scope, stopped.signal);
    while (list.type !== 'ok') {
      await delay(LEFTOVER_LIST_INTERVAL_MS, undefined, { signal: stopped.signal });
      list = await listUnused(scope, stopped.signal);
    }
    const own = list.value.filter(isOwn);
    const others = list.value.filter((server) => !isOwn(server));
    for (const { name, id } of own) startDeletion(name, id);
    if (own.length > 0) log('info', `deleting ${serverCount(own.length)} left by an earlier session`);
    const { started } = await deleteWhenUnneeded(others, {
      maxWait: Number.POSITIVE_INFINITY,
      interval: LEFTOVER_LIST_INTERVAL_MS,
      scope,
      signal: stopped.signal,
    });
    if (started.length > 0) log('info', `deleting ${serverCount(started.length)} left by another run or cloud entry`);
  }

  return {
    reserve: (name) => inUse.add(name),
    recordCreated: (name, id) => report('created', name, id, ''),
    delete: ({ name, id, deletedAt }) => startDeletion(name, id, { deletedAt }),
    confirmGone: ({ name, id }) => startDeletion(name, id, { seemsGone: true }),
    release: (name) => inUse.delete(name),
    async waitUntilGone(name, millis, signal) {
      const deletion = deletions.get(name);
      if (deletion === undefined || deletion.seemsGone) return;
      await waitUpTo(millis, deletion.id === null ? deletion.searched.promise : deletion.absentOnce.promise, signal);
    },
    suspendedReason() {
      const stuck = [...deletions.values()].filter((deletion) => deletion.stuck && deletion.id !== null).length;
      return stuck > maxStuck ? `${stuck} servers cannot be deleted` : null;
    },
    start() {
      deleteLeftovers().catch((error: unknown) => {
        if (!stopped.signal.aborted) log('warn', `could not look for leftover test servers: ${errorLine(error)}`);
      });
    },
    async sweep({ dryRun, scope, timeout: millis, evenIfNeeded = false, onWait, signal }) {
      const list = await listUnused(scope, signal);
      if (list.type !== 'ok') return list;
      const needed = new Map(list.value.map((server) => [server, evenIfNeeded ? 0 : neededTime(server)]));
      const neededForMs = (server: Server): Millis => needed.get(server) ?? 0;
      const row = (server: Server, gone: boolean): Swept => ({ server, gone, neededFor: neededForMs(server) });
      if (dryRun) return { ...list, value: list.value.map((server) => row(server, false)) };
      const maybeInUse = list.value.filter((server) => neededForMs(server) > 0);
      const startedNow = list.value
        .filter((server) => !maybeInUse.includes(server))
        .map((server) => ({ server, deletion: startDeletion(server.name, server.id) }));
      const maxWait = Math.min(MAX_SWEEP_WAIT_MS, Math.max(0, ...maybeInUse.map(neededForMs)));
      if (maybeInUse.length > 0) onWait?.(maybeInUse, maxWait);
      const waitOptions = { maxWait, interval: SWEEP_LIST_INTERVAL_MS, scope, signal };
      const { started: startedLater, left } = await deleteWhenUnneeded(maybeInUse, waitOptions);
      const started = [...startedNow, ...startedLater];
      await waitUpTo(millis, Promise.all(started.map(({ deletion }) => deletion.finished.promise)), signal);
      const isGone = (deletion: ServerDeletion) => ![...deletions.values()].includes(deletion);
      const rows = started.map(({ server, deletion }) => row(server, isGone(deletion)));
      return { ...list, value: [...rows, ...left.map((server) => row(server, false))] };
    },
    async stop(millis) {
      urgent.abort();
      inUse.clear();
      const timeout = AbortSignal.timeout(millis);
      await waitUpTo(millis, deleteOwn(), timeout);
      const allFinished = () => Promise.all([...deletions.values()].map(({ finished }) => finished.promise));
      if (!timeout.aborted) await waitUpTo(millis, allFinished(), timeout);
      stopped.abort();
      const left = [...deletions.values()].flatMap(({ name, id, message }) =>
        id === null ? [] : [{ name, id, message }],
      );
      for (const { name, id, message } of left) report('leaked', name, id, message);
      return left;
    },
    close: () => stopped.abort(),
  };
}

const serverCount = (count: number): string => `${count} test server${count === 1 ? '' : 's'}`;
