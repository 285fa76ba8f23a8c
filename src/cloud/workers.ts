/**
 * The worker processes of an API under uwsgi: so many requests at a time, the others wait in the listen queue. A
 * request that hangs keeps its worker, also when its client has gone.
 */
export type Workers = {
  /** `signal` aborts when the worker's process ends. 'reset': the process ended before the request's turn came. */
  run<T>(task: (signal: AbortSignal) => Promise<T>): Promise<T | 'reset'>;
  /** While the application loads, requests wait. */
  hold(): void;
  release(): void;
  /** SIGTERM: what waits is reset, what is in hand goes on. */
  drop(): void;
  /** The processes end, whatever they have in hand. */
  end(): void;
};

export function createWorkers(count: number): Workers {
  let queue: { readonly start: () => void; readonly drop: () => void }[] = [];
  let busy = 0;
  let held = false;
  let processes = new AbortController();

  function next(): void {
    while (!held && busy < count) {
      const waiting = queue.shift();
      if (waiting === undefined) return;
      waiting.start();
    }
  }

  function drop(): void {
    const dropped = queue;
    queue = [];
    for (const waiting of dropped) waiting.drop();
  }

  return {
    async run(task) {
      const turn = Promise.withResolvers<boolean>();
      queue.push({
        start() {
          busy++;
          turn.resolve(true);
        },
        drop: () => turn.resolve(false),
      });
      next();
      if (!(await turn.promise)) return 'reset';
      const mine = processes;
      try {
        return await task(mine.signal);
      } finally {
        if (mine === processes) {
          busy--;
          next();
        }
      }
    },
    hold() {
      held = true;
    },
    release() {
      held = false;
      next();
    },
    drop,
    end() {
      drop();
      processes.abort();
      processes = new AbortController();
      busy = 0;
    },
  };
}
