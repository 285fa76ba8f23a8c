import { uptime } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { Clock } from '../domain/ports.ts';
import type { Millis } from '../domain/time.ts';

/** What the machine's clocks show, in milliseconds. The only place that reads them. */
export type Clocks = {
  /** Never goes back; stands still while the host sleeps (CLOCK_MONOTONIC). */
  monotonic(): number;
  /** Goes on while the host sleeps (CLOCK_BOOTTIME), to 10 ms. */
  boot(): number;
  /** Since 1970; anyone may set it. */
  wall(): number;
};

export const machineClocks: Clocks = {
  monotonic: () => performance.now(),
  boot: () => uptime() * 1000,
  wall: () => preciseWall(),
};

/** `timeOrigin` is exact to the microsecond but knows nothing of a clock that was set since; Date.now() is exact to 1 ms. */
function preciseWall(): number {
  const precise = performance.timeOrigin + performance.now();
  const now = Date.now();
  return Math.abs(precise - now) < 2 ? precise : now;
}

export type ClockEvent = {
  readonly kind: 'suspended' | 'clock-step';
  readonly from: Millis;
  readonly until: Millis;
  /** How far the timeline (suspended) or the wall clock (clock-step) jumped, in milliseconds. */
  readonly jump: number;
};

/**
 * The session's timeline: the monotonic clock, anchored to the wall clock at the start. It never goes back, and a
 * difference of two moments is a true duration. When the host has slept, it jumps ahead by that time; when the wall
 * clock is set, it stays as it is, and `offset` tells how far the two are apart.
 */
export type Timeline = Clock & {
  /** Wall clock minus timeline at the last check, in milliseconds. */
  offset(): number;
  /** To be called several times a second: finds sleep and a clock that was set by more than `step` milliseconds. */
  check(): ClockEvent | null;
};

const SLEEP = 500;

export function createTimeline(clocks: Clocks, step: number): Timeline {
  let anchor = clocks.wall() - clocks.monotonic();
  let asleep = clocks.boot() - clocks.monotonic();
  let offset = 0;
  let checked = clocks.wall();
  const now = () => anchor + clocks.monotonic();
  return {
    now,
    offset: () => offset,
    check() {
      const from = checked;
      const slept = clocks.boot() - clocks.monotonic() - asleep;
      if (slept > SLEEP) {
        asleep += slept;
        anchor += slept;
        checked = now();
        return { kind: 'suspended', from, until: checked, jump: slept };
      }
      checked = now();
      const moved = clocks.wall() - checked - offset;
      if (Math.abs(moved) <= step) return null;
      offset += moved;
      return { kind: 'clock-step', from, until: checked, jump: moved };
    },
  };
}
