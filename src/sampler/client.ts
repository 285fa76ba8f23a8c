import { Worker } from 'node:worker_threads';
import { errorLine } from '../domain/errors.ts';
import type { LeftoverServer } from '../domain/run/test-servers.ts';
import type { SamplerEvent } from '../domain/sampler-event.ts';

/** Sent from the main thread to the sampler thread. */
export type SamplerCommand =
  | { readonly type: 'pause' | 'resume' | 'stop' }
  | { readonly type: 'clean-up'; readonly servers: readonly LeftoverServer[] };

export type SamplerOptions = {
  /** URL of the module that the thread runs. */
  readonly thread: URL;
  /** Passed to the thread as `workerData`. */
  readonly data: unknown;
  readonly onEvent: (event: SamplerEvent) => void;
  /**
   * Called once, after the last event, when the thread has exited. `reason` is null if the thread ended because of
   * `stop`, otherwise why it died: a bug, out of memory, or terminated after `stopLimit`.
   */
  readonly onExit: (reason: string | null) => void;
  /** Milliseconds after `stop` until the thread is terminated. */
  readonly stopLimit?: number;
};

/** Controls the sampler thread from the main thread. After `stop`, other commands are ignored. */
export type Sampler = {
  pause(): void;
  resume(): void;
  /** Deletes servers that an earlier session left behind. */
  cleanUp(servers: readonly LeftoverServer[]): void;
  /** Resolves when the thread has exited for any reason. */
  stop(): Promise<void>;
};

/** Longer than the thread needs to drain its samples and delete its servers. */
const STOP_LIMIT_MS = 25_000;

/**
 * Starts the sampler thread.
 *
 * @throws Error if the thread cannot be created
 */
export function startSampler({ thread, data, onEvent, onExit, stopLimit = STOP_LIMIT_MS }: SamplerOptions): Sampler {
  const worker = new Worker(thread, { workerData: data, stdin: false });
  const exited = Promise.withResolvers<void>();
  let stopping = false;
  let failure: string | null = null;
  let stopTimer: NodeJS.Timeout | undefined;

  function send(command: SamplerCommand): void {
    if (!stopping) worker.postMessage(command);
  }

  worker.on('message', (event: SamplerEvent) => onEvent(event));
  // The thread is still running at this point; only `exit` means that it has ended.
  worker.on('error', (error) => {
    failure = errorLine(error);
  });
  worker.on('exit', (code) => {
    clearTimeout(stopTimer);
    exited.resolve();
    onExit(failure ?? (stopping ? null : `the thread exited with code ${code}`));
  });
  return {
    pause: () => send({ type: 'pause' }),
    resume: () => send({ type: 'resume' }),
    cleanUp: (servers) => send({ type: 'clean-up', servers }),
    stop() {
      if (stopping) return exited.promise;
      send({ type: 'stop' });
      stopping = true;
      stopTimer = setTimeout(() => {
        failure = `did not stop within ${stopLimit / 1000} s`;
        void worker.terminate();
      }, stopLimit);
      return exited.promise;
    },
  };
}
