import { partitionPoint } from '../binary-search.ts';
import type { FailureKind } from '../cause.ts';
import type { Bracket, Millis } from '../time.ts';
import { type DowntimeWindow, extentOf, isExact, sampleSentAt, seconds } from './window.ts';

/**
 * The rules by which the edges of a blunt probe's down windows become those of a sharp one, such as `pilot` for
 * `server-list`: it asks the same address more often, and for less. Numbers are seconds; a bracket is what lies between
 * two samples.
 *
 *   list   ok 1.0                     failed 2.0     starts in 1.3 to 1.4, by the pilot: its bracket is in the list's
 *   pilot         ok 1.3  failed 1.4
 *
 *   list   failed 5.0                     ok 5.6     ends in 5.3 to 5.6, estimated at 5.35, the pilot's estimate: the
 *   pilot         failed 5.3   ok 5.4                API needs its process, but may have needed more than that
 *
 *   list   failed 5.0   failed 5.5        ok 6.0     the list's own end: the process was up before the API
 *   pilot        failed 5.3  ok 5.4
 *
 *   list   ok 1.0              failed 2.0            the list's own edges: the pilot saw nothing, as the process answers
 *   pilot  ok  ok  ok  ok  ok  ok  ok                while its database, Keystone or Neutron is down
 *
 *   list   HTTP 500            pilot refused         the list's own edges: the causes differ
 *
 *   list   ok 1.0                        ok 2.0      no window of the list; that of the pilot is one of its own
 *   pilot        failed 1.4  ok 1.5
 *
 * Of several windows of the pilot, the one that was open when the list failed decides. Two causes agree if they are the
 * same, or if both say that no process answered. What the pilot saw as an outage of its own is no part of a partial one.
 */
export function sharpenWindow<T extends DowntimeWindow>(window: T, { openAt, now }: SharperWindows): T {
  const first = openAt(window, firstFailedAt(window));
  const last = openAt(window, window.knownUntil);
  const start = first === null ? null : sharperStart(window.start, first.start);
  const end = last?.end && window.end !== null ? sharperEnd(window.end, last.end) : null;
  if (start === null && end === null) return window;
  const sharpened: T = {
    ...window,
    start: start ?? window.start,
    startBy: start === null ? window.startBy : (first?.probe ?? window.startBy),
    end: end ?? window.end,
    endBy: end === null ? window.endBy : (last?.probe ?? window.endBy),
  };
  const duration = seconds([extentOf(sharpened, now)]);
  return { ...sharpened, duration, downtime: duration };
}

/** The windows of the sharper probes up to `now`. */
export type SharperWindows = {
  readonly now: Millis;
  /** Returns the down window that was open at a time, if its causes agree with those of `window`; otherwise null. */
  openAt(window: DowntimeWindow, at: Millis): DowntimeWindow | null;
};

/** `windows` are in order. */
export function sharperWindows(windows: readonly DowntimeWindow[], now: Millis): SharperWindows {
  const down = windows.filter(({ kind }) => kind === 'down');
  return {
    now,
    openAt(window, at) {
      const found = down[partitionPoint(down.length, (index) => (down[index]?.start.earliest ?? Infinity) <= at) - 1];
      const isOpen = found !== undefined && (found.end === null || found.end.latest >= at);
      return isOpen && doCausesAgree(window, found) ? found : null;
    },
  };
}

const firstFailedAt = ({ start }: DowntimeWindow): Millis =>
  isExact(start) ? start.latest : Math.min(sampleSentAt(start), start.latest);

/** Returns what two brackets of a start have in common; null if that is nothing, or no less than the first. */
function sharperStart(own: Bracket, other: Bracket): Bracket | null {
  const earliest = Math.max(own.earliest, other.earliest);
  const latest = Math.min(own.latest, other.latest);
  if (isExact(own) || earliest > latest || other.latest - other.earliest >= own.latest - own.earliest) return null;
  if (isExact(other)) return other.estimate < earliest ? null : { earliest, estimate: latest, latest };
  const failedAt = Math.min(sampleSentAt(own), sampleSentAt(other), latest);
  return failedAt < earliest ? null : { earliest, estimate: (earliest + failedAt) / 2, latest };
}

/** Returns an end with the estimate of the other one. It cannot be earlier than the last failure of either. */
function sharperEnd(own: Bracket, other: Bracket): Bracket | null {
  const earliest = Math.max(own.earliest, other.earliest);
  const okAt = Math.min(sampleSentAt(own), sampleSentAt(other));
  if (okAt < earliest || okAt - earliest >= sampleSentAt(own) - own.earliest) return null;
  return { earliest, estimate: (earliest + okAt) / 2, latest: own.latest };
}

/** No process answered, or the load balancer found none. */
const NO_ANSWER: ReadonlySet<FailureKind> = new Set<FailureKind>([
  'connection-refused',
  'connection-reset',
  'unreachable',
  'connect-timeout',
  'response-timeout',
  'truncated-body',
  'http-502',
  'http-503',
  'http-504',
]);

const doCausesAgree = ({ causes }: DowntimeWindow, other: DowntimeWindow): boolean =>
  causes.some(({ kind }) =>
    other.causes.some((cause) => cause.kind === kind || (NO_ANSWER.has(kind) && NO_ANSWER.has(cause.kind))),
  );
