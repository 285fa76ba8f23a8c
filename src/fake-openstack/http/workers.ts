/**
 * The worker processes of an API under uwsgi. Each handles one request at a time; further requests wait in the listen
 * queue. A hanging request blocks its worker, even after its client has disconnected.
 */
export type Workers = {
  /** Runs a task, whose signal aborts when the process ends. Returns 'reset' if the queue is reset before its start. */
  run<T>(task: (signal: AbortSignal) => Promise<T>): Promise<T | 'reset'>;
  /** Starts no more requests until `release`: the application is loading, or the workers are about to exit. */
  hold(): void;
  release(): void;
  /** Resolves when no request is in progress. */
  idle(): Promise<void>;
  /** Resets the requests that wait; those in progress continue. */
  resetQueue(): void;
  /** Ends the processes, aborting the requests in progress, and resets the queue. */
  killProcesses(): void;
};

export function createWorkers(count: number): Workers {
  let queue: { readonly start: () => void; readonly reset: () => void }[] = [];
  let busy = 0;
  let held = false;
  let idleListeners: (() => void)[] = [];
  let processes = new AbortController();

  function startNext(): void {
    while (!held && busy < count) {
      const request = queue.shift();
      if (request === undefined) return;
      request.start();
    }
  }

  function notifyIfIdle(): void {
    if (busy > 0) return;
    const listeners = idleListeners;
    idleListeners = [];
    for (const notify of listeners) notify();
  }

  function resetQueue(): void {
    const waiting = queue;
    queue = [];
    for (const request of waiting) request.reset();
  }

  return {
    async run(task) {
      const turn = Promise.withResolvers<boolean>();
      queue.push({
        start() {
          busy++;
          turn.resolve(true);
        },
        reset: () => turn.resolve(false),
      });
      startNext();
      if (!(await turn.promise)) return 'reset';
      const ownProcesses = processes;
      try {
        return await task(ownProcesses.signal);
      } finally {
        if (ownProcesses === processes) {
          busy--;
          notifyIfIdle();
          startNext();
        }
      }
    },
    hold() {
      held = true;
    },
    release() {
      held = false;
      startNext();
    },
    idle() {
      const { promise, resolve } = Promise.withResolvers<void>();
      idleListeners.push(resolve);
      notifyIfIdle();
      return promise;
    },
    resetQueue,
    killProcesses() {
      resetQueue();
      processes.abort();
      processes = new AbortController();
      busy = 0;
      notifyIfIdle();
    },
  };
}
