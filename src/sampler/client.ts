import { Worker } from 'node:worker_threads';
import { errorLine } from '../domain/error-line.ts';
import type { SamplerEvent } from '../domain/ports.ts';
import type { LeftServer } from '../domain/run/test-servers.ts';

/** What the main thread tells the sampler's. */
export type SamplerCommand =
  | { readonly type: 'pause' | 'resume' | 'stop' }
  | { readonly type: 'clean-up'; readonly servers: readonly LeftServer[] };

export type SamplerOptions = {
  /** The module that the thread runs. */
  readonly thread: URL;
  /** What it is given as `workerData`. */
  readonly data: unknown;
  readonly onEvent: (event: SamplerEvent) => void;
  /**
   * Called once, when the thread has ended and its last event has been handed over. `reason`: what it died of (a bug of
   * ours, or no memory), null if it ended after `stop`.
   */
  readonly onExit: (reason: string | null) => void;
  /** A thread that has not ended so long after `stop` is terminated, in milliseconds. */
  readonly stopLimit?: number;
};

/** The sampler, in its own thread, seen from the main one. After `stop` nothing else is told to it. */
export type Sampler = {
  pause(): void;
  resume(): void;
  /** Deletes what an earlier session left behind. */
  cleanUp(servers: readonly LeftServer[]): void;
  /** Resolves when the thread has ended, however that came. */
  stop(): Promise<void>;
};

/** Longer than the thread needs for its answers and servers: it has stood still, and nothing else would end it. */
const STOP_LIMIT_MS = 25_000;

/** @throws when there is no room for a thread */
export function startSampler({ thread, data, onEvent, onExit, stopLimit = STOP_LIMIT_MS }: SamplerOptions): Sampler {
  const worker = new Worker(thread, { workerData: data, stdin: false });
  const gone = Promise.withResolvers<void>();
  let stopping = false;
  let died: string | null = null;
  let late: NodeJS.Timeout | undefined;

  function tell(command: SamplerCommand): void {
    if (!stopping) worker.postMessage(command);
  }

  worker.on('message', (event: SamplerEvent) => onEvent(event));
  // The thread lives on for a moment: its end is told by `exit` alone.
  worker.on('error', (error) => {
    died = errorLine(error);
  });
  worker.on('exit', (code) => {
    clearTimeout(late);
    gone.resolve();
    onExit(died ?? (stopping ? null : `the thread ended with code ${code}`));
  });
  return {
    pause: () => tell({ type: 'pause' }),
    resume: () => tell({ type: 'resume' }),
    cleanUp: (servers) => tell({ type: 'clean-up', servers }),
    stop() {
      if (stopping) return gone.promise;
      tell({ type: 'stop' });
      stopping = true;
      late = setTimeout(() => {
        died = `it did not end within ${stopLimit / 1000} s`;
        void worker.terminate();
      }, stopLimit);
      return gone.promise;
    },
  };
}
