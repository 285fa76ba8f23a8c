import { Worker } from 'node:worker_threads';
import { errorLine } from '../domain/error-line.ts';
import type { SamplerEvent } from '../domain/ports.ts';
import type { LeftServer } from '../domain/server-book.ts';

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
  /** The thread died without having been told to stop: a bug of ours, or no memory. */
  readonly onDeath: (reason: string) => void;
};

/** The sampler, in its own thread, seen from the main one. */
export type Sampler = {
  pause(): void;
  resume(): void;
  /** Deletes what an earlier session left behind. */
  cleanUp(servers: readonly LeftServer[]): void;
  /** Resolves when the last event has been handed over. */
  stop(): Promise<void>;
};

export function startSampler({ thread, data, onEvent, onDeath }: SamplerOptions): Sampler {
  const worker = new Worker(thread, { workerData: data, stdin: false });
  const gone = Promise.withResolvers<void>();
  let stopping = false;
  const tell = (command: SamplerCommand) => worker.postMessage(command);
  worker.on('message', (event: SamplerEvent) => onEvent(event));
  worker.on('error', (error) => {
    if (!stopping) onDeath(errorLine(error));
    stopping = true;
  });
  worker.on('exit', (code) => {
    gone.resolve();
    if (!stopping) onDeath(`the thread ended with code ${code}`);
  });
  return {
    pause: () => tell({ type: 'pause' }),
    resume: () => tell({ type: 'resume' }),
    cleanUp: (servers) => tell({ type: 'clean-up', servers }),
    async stop() {
      stopping = true;
      tell({ type: 'stop' });
      await gone.promise;
    },
  };
}
