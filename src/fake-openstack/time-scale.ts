import { setTimeout } from 'node:timers/promises';

/**
 * How long things take: what a real cloud needs, divided by `speed`. Waits end (rejected) when their signal aborts;
 * without one, when the cloud closes. Who gives a signal sees to it that it aborts then, too.
 */
export type Pace = {
  readonly speed: number;
  /** `seconds` as on a real cloud. */
  wait(seconds: number, signal?: AbortSignal): Promise<void>;
  /** As long as it says, whatever the speed. */
  exactly(ms: number): Promise<void>;
};

export function createPace(speed: number, closed: AbortSignal): Pace {
  const sleep = async (ms: number, signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    if (ms > 0) await setTimeout(ms, undefined, { signal });
  };
  return {
    speed,
    wait: (seconds, signal = closed) => sleep((seconds * 1000) / speed, signal),
    exactly: (ms) => sleep(ms, closed),
  };
}
