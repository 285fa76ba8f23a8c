import type { FailureKind, VoidKind } from '../cause.ts';
import { intersect, length } from '../interval.ts';
import type { ProbeResult } from '../ports.ts';
import type { Sample } from '../sample.ts';
import type { Interval, Millis } from '../time.ts';

/**
 * What a stall of our own event loop does to what was found. A stall may widen a bracket or a latency; it makes void only
 * a failure that it could have caused.
 *
 *   found                                        our loop stood still meanwhile    the host slept   the clock was set
 *   the right answer                             ok; its latency is not known      the same         void
 *   an answer that says otherwise (HTTP 500,     failed: a fact                    failed           void
 *     an ERROR of Nova's, a body of rubbish)
 *   refused, no route, no such name, TLS         failed: a fact                    void             void
 *   reset, or cut off in the middle              failed; void if it stood still    void             void
 *                                                for `PEER_PATIENCE_MS` or longer
 *   no answer within the limit                   failed: the limit counts only     void             void
 *                                                time in which the loop ran
 *   the same, but it stood still for so long     void                              void             void
 *     that the wait was given up
 *   slots that passed without a request          void: missed                      void             void
 *
 * Moments stay as they were read. A good answer proves the service up at the moment it was sent, and an edge is bounded
 * by the moment at which the outcome was seen, so brackets are wider by the stall, and the truth lies inside.
 *
 * Exchanges apply `couldBeOurs` to the stalls within one request; the dispatch applies `judgeInterrupted` to whole samples.
 */
export type Interruption = Interval & { readonly kind: 'stalled' | 'suspended' | 'clock-step' };

/** A server gives up on a client that says nothing for so long: HAProxy after 10 s, many kept connections after 5 s. */
export const PEER_PATIENCE_MS = 5000;

/** Whether a request that failed so may have done so only because our loop stood still for `stood` milliseconds meanwhile. */
export function couldBeOurs(kind: FailureKind | VoidKind, stood: Millis): boolean {
  switch (kind) {
    case 'connection-reset':
    case 'truncated-body':
      return stood >= PEER_PATIENCE_MS;
    // Reported by the system: a timer of Node's own that counts the stall, too. Our own limits do not.
    case 'connect-timeout':
    case 'response-timeout':
      return stood > 0;
    default:
      return false;
  }
}

/** Of a request that is void for that; `message` is what it failed with. */
export const stalledMessage = (stood: Millis, message: string): string =>
  `the prober stood still for ${(stood / 1000).toFixed(2)} s meanwhile, which may be the cause: ${message}`;

/** What breaks while the host sleeps, and what is asked before its network is back. */
const NEEDS_THE_NETWORK: readonly FailureKind[] = [
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

/** The finding of a sample that was under way from `from` until `until`, by the interruptions that overlap it. */
export function judgeInterrupted(
  found: ProbeResult,
  interruptions: readonly Interruption[],
  during: Interval,
): ProbeResult {
  if (found.outcome === 'void' || interruptions.length === 0) return found;
  const { stages, requestId, serverId } = found;
  const doubt = interruptions.find(({ kind }) => casts(kind, found));
  if (doubt !== undefined) {
    const seconds = ((doubt.until - doubt.from) / 1000).toFixed(2);
    const what = doubt.kind === 'suspended' ? `the host slept (${seconds} s)` : 'the wall clock was set';
    const cause = { kind: doubt.kind, service: 'rollwatch', message: `${what} while it was under way` } as const;
    return { outcome: 'void', cause, slots: 1, stages, requestId, serverId };
  }
  const stood = length(intersect(interruptions, [during]));
  return stood === 0 ? found : { ...found, stages: { ...stages, [STALLED]: stood / 1000 } };
}

function casts(kind: Interruption['kind'], found: Exclude<ProbeResult, { outcome: 'void' }>): boolean {
  if (kind === 'stalled') return false;
  if (kind === 'clock-step') return true;
  return found.outcome === 'failed' && NEEDS_THE_NETWORK.includes(found.cause.kind);
}

/** Among the stages of a sample: for how long of it our own loop stood still. The others include it. */
const STALLED = 'stalled';

/** For how long of a sample our own loop stood still, in milliseconds: what it took is known only to within that. */
export const stalledFor = ({ stages }: Pick<Sample, 'stages'>): Millis => (stages[STALLED] ?? 0) * 1000;

/** How long an ok sample took, in seconds; null where a stall hides it. */
export const latencyOf = (sample: Extract<Sample, { outcome: 'ok' }>): number | null =>
  stalledFor(sample) > 0 ? null : (sample.settledAt - sample.startedAt) / 1000;

/** Whether an ok sample took longer than `limit` milliseconds; null where a stall hides it. */
export function isSlow(sample: Extract<Sample, { outcome: 'ok' }>, limit: Millis): boolean | null {
  const most = sample.settledAt - sample.startedAt;
  if (most <= limit) return false;
  return most - stalledFor(sample) > limit ? true : null;
}
