import type { Clock } from '../../src/domain/ports.ts';
import type { Alarm } from '../../src/sampler/alarm.ts';

/** Time that passes only when told to. */
export type FakeTime = {
  readonly clock: Clock;
  readonly alarm: Alarm;
  /** Rings what is due on the way, in order; promises that are settled by then are run to their end at each step. */
  advance(millis: number): Promise<void>;
  /** Lets time pass without ringing anything: the event loop stands still. */
  freeze(millis: number): void;
};

export function createFakeTime(start = 0): FakeTime {
  let now = start;
  let alarms: { at: number; ring: () => void }[] = [];
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    clock: { now: () => now },
    alarm(at, ring) {
      const one = { at, ring };
      alarms.push(one);
      return () => {
        alarms = alarms.filter((other) => other !== one);
      };
    },
    async advance(millis) {
      const until = now + millis;
      await settle();
      for (;;) {
        const [next] = alarms.filter((one) => one.at <= until).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        alarms = alarms.filter((one) => one !== next);
        now = Math.max(now, next.at);
        next.ring();
        await settle();
      }
      now = Math.max(now, until);
    },
    freeze(millis) {
      now += millis;
    },
  };
}
