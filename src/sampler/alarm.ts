import type { Clock } from '../domain/ports.ts';
import type { Millis } from '../domain/time.ts';

/** Runs `ring` once at a moment of the timeline; gives a function that takes it back. */
export type Alarm = (at: Millis, ring: () => void) => () => void;

/** A timer of Node's may ring up to a millisecond early, and a timeline that jumps ahead makes it late: it looks again. */
export function createAlarm(clock: Clock): Alarm {
  return (at, ring) => {
    const arm = () =>
      setTimeout(
        () => {
          if (clock.now() >= at) ring();
          else timer = arm();
        },
        Math.max(0, Math.ceil(at - clock.now())),
      );
    let timer = arm();
    return () => clearTimeout(timer);
  };
}
