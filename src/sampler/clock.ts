import { uptime } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { Clock, Millis } from '../domain/time.ts';

/** Reads the clocks of the machine, in milliseconds. */
export type Clocks = {
  /** Reads CLOCK_MONOTONIC, which never goes back, and stops while the host is suspended. */
  monotonic(): number;
  /** Reads CLOCK_BOOTTIME, which continues while the host is suspended; precise to 10 ms. */
  boot(): number;
  /** Reads CLOCK_REALTIME, which counts from 1970 and may be set at any time. */
  wall(): number;
};

/**
 * The clocks from which timelines are made. Other modules read a clock only for waits, limits and timestamps of their
 * own.
 */
export const machineClocks: Clocks = {
  monotonic: () => performance.now(),
  boot: () => uptime() * 1000,
  wall: () => preciseWall(),
};

/**
 * Returns the time of the wall clock. `timeOrigin` is precise to the microsecond but ignores later clock changes;
 * `Date.now()` is precise to 1 ms.
 */
function preciseWall(): number {
  const precise = performance.timeOrigin + performance.now();
  const now = Date.now();
  return Math.abs(precise - now) < 2 ? precise : now;
}

export type ClockEvent = {
  readonly kind: 'suspended' | 'clock-step';
  readonly from: Millis;
  readonly until: Millis;
  /** How far the timeline (`suspended`) or the wall clock (`clock-step`) jumped, in milliseconds. */
  readonly jump: number;
};

/**
 * The timeline of a session: the monotonic clock, anchored to the wall clock at the start. It never goes back, and the
 * difference of two times is a true duration. The timeline jumps ahead after the host was suspended. It ignores changes
 * of the wall clock, which `offset` reports instead.
 */
export type Timeline = Clock & {
  /** Returns wall clock minus timeline at the last check, in milliseconds. */
  offset(): number;
  /** Detects suspension, and wall clock changes of more than `step` milliseconds. Call it several times a second. */
  check(): ClockEvent | null;
};

/** A larger difference between the boot clock and the monotonic clock means that the host was suspended. */
const SUSPENSION_THRESHOLD_MS = 500;

const ANCHOR_READINGS = 5;

/**
 * Returns wall clock minus monotonic clock. Time passes between two readings, more than usual if the thread is
 * interrupted there, so the tightest of several is taken.
 */
function wallMinusMonotonic({ wall, monotonic }: Clocks): number {
  let tightest = { width: Infinity, difference: 0 };
  for (let reading = 0; reading < ANCHOR_READINGS; reading++) {
    const before = monotonic();
    const at = wall();
    const after = monotonic();
    if (after - before < tightest.width) tightest = { width: after - before, difference: at - (before + after) / 2 };
  }
  return tightest.difference;
}

export function createTimeline(clocks: Clocks, step: number): Timeline {
  let anchor = wallMinusMonotonic(clocks);
  let suspendedTotal = clocks.boot() - clocks.monotonic();
  let offset = 0;
  let checkedAt = clocks.wall();
  const now = () => anchor + clocks.monotonic();
  return {
    now,
    offset: () => offset,
    check() {
      const from = checkedAt;
      const suspended = clocks.boot() - clocks.monotonic() - suspendedTotal;
      if (suspended > SUSPENSION_THRESHOLD_MS) {
        suspendedTotal += suspended;
        anchor += suspended;
        checkedAt = now();
        return { kind: 'suspended', from, until: checkedAt, jump: suspended };
      }
      checkedAt = now();
      const change = clocks.wall() - checkedAt - offset;
      if (Math.abs(change) <= step) return null;
      offset += change;
      return { kind: 'clock-step', from, until: checkedAt, jump: change };
    },
  };
}

/** Calls `callback` once, at `at` on the timeline or as soon as possible after it. Returns a function that cancels. */
export type Schedule = (at: Millis, callback: () => void) => () => void;

/** Creates a schedule. A Node timer may fire up to a millisecond early, and is then set again. */
export function createSchedule(clock: Clock): Schedule {
  return (at, callback) => {
    const startTimer = () =>
      setTimeout(
        () => {
          if (clock.now() >= at) callback();
          else timer = startTimer();
        },
        Math.max(0, Math.ceil(at - clock.now())),
      );
    let timer = startTimer();
    return () => clearTimeout(timer);
  };
}
