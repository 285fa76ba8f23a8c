import { setTimeout } from 'node:timers/promises';

/** How long things take: what a real cloud needs, divided by `speed`. All waits end (rejected) when the cloud closes. */
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
    wait: (seconds, signal) =>
      sleep((seconds * 1000) / speed, signal === undefined ? closed : AbortSignal.any([closed, signal])),
    exactly: (ms) => sleep(ms, closed),
  };
}
