import { setTimeout } from 'node:timers/promises';
import type { Millis } from '../domain/time.ts';

/** Returns the current time in milliseconds, with microsecond resolution. The embedded cloud reads no other clock. */
export const now = (): Millis => performance.timeOrigin + performance.now();

/** Formats a time as ISO 8601 without fractions of seconds. */
export const isoSeconds = (time: Millis): string => `${new Date(time).toISOString().slice(0, 19)}Z`;

/** How much faster than a real cloud this one runs. */
export type TimeScale = {
  readonly speed: number;
  /**
   * Waits for `seconds` of a real cloud, divided by `speed`. Rejects when `signal` aborts; by default, that is when
   * the cloud closes. Any other signal must abort at that time, too.
   */
  wait(seconds: number, signal?: AbortSignal): Promise<void>;
  /** Waits for `ms` regardless of the speed. Rejects when the cloud closes. */
  waitMs(ms: number): Promise<void>;
};

export function createTimeScale(speed: number, closed: AbortSignal): TimeScale {
  const sleep = async (ms: number, signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    if (ms > 0) await setTimeout(ms, undefined, { signal });
  };
  return {
    speed,
    wait: (seconds, signal = closed) => sleep((seconds * 1000) / speed, signal),
    waitMs: (ms) => sleep(ms, closed),
  };
}
