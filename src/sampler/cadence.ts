import type { Millis } from '../domain/time.ts';

/** Slots on absolute deadlines, `start + n * interval`: arithmetic alone, so that nothing drifts. */
export type Cadence = { readonly start: Millis; readonly interval: number };

export const dueAt = ({ start, interval }: Cadence, slot: number): Millis => start + slot * interval;

/** The first slot that is due at `at` or later. */
export const slotFrom = ({ start, interval }: Cadence, at: Millis): number =>
  Math.max(0, Math.ceil((at - start) / interval));

/**
 * Woken at `now` for `slot`: which slot to serve, and how many before it are missed. A late sample is sent if its own
 * interval has not passed; there is no burst to catch up (k6 calls those `dropped_iterations`).
 */
export function serve(cadence: Cadence, slot: number, now: Millis): { readonly slot: number; readonly missed: number } {
  const missed = Math.max(0, Math.floor((now - dueAt(cadence, slot)) / cadence.interval));
  return { slot: slot + missed, missed };
}

/** Spreads series evenly over their interval, so that they don't all send at once: the shift of number `index` of `count`. */
export const phase = (interval: number, index: number, count: number): number =>
  (interval * index) / Math.max(1, count);
