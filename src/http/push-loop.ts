import { setTimeout as delay } from 'node:timers/promises';
import { createConnectionStatus, type OnConnectionChange } from '../domain/run/connection-status.ts';

/** Milliseconds between rounds, and before a retry: doubled after each failure, from `minRetry` up to `maxRetry`. */
export type PushTiming = { readonly interval: number; readonly minRetry: number; readonly maxRetry: number };

type PushLoop = {
  /** Creates what pushes; `ended` is aborted when it must give up. If `push` throws, it is called again later. */
  readonly create: (ended: AbortSignal) => { push(): Promise<void>; close(): void };
  readonly timing: PushTiming;
  readonly onConnectionChange: OnConnectionChange;
};

/** How long pushing the last changes may take when the daemon stops. */
const STOP_TIMEOUT_MS = 5000;

/**
 * Calls `push` again and again until stopped, later each time after a failure. What is due is computed in each round, so
 * nothing queues up. `stop` waits for a last successful round that began after the call, but no longer than 5 s.
 */
export function startPushLoop({ create, timing, onConnectionChange }: PushLoop): { stop(): Promise<void> } {
  const ended = new AbortController();
  const stopping = new AbortController();
  const { push, close } = create(ended.signal);
  const connection = createConnectionStatus(onConnectionChange);

  async function run(): Promise<void> {
    let retry = timing.minRetry;
    while (!ended.signal.aborted) {
      const isLast = stopping.signal.aborted;
      try {
        await push();
        connection.succeeded();
        retry = timing.minRetry;
        if (isLast) return;
        if (!stopping.signal.aborted) await pause(timing.interval);
      } catch (error) {
        if (ended.signal.aborted) return;
        // After a bug, too, the push is only retried: it must not end sampling.
        connection.failed(error instanceof Error ? error.message : String(error));
        await pause(retry);
        retry = Math.min(retry * 2, timing.maxRetry);
      }
    }
  }

  const pause = (millis: number): Promise<void> =>
    delay(millis, undefined, { signal: stopping.signal.aborted ? ended.signal : stopping.signal }).catch(() => {});

  const finished = run();
  return {
    async stop() {
      stopping.abort();
      const timeout = setTimeout(() => ended.abort(), STOP_TIMEOUT_MS);
      await finished;
      clearTimeout(timeout);
      ended.abort();
      close();
    },
  };
}
