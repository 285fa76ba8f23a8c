import { setTimeout as delay } from 'node:timers/promises';
import type { Cause, VoidCause } from '../domain/cause.ts';
import type { Clock, Millis } from '../domain/time.ts';
import type { Compute } from '../openstack/compute/compute.ts';
import { describeStatus, isSoftDeleted, type Server } from '../openstack/compute/server-body.ts';
import type { GuardedSend } from '../openstack/http/backpressure.ts';
import type { HttpTimeouts } from '../openstack/http/http-message.ts';
import type { Problem, Result } from '../openstack/result.ts';
import type { BootTimeline, Poll } from './boot-timeline.ts';

export type PollOptions = {
  readonly compute: Compute;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly timeouts: HttpTimeouts;
  /** In milliseconds. */
  readonly pollInterval: number;
  /** Reports each change of the server's state. */
  readonly progress: (note: string) => void;
  /** Sends the polls. */
  readonly send: GuardedSend;
  /** Returns how long the event loop has stalled since the wait began, in milliseconds; this extends the timeout. */
  readonly stalledTime: () => Millis;
};

/** How the wait for ACTIVE ended. */
export type ActiveWaitResult =
  | {
      readonly type: 'active';
      readonly at: Millis;
      /** When the poll that showed ACTIVE was sent. */
      readonly pollSentAt: Millis;
      /** When the last poll that did not show ACTIVE yet was sent; the time of creation if there was none. */
      readonly lastProgressAt: Millis;
    }
  | { readonly type: 'error'; readonly at: Millis; readonly server: Server }
  /** The create request was accepted, but the server is not found. */
  | { readonly type: 'vanished'; readonly at: Millis }
  | TimedOut
  | Unknown
  | { readonly type: 'aborted' };

/** How the wait until a deleted server is gone ended. */
export type GoneWaitResult =
  | {
      readonly type: 'gone';
      readonly at: Millis;
      /** When the poll that showed this was sent. */
      readonly pollSentAt: Millis;
    }
  | { readonly type: 'error'; readonly at: Millis; readonly server: Server }
  | TimedOut
  | Unknown
  | { readonly type: 'aborted' };

/** The timeout has expired. `server` is the last known state, `failed` why the last poll failed. */
type TimedOut = { readonly type: 'timed-out'; readonly server: Server | null; readonly failed: Cause | null };

/** The timeout has expired and the last poll could not be sent, so the state of the server is unknown. */
type Unknown = { readonly type: 'unknown'; readonly cause: VoidCause };

/** The last poll before the timeout has at least this much time for its answer. */
const MIN_LAST_POLL_MS = 250;
/** An accepted server may briefly not be found, while it moves from Nova's API database to that of a cell. */
const MAX_NOT_FOUND_POLLS = 4;

type PollLoop<T> = {
  readonly until: Millis;
  readonly timeline: Pick<BootTimeline, 'recordPoll'>;
  /** Returns the end of the wait, or null to continue. */
  readonly evaluate: (poll: Poll) => T | null;
};

/** Polls a server until `evaluate` returns a value. Returns null after `until`. */
async function pollServer<T>(
  id: string,
  { until, timeline, evaluate }: PollLoop<T>,
  { compute, clock, signal, timeouts, pollInterval, progress, send, stalledTime }: PollOptions,
): Promise<T | 'aborted' | null> {
  let lastNote = '';
  for (let next = clock.now(); ; next += pollInterval) {
    next = Math.max(next, clock.now());
    if (next > until + stalledTime()) return null;
    await delay(Math.max(0, next - clock.now()), undefined, { signal }).catch(() => {});
    if (signal.aborted) return 'aborted';
    const sentAt = clock.now();
    const remaining = Math.max(until + stalledTime() - sentAt, MIN_LAST_POLL_MS);
    const pollTimeouts = {
      connect: Math.min(timeouts.connect, remaining),
      response: Math.min(timeouts.response, remaining),
    };
    const result = await send(() => compute.show(id, { timeouts: pollTimeouts, signal }), signal);
    if (result.type === 'void' && signal.aborted) return 'aborted';
    // A slow API is polled less often: the pause is at least as long as the answer took.
    next = Math.max(next, 2 * clock.now() - sentAt - pollInterval);
    const note = noteOf(result);
    if (note !== lastNote) progress(note);
    lastNote = note;
    const cutShort = result.type === 'failed' && result.timedOut && remaining < timeouts.response;
    timeline.recordPoll({ result, sentAt, cutShort });
    const end = evaluate({ result, sentAt, cutShort });
    if (end !== null) return end;
    // A poll sent after the timeout, within the extension for stalls, has shown that the server was not in time.
    if (result.type === 'ok' && sentAt >= until) return null;
  }
}

const noteOf = (result: Result<Server | null>): string => {
  if (result.type !== 'ok') return `${result.cause.kind} (${result.cause.service})`;
  return result.value === null ? 'not found' : describeStatus(result.value);
};

const failureOf = (result: Result<unknown>): Cause | null => (result.type === 'failed' ? result.cause : null);

const voidCauseOf = (result: Result<unknown>): VoidCause | null => (result.type === 'void' ? result.cause : null);

type WaitOptions = {
  readonly until: Millis;
  readonly timeline: BootTimeline;
  /** Called with the server whenever a poll returns it and does not end the wait. */
  readonly onWaiting: (server: Server) => void;
};

/** Waits for ACTIVE. Failed polls are recorded in the timeline, and polling continues. */
export async function waitForActive(
  id: string,
  { until, createdAt, timeline, onWaiting }: WaitOptions & { readonly createdAt: Millis },
  options: PollOptions,
): Promise<ActiveWaitResult> {
  let lastProgressAt = createdAt;
  let server: Server | null = null;
  let failed: Cause | null = null;
  let voidCause: VoidCause | null = null;
  let notFound = 0;
  const end = await pollServer<ActiveWaitResult>(
    id,
    {
      until,
      timeline,
      evaluate({ result, sentAt, cutShort }) {
        if (!cutShort) failed = failureOf(result);
        voidCause = voidCauseOf(result);
        if (result.type !== 'ok') return null;
        server = result.value ?? server;
        notFound = result.value === null ? notFound + 1 : 0;
        if (notFound === MAX_NOT_FOUND_POLLS) return { type: 'vanished', at: result.settledAt };
        if (result.value?.status === 'ACTIVE') {
          return { type: 'active', at: result.settledAt, pollSentAt: sentAt, lastProgressAt };
        }
        if (result.value?.status === 'ERROR') return { type: 'error', at: result.settledAt, server: result.value };
        lastProgressAt = sentAt;
        if (result.value !== null) onWaiting(result.value);
        return null;
      },
    },
    options,
  );
  if (end === 'aborted') return { type: 'aborted' };
  return end ?? (voidCause === null ? { type: 'timed-out', server, failed } : { type: 'unknown', cause: voidCause });
}

const WATCH_AFTER_ERROR_MS = 5000;

/**
 * Watches a server in ERROR for a while: a nova-compute that was restarted during a build sets the server to ERROR, but
 * may still complete the build. Returns 'ACTIVE 2.1 s later', for example, or null if no poll was answered.
 */
export async function watchAfterError(
  id: string,
  { errorAt, until }: { readonly errorAt: Millis; readonly until: Millis },
  options: PollOptions,
): Promise<string | null> {
  const later = (at: Millis) => `${((at - errorAt) / 1000).toFixed(1)} s later`;
  let last: string | null = null;
  const end = await pollServer<string>(
    id,
    {
      until: Math.min(until, errorAt + WATCH_AFTER_ERROR_MS),
      timeline: { recordPoll: () => {} },
      evaluate({ result }) {
        if (result.type !== 'ok') return null;
        const status = result.value === null ? 'gone' : result.value.status;
        last = `still ${status} ${later(result.settledAt)}`;
        return status === 'ERROR' ? null : `${status} ${later(result.settledAt)}`;
      },
    },
    options,
  );
  return end === 'aborted' ? null : (end ?? last);
}

/** Waits until a deleted server is gone. */
export async function waitUntilGone(
  id: string,
  { until, timeline, onWaiting }: WaitOptions,
  options: PollOptions,
): Promise<GoneWaitResult> {
  let server: Server | null = null;
  let failed: Cause | null = null;
  let voidCause: VoidCause | null = null;
  const end = await pollServer<GoneWaitResult>(
    id,
    {
      until,
      timeline,
      evaluate({ result, sentAt, cutShort }) {
        if (!cutShort) failed = failureOf(result);
        voidCause = voidCauseOf(result);
        if (result.type !== 'ok') return null;
        if (result.value === null || isSoftDeleted(result.value)) {
          return { type: 'gone', at: result.settledAt, pollSentAt: sentAt };
        }
        if (result.value.status === 'ERROR') return { type: 'error', at: result.settledAt, server: result.value };
        server = result.value;
        onWaiting(result.value);
        return null;
      },
    },
    options,
  );
  if (end === 'aborted') return { type: 'aborted' };
  return end ?? (voidCause === null ? { type: 'timed-out', server, failed } : { type: 'unknown', cause: voidCause });
}

/** Failures after which Nova cannot have received the request. */
const NOT_RECEIVED = ['connection-refused', 'connect-timeout', 'dns', 'unreachable', 'tls', 'no-endpoint'];

/** Whether a server may exist although its create request failed. */
export function serverMayExist(problem: Problem): boolean {
  const { kind, service, status } = problem.cause;
  if (kind === 'shutdown' || kind === 'stalled') return true;
  if (problem.type === 'void' || NOT_RECEIVED.includes(kind)) return false;
  if (service === 'keystone' && status !== 500) return false;
  return status === undefined || status >= 500 || status < 300;
}
