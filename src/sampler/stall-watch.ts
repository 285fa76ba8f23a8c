import type { Interval, Millis } from '../domain/time.ts';

/**
 * Knows when our own event loop stood still. `beat` is called by a timer every `every` milliseconds; a beat that is
 * late by more than `limit` means that nothing was seen, sent or received in between.
 */
export type StallWatch = {
  beat(now: Millis): Interval | null;
  /** Another reason to distrust a stretch: sleep, a clock that was set. */
  distrust(interval: Interval): void;
  /** The stretch in which we were not to be trusted, if it overlaps `interval`. Finds a stall also before the late beat itself has run. */
  during(interval: Interval): Interval | null;
  /** The longest delay of a beat since the last call, in milliseconds. */
  takeLag(): number;
};

/** Longer than any sample takes, so that none forgets its stall. */
const KEEP = 10 * 60_000;

export function createStallWatch({ start, every, limit }: { start: Millis; every: number; limit: number }): StallWatch {
  let last = start;
  let lag = 0;
  let stalls: Interval[] = [];
  const stalled = (now: Millis): boolean => now - last - every > limit;
  return {
    beat(now) {
      lag = Math.max(lag, now - last - every);
      const stall = stalled(now) ? { from: last, until: now } : null;
      last = now;
      if (stall !== null) stalls = [...stalls.filter((one) => one.until > now - KEEP), stall];
      return stall;
    },
    distrust(interval) {
      stalls = [...stalls, interval];
    },
    during({ from, until }) {
      if (stalled(until) && from < until) return { from: last, until };
      return stalls.findLast((one) => one.from < until && one.until > from) ?? null;
    },
    takeLag() {
      const most = Math.max(0, lag);
      lag = 0;
      return most;
    },
  };
}
