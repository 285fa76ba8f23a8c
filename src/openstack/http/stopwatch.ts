import type { Stages } from '../../domain/sample.ts';
import type { Clock, Millis } from '../../domain/time.ts';

/** Measures the stages of a request; each one starts when the previous one ends. */
export type Stopwatch = {
  mark(stage: string): void;
  has(stage: string): boolean;
  /** Records that the connection is ready. */
  markReady(): void;
  isReady(): boolean;
  /** Returns the number of events so far. */
  eventCount(): number;
  /** Returns seconds by stage. */
  stages(): Stages;
};

export function createStopwatch(clock: Clock, start: Millis): Stopwatch {
  const stages = new Map<string, number>();
  let last = start;
  let ready = false;
  return {
    mark(stage) {
      const now = clock.now();
      stages.set(stage, Math.max(0, now - last) / 1000);
      last = now;
    },
    has: (stage) => stages.has(stage),
    markReady() {
      ready = true;
    },
    isReady: () => ready,
    eventCount: () => stages.size + (ready ? 1 : 0),
    stages: () => Object.fromEntries(stages),
  };
}
