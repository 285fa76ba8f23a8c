import type { Clock } from '../../src/domain/time.ts';
import type { Schedule } from '../../src/sampler/clock.ts';

/** Time that passes only on `advance` and `freeze`. */
export type FakeTime = {
  readonly clock: Clock;
  readonly schedule: Schedule;
  /** Runs the callbacks that become due, in order, and after each one all promises that it settled. */
  advance(millis: number): Promise<void>;
  /** Lets time pass without running callbacks, as in a stall of the event loop. */
  freeze(millis: number): void;
};

export function createFakeTime(start = 0): FakeTime {
  let now = start;
  let scheduled: { at: number; callback: () => void }[] = [];
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    clock: { now: () => now },
    schedule(at, callback) {
      const entry = { at, callback };
      scheduled.push(entry);
      return () => {
        scheduled = scheduled.filter((other) => other !== entry);
      };
    },
    async advance(millis) {
      const until = now + millis;
      await settle();
      for (;;) {
        const [next] = scheduled.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        scheduled = scheduled.filter((entry) => entry !== next);
        now = Math.max(now, next.at);
        next.callback();
        await settle();
      }
      now = Math.max(now, until);
    },
    freeze(millis) {
      now += millis;
    },
  };
}
