import type { Cause, Service } from '../../domain/cause.ts';
import type { Clock, Millis } from '../../domain/time.ts';
import type { Result } from '../result.ts';
import { type FaultRow, matchFault, type Operation } from './nova-exceptions.ts';
import type { Reachability } from './ping.ts';

export type Dependency = NonNullable<FaultRow['dependencies']>[number];

/** Finds the service at fault by asking Nova's dependencies, where the answer alone does not show it. */
export type DependencyCheck = {
  /** Learns which dependencies are reachable from here; called while all is well. */
  learn(signal: AbortSignal): Promise<void>;
  /** Returns the cause with the service at fault; asks the dependencies that the fault may come from. */
  attribute(cause: Cause, during: Operation, signal: AbortSignal): Promise<Cause>;
  /** Called when any client sends a request to Nova; the returned function is called when that request has ended. */
  onWriteSent(): (outcome: RequestOutcome) => void;
  onReadSent(): (outcome: RequestOutcome) => void;
  /**
   * Attributes a write sent at `sentAt` that timed out: sends Nova a list request, unless a later read was answered,
   * and asks all dependencies.
   */
  attributeWriteTimeout(cause: Cause, sentAt: Millis, signal: AbortSignal): Promise<Cause>;
  /** Returns the first of `dependencies` (all by default) that does not answer; null if all answer. */
  findSilent(signal: AbortSignal, dependencies?: readonly Dependency[]): Promise<Dependency | null>;
  /** Whether all evidence so far says that writes are waiting for the message queue. */
  isQueueDown(signal: AbortSignal): Promise<boolean>;
  /** Attributes a read that timed out: Nova's workers may be waiting for the message queue, or for a dependency. */
  attributeReadTimeout(cause: Cause, signal: AbortSignal): Promise<Cause>;
};

/**
 * `done`: carried out, a write with the help of the message queue. `timed-out`: no answer within the limit. `other`:
 * rejected, broken, answered by a proxy or not sent, so no evidence about the message queue.
 */
export type RequestOutcome = 'done' | 'timed-out' | 'other';

export type DependencyCheckOptions = {
  readonly clock: Clock;
  readonly ping: (dependency: Dependency, signal: AbortSignal) => Promise<Reachability>;
  /** Lists servers. */
  readonly list: (signal: AbortSignal) => Promise<Result<unknown>>;
};

const DEPENDENCIES: readonly Dependency[] = ['keystone', 'neutron', 'glance', 'placement'];
/** What Nova calls for a list request: Keystone to validate the token, Neutron for security groups. */
const READ_DEPENDENCIES: readonly Dependency[] = ['keystone', 'neutron'];
const LEARN_INTERVAL_MS = 600_000;
/** Reuses an answer for this long: samples after a failure are sent ten times a second. */
const PING_REUSE_MS = 1000;
/** A write that waits longer is hanging, if a read that was sent later was answered. */
const OVERDUE_MS = 3000;
/**
 * How much later than the write the read must have been sent, at least; `LATER_FACTOR` times the latency of the last
 * write if that is longer.
 */
const MIN_LATER_MS = 250;
const LATER_FACTOR = 1.5;
/** The latency of the slowest read decays by this factor with each faster one. */
const READ_LATENCY_DECAY = 0.9;
/** A read is overdue after this multiple of the slowest latency. */
const OVERDUE_READ_FACTOR = 2;

type Request = { readonly sentAt: Millis };

export function createDependencyCheck({ clock, ping, list }: DependencyCheckOptions): DependencyCheck {
  /** Dependencies that have answered while all was well: any other may be unreachable from here. */
  const reachable = new Set<Dependency>();
  let learntAt: Millis = Number.NEGATIVE_INFINITY;
  /** Reads have overtaken a write that hung, and no write has been carried out since. */
  let isQueueDown = false;
  /** As `isQueueDown`, but the dependencies have not been asked yet. */
  let isQueueSuspected = false;
  /** Reads hung while later ones were answered: some workers hang, whatever the request. */
  let readsHang = false;
  const writes = new Set<Request>();
  const reads = new Set<Request>();
  let lastReadSentAt: Millis = Number.NEGATIVE_INFINITY;
  let writeLatencyMs = 0;
  let slowReadLatencyMs = 0;

  const pings = new Map<Dependency, { readonly sentAt: Millis; readonly response: Promise<Reachability> }>();

  function recentPing(dependency: Dependency, signal: AbortSignal): Promise<Reachability> {
    const last = pings.get(dependency);
    if (last !== undefined && clock.now() - last.sentAt < PING_REUSE_MS) return last.response;
    const response = ping(dependency, signal);
    pings.set(dependency, { sentAt: clock.now(), response });
    return response;
  }

  /** Returns the first of the reachable `dependencies` that does not answer. */
  async function findSilent(dependencies: readonly Dependency[], signal: AbortSignal): Promise<Dependency | null> {
    const candidates = dependencies.filter((dependency) => reachable.has(dependency));
    const answers = await Promise.all(candidates.map((dependency) => recentPing(dependency, signal)));
    return candidates.find((_, index) => answers[index] === 'silent') ?? null;
  }

  /** Whether Nova has answered a read that was sent well after the write, so that not all of Nova hangs. */
  const isOvertakenByRead = (sentAt: Millis): boolean =>
    lastReadSentAt > sentAt + Math.max(MIN_LATER_MS, LATER_FACTOR * writeLatencyMs);

  /**
   * Whether some reads hang while later ones are answered. The queue does not cause this: while it is down, reads hang
   * only once all workers are blocked, and then no read overtakes another.
   */
  function someReadsHang(): boolean {
    const overdueMs = Math.max(OVERDUE_MS, OVERDUE_READ_FACTOR * slowReadLatencyMs);
    const isOvertaken = ({ sentAt }: Request) =>
      clock.now() - sentAt > overdueMs && lastReadSentAt > sentAt + MIN_LATER_MS;
    return readsHang || [...reads].some(isOvertaken);
  }

  async function detectQueueOutage(signal: AbortSignal): Promise<boolean> {
    if (isQueueDown) return true;
    // A write that is still waiting has not been reported as timed out yet.
    const isWriteHanging = [...writes].some(
      ({ sentAt }) => clock.now() - sentAt > OVERDUE_MS && isOvertakenByRead(sentAt),
    );
    if (!(isQueueSuspected || (isWriteHanging && !someReadsHang()))) return false;
    if ((await findSilent(DEPENDENCIES, signal)) !== null) return false;
    isQueueDown = true;
    return true;
  }

  const attributeTo = (cause: Cause, service: Service, why: string): Cause => ({
    ...cause,
    service,
    message: `${cause.message} (${why})`,
  });

  return {
    async learn(signal) {
      if (reachable.size === DEPENDENCIES.length || clock.now() - learntAt < LEARN_INTERVAL_MS) return;
      learntAt = clock.now();
      const answers = await Promise.all(DEPENDENCIES.map((dependency) => ping(dependency, signal)));
      for (const [index, dependency] of DEPENDENCIES.entries()) {
        if (answers[index] === 'answers') reachable.add(dependency);
      }
    },
    async attribute(cause, during, signal) {
      const dependencies = matchFault(cause.message, during)?.dependencies;
      if (dependencies === undefined) return cause;
      const silent = await findSilent(dependencies, signal);
      if (silent !== null) return attributeTo(cause, silent, `${silent} does not answer Rollwatch either`);
      const states = dependencies.map(
        (dependency) => `${dependency} ${reachable.has(dependency) ? 'answers' : 'is not reachable from here'}`,
      );
      return { ...cause, message: `${cause.message} (${states.join(', ')})` };
    },
    onWriteSent() {
      const request = { sentAt: clock.now() };
      writes.add(request);
      return (outcome) => {
        writes.delete(request);
        if (outcome === 'timed-out' && isOvertakenByRead(request.sentAt) && !someReadsHang()) isQueueSuspected = true;
        if (outcome !== 'done') return;
        writeLatencyMs = clock.now() - request.sentAt;
        isQueueDown = false;
        isQueueSuspected = false;
        readsHang = false;
        // Earlier writes that are still waiting hang for another reason.
        for (const other of writes) if (other.sentAt < request.sentAt) writes.delete(other);
      };
    },
    onReadSent() {
      const request = { sentAt: clock.now() };
      reads.add(request);
      return (outcome) => {
        reads.delete(request);
        if (outcome === 'timed-out' && lastReadSentAt > request.sentAt + MIN_LATER_MS) readsHang = true;
        if (outcome !== 'done') return;
        slowReadLatencyMs = Math.max(clock.now() - request.sentAt, slowReadLatencyMs * READ_LATENCY_DECAY);
        lastReadSentAt = Math.max(lastReadSentAt, request.sentAt);
      };
    },
    async attributeWriteTimeout(cause, sentAt, signal) {
      const hasLaterRead = isOvertakenByRead(sentAt);
      const [listed, silent] = await Promise.all([
        hasLaterRead ? null : list(signal),
        findSilent(DEPENDENCIES, signal),
      ]);
      // The list request was not sent or hangs too: only earlier evidence is left.
      if (listed?.type === 'void' || (listed?.type === 'failed' && isTimeout(listed.cause))) {
        return (await detectQueueOutage(signal)) ? attributeTo(cause, 'message-queue', WORKERS_BLOCKED) : cause;
      }
      if (listed?.type === 'failed') {
        return attributeTo(cause, listed.cause.service, `listing servers fails: ${listed.cause.message}`);
      }
      const evidence = hasLaterRead ? 'list requests sent later were answered' : 'listing servers works';
      if (silent !== null) return attributeTo(cause, silent, `${evidence}, but ${silent} does not answer Rollwatch`);
      if (!isQueueDown && someReadsHang()) return { ...cause, message: `${cause.message} (some reads hang as well)` };
      isQueueDown = true;
      const others = [...reachable].join(', ');
      return attributeTo(cause, 'message-queue', others === '' ? evidence : `${evidence}; reachable: ${others}`);
    },
    findSilent: (signal, dependencies = DEPENDENCIES) => findSilent(dependencies, signal),
    isQueueDown: detectQueueOutage,
    async attributeReadTimeout(cause, signal) {
      if (!isTimeout(cause) || cause.service !== 'nova-api') return cause;
      if (await detectQueueOutage(signal)) return attributeTo(cause, 'message-queue', WORKERS_BLOCKED);
      const silent = await findSilent(READ_DEPENDENCIES, signal);
      return silent === null ? cause : attributeTo(cause, silent, `${silent} does not answer Rollwatch either`);
    },
  };
}

const isTimeout = ({ kind }: Cause): boolean => kind === 'response-timeout' || kind === 'connect-timeout';

const WORKERS_BLOCKED = "Nova's workers are blocked by requests that wait for the message queue";
