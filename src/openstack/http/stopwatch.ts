import type { Clock } from '../../domain/ports.ts';
import type { Stages } from '../../domain/sample.ts';
import type { Millis } from '../../domain/time.ts';

/** Times the stages of a request, each from the end of the one before. */
export type Stopwatch = {
  mark(stage: string): void;
  has(stage: string): boolean;
  /** The connection stands. */
  ready(): void;
  isReady(): boolean;
  /** How many things have happened so far. */
  passed(): number;
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
    ready() {
      ready = true;
    },
    isReady: () => ready,
    passed: () => stages.size + (ready ? 1 : 0),
    stages: () => Object.fromEntries(stages),
  };
}
