/** The faults that are present now, by name. There are none at first. */
export type Faults<Name extends string> = {
  has(name: Name): boolean;
  add(name: Name): void;
  clear(name: Name): void;
  /** Resolves once none of `names` is present. Rejects with the signal's reason if it aborts first. */
  whenClear(names: readonly Name[], signal: AbortSignal): Promise<void>;
};

export function createFaults<Name extends string>(): Faults<Name> {
  const present = new Set<Name>();
  const waiting = new Set<() => void>();
  const has = (name: Name) => present.has(name);
  return {
    has,
    add: (name) => void present.add(name),
    clear(name) {
      present.delete(name);
      for (const check of [...waiting]) check();
    },
    whenClear(names, signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (!names.some(has)) return Promise.resolve();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const settle = () => {
        waiting.delete(check);
        signal.removeEventListener('abort', abandon);
      };
      const check = () => {
        if (names.some(has)) return;
        settle();
        resolve();
      };
      const abandon = () => {
        settle();
        reject(signal.reason);
      };
      waiting.add(check);
      signal.addEventListener('abort', abandon);
      return promise;
    },
  };
}
