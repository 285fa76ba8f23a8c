import type { Interruption } from '../domain/downtime/stalls.ts';
import type { Interval, Millis } from '../domain/time.ts';

/**
 * Detects stalls of the event loop. A timer calls `beat` every `every` milliseconds; if a beat is more than `limit`
 * milliseconds late, nothing was sent or received since the previous one.
 */
export type StallWatch = {
  /** Returns the stall that this beat ended, or null. */
  beat(now: Millis): Interval | null;
  /** Adds an interruption other than a stall: the host was suspended, or the clock was set. */
  addInterruption(interruption: Interruption): void;
  /** Returns the interruptions that overlap `interval`, in order, including a stall whose late beat has not run yet. */
  during(interval: Interval): readonly Interruption[];
  /** Returns the longest delay of a beat since the previous call, in milliseconds. */
  takeLag(): number;
};

/** Longer than samples take with usual settings, so that the stalls of a sample are still known when it ends. */
const RETENTION_MS = 10 * 60_000;

export function createStallWatch({ start, every, limit }: { start: Millis; every: number; limit: number }): StallWatch {
  let lastBeat = start;
  let maxLag = 0;
  let interruptions: Interruption[] = [];
  const isLate = (now: Millis): boolean => now - lastBeat - every > limit;
  const add = (interruption: Interruption, now: Millis): void => {
    interruptions = [...interruptions.filter(({ until }) => until > now - RETENTION_MS), interruption];
  };
  return {
    beat(now) {
      maxLag = Math.max(maxLag, now - lastBeat - every);
      const stall = isLate(now) ? { from: lastBeat, until: now } : null;
      lastBeat = now;
      if (stall !== null) add({ ...stall, kind: 'stalled' }, now);
      return stall;
    },
    addInterruption(interruption) {
      add(interruption, interruption.until);
    },
    during({ from, until }) {
      const overlapping = interruptions.filter(
        (interruption) => interruption.from < until && interruption.until > from,
      );
      return isLate(until) && from < until ? [...overlapping, { kind: 'stalled', from: lastBeat, until }] : overlapping;
    },
    takeLag() {
      const lag = Math.max(0, maxLag);
      maxLag = 0;
      return lag;
    },
  };
}
