import type { FailureKind, VoidKind } from '../cause.ts';
import { intersect, length } from '../interval.ts';
import type { ProbeResult } from '../probe.ts';
import type { Sample } from '../sample.ts';
import type { Interval, Millis } from '../time.ts';

/**
 * How a stall of the event loop affects results. A stall may widen a bracket or hide a latency; it makes a sample
 * void only if it could have caused the failure.
 *
 *   result                                       the loop stalled                  host suspended   clock changed
 *   ok                                           ok; its latency is unknown        ok               void
 *   an answer that reports failure (HTTP 500,    failed                            failed           void
 *     server in ERROR, invalid body)
 *   refused, unreachable, DNS, TLS               failed                            void             void
 *   reset or truncated                           failed; void if stalled for       void             void
 *                                                `PEER_TIMEOUT_MS` or longer
 *   no answer within the limit                   failed: the limit counts only     void             void
 *                                                time for which the loop ran
 *   no answer, wait given up because the loop    void                              void             void
 *     stalled for too long
 *   slots that passed without a request          void: missed                      void             void
 *
 * Timestamps are not corrected. An ok sample proves that the service was up when it was sent, and an edge is bounded by
 * the time at which the result was read, so brackets are wider by the stall and still contain the true time.
 *
 * Exchanges apply `couldBeCausedByStall` to stalls within a request; the dispatch applies `judgeInterrupted` to whole
 * samples.
 */

/** A period for which the measurements of this host are in doubt. */
export type Interruption = Interval & { readonly kind: 'stalled' | 'suspended' | 'clock-step' };

/** How long a server waits for a silent client: HAProxy closes after 10 s, many keep-alive connections after 5 s. */
export const PEER_TIMEOUT_MS = 5000;

/** Whether a stall of `stalledMs` milliseconds during a request could have caused this failure. */
export function couldBeCausedByStall(kind: FailureKind | VoidKind, stalledMs: Millis): boolean {
  switch (kind) {
    case 'connection-reset':
    case 'truncated-body':
      return stalledMs >= PEER_TIMEOUT_MS;
    // The operating system reports these, and its timers run on during a stall. Rollwatch's own limits do not count
    // stalls.
    case 'connect-timeout':
    case 'response-timeout':
      return stalledMs > 0;
    default:
      return false;
  }
}

/** Returns the message of a request that is void because of a stall; `message` describes the failure itself. */
export const stalledMessage = (stalledMs: Millis, message: string): string =>
  `Rollwatch stalled for ${(stalledMs / 1000).toFixed(2)} s, which may have caused this: ${message}`;

/** Failures that a suspended host causes, even just after it resumes, before its network is back. */
const NETWORK_FAILURES: readonly FailureKind[] = [
  'connection-refused',
  'connection-reset',
  'dns',
  'tls',
  'unreachable',
  'connect-timeout',
  'response-timeout',
  'truncated-body',
  'spin-up-timeout',
  'delete-timeout',
];

/** Applies the interruptions that overlap a sample to its result. `during` is when the sample was in flight. */
export function judgeInterrupted(
  result: ProbeResult,
  interruptions: readonly Interruption[],
  during: Interval,
): ProbeResult {
  if (result.outcome === 'void' || interruptions.length === 0) return result;
  const { stages, requestId, serverId } = result;
  const interruption = interruptions.find(({ kind }) => makesVoid(kind, result));
  if (interruption !== undefined) {
    const { kind, from, until } = interruption;
    const seconds = ((until - from) / 1000).toFixed(2);
    const event = kind === 'suspended' ? `the host was suspended (${seconds} s)` : 'the wall clock was set';
    const cause = { kind, service: 'rollwatch', message: `${event} during this sample` } as const;
    return { outcome: 'void', cause, slots: 1, stages, requestId, serverId };
  }
  const stalledMs = length(intersect(interruptions, [during]));
  return stalledMs === 0 ? result : { ...result, stages: { ...stages, [STALLED]: stalledMs / 1000 } };
}

function makesVoid(kind: Interruption['kind'], result: Exclude<ProbeResult, { outcome: 'void' }>): boolean {
  if (kind === 'stalled') return false;
  if (kind === 'clock-step') return true;
  return result.outcome === 'failed' && NETWORK_FAILURES.includes(result.cause.kind);
}

/** The stage of a sample that holds the seconds for which the loop stalled; other stages include that time. */
const STALLED = 'stalled';

/** Returns how long the loop stalled during a sample, in milliseconds. Its duration is uncertain by that much. */
export const stalledFor = ({ stages }: Pick<Sample, 'stages'>): Millis => (stages[STALLED] ?? 0) * 1000;

/** Returns the latency of an ok sample in seconds, or null if a stall hides it. */
export const latencyOf = (sample: Extract<Sample, { outcome: 'ok' }>): number | null =>
  stalledFor(sample) > 0 ? null : (sample.settledAt - sample.startedAt) / 1000;

/** Returns whether an ok sample took longer than `limit` milliseconds, or null if a stall hides it. */
export function isSlow(sample: Extract<Sample, { outcome: 'ok' }>, limit: Millis): boolean | null {
  const longest = sample.settledAt - sample.startedAt;
  if (longest <= limit) return false;
  return longest - stalledFor(sample) > limit ? true : null;
}
