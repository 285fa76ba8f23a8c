import type { Interruption } from '../domain/downtime/stalls.ts';
import type { Interval, Millis } from '../domain/time.ts';

/**
 * Knows when our own event loop stood still. `beat` is called by a timer every `every` milliseconds; a beat that is
 * late by more than `limit` means that nothing was seen, sent or received in between.
 */
export type StallWatch = {
  beat(now: Millis): Interval | null;
  /** Another reason to distrust a stretch: sleep, a clock that was set. */
  distrust(stretch: Interruption): void;
  /** Every stretch that overlaps `interval`, in order. Finds a stall also before the late beat itself has run. */
  during(interval: Interval): readonly Interruption[];
  /** The longest delay of a beat since the last call, in milliseconds. */
  takeLag(): number;
};

/** Longer than any sample takes, so that none loses its stall. */
const KEEP = 10 * 60_000;

export function createStallWatch({ start, every, limit }: { start: Millis; every: number; limit: number }): StallWatch {
  let last = start;
  let lag = 0;
  let stretches: Interruption[] = [];
  const stalled = (now: Millis): boolean => now - last - every > limit;
  const keep = (stretch: Interruption, now: Millis): void => {
    stretches = [...stretches.filter((one) => one.until > now - KEEP), stretch];
  };
  return {
    beat(now) {
      lag = Math.max(lag, now - last - every);
      const stall = stalled(now) ? { from: last, until: now } : null;
      last = now;
      if (stall !== null) keep({ ...stall, kind: 'stalled' }, now);
      return stall;
    },
    distrust(stretch) {
      keep(stretch, stretch.until);
    },
    during({ from, until }) {
      const found = stretches.filter((one) => one.from < until && one.until > from);
      return stalled(until) && from < until ? [...found, { kind: 'stalled', from: last, until }] : found;
    },
    takeLag() {
      const most = Math.max(0, lag);
      lag = 0;
      return most;
    },
  };
}
