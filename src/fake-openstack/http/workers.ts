/**
 * The worker processes of an API under uwsgi: so many requests at a time, the others wait in the listen queue. A
 * request that hangs keeps its worker, also when its client has gone.
 */
export type Workers = {
  /** `signal` aborts when the worker's process ends. 'reset': the process ended before the request's turn came. */
  run<T>(task: (signal: AbortSignal) => Promise<T>): Promise<T | 'reset'>;
  /** Requests wait: the application loads, or the workers were told to end. */
  hold(): void;
  release(): void;
  /** Resolves when nothing is in hand. */
  idle(): Promise<void>;
  /** What waits is reset, what is in hand goes on. */
  drop(): void;
  /** The processes end, whatever they have in hand. */
  end(): void;
};

export function createWorkers(count: number): Workers {
  let queue: { readonly start: () => void; readonly drop: () => void }[] = [];
  let busy = 0;
  let held = false;
  let whenIdle: (() => void)[] = [];
  let processes = new AbortController();

  function next(): void {
    while (!held && busy < count) {
      const waiting = queue.shift();
      if (waiting === undefined) return;
      waiting.start();
    }
  }

  function settle(): void {
    if (busy > 0) return;
    const waiting = whenIdle;
    whenIdle = [];
    for (const resolve of waiting) resolve();
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
          settle();
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
    idle() {
      const { promise, resolve } = Promise.withResolvers<void>();
      whenIdle.push(resolve);
      settle();
      return promise;
    },
    drop,
    end() {
      drop();
      processes.abort();
      processes = new AbortController();
      busy = 0;
      settle();
    },
  };
}
