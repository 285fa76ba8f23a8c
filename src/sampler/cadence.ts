import { stalledFor } from '../domain/downtime/stalls.ts';
import type { Sample } from '../domain/sample.ts';
import type { Millis } from '../domain/time.ts';

/** Slots at absolute times, `start + n * interval`, so that nothing drifts. */
export type Cadence = { readonly start: Millis; readonly interval: number };

/** Returns when a slot is due. */
export const dueAt = ({ start, interval }: Cadence, slot: number): Millis => start + slot * interval;

/** Returns the first slot that is due at `at` or later. */
export const firstSlotFrom = ({ start, interval }: Cadence, at: Millis): number =>
  Math.max(0, Math.ceil((at - start) / interval));

/**
 * Returns the slot to serve when woken for `slot` at `now`, and how many slots before it were missed. A late sample is
 * still sent while its interval lasts. Missed slots (`dropped_iterations` in k6) are not made up for.
 */
export function slotToServe(
  cadence: Cadence,
  slot: number,
  now: Millis,
): { readonly slot: number; readonly missed: number } {
  const missed = Math.max(0, Math.floor((now - dueAt(cadence, slot)) / cadence.interval));
  return { slot: slot + missed, missed };
}

/**
 * Returns the start offset of series `index` of `count`, in milliseconds, which spreads the series over the interval.
 */
export const staggerOffset = (interval: number, index: number, count: number): number =>
  (interval * index) / Math.max(1, count);

/**
 * Decides whether to send extra samples: from a fast failure until a later sample is ok, fails slowly or is
 * rate-limited, but for at most `limit` milliseconds. A service that refuses, resets or responds with an error at once
 * can take the extra load. One that hangs, fails slowly or asks for fewer requests may be overloaded.
 */
export type ExtraSampling = {
  record(sample: Sample): void;
  isActive(now: Millis): boolean;
};

/**
 * A slower failure holds resources: Keystone's middleware, for one, occupies a Nova worker for 3.5 s before it answers
 * 503.
 */
const FAST_FAILURE_MS = 500;

export function createExtraSampling(limit: number): ExtraSampling {
  let latestSeq = -1;
  let since: Millis | null = null;
  return {
    record(sample) {
      if (sample.seq < latestSeq) return;
      if (sample.outcome === 'void' && sample.cause.kind !== 'rate-limited') return;
      latestSeq = sample.seq;
      if (isFastFailure(sample)) since ??= sample.endedAt;
      else since = null;
    },
    isActive: (now) => since !== null && now - since < limit,
  };
}

const isFastFailure = (sample: Sample): boolean =>
  sample.outcome === 'failed' &&
  !sample.timedOut &&
  sample.settledAt - sample.failureStartedAt - stalledFor(sample) < FAST_FAILURE_MS;
