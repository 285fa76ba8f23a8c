/** The components that are down now, by name. There are none at first. */
export type DownComponents<Name extends string> = {
  has(name: Name): boolean;
  add(name: Name): void;
  clear(name: Name): void;
  /** Resolves once none of `names` is down. Rejects with the signal's reason if the signal aborts first. */
  whenClear(names: readonly Name[], signal: AbortSignal): Promise<void>;
};

export function createDownComponents<Name extends string>(): DownComponents<Name> {
  const down = new Set<Name>();
  const waiting = new Set<() => void>();
  const has = (name: Name) => down.has(name);
  return {
    has,
    add: (name) => void down.add(name),
    clear(name) {
      down.delete(name);
      for (const check of [...waiting]) check();
    },
    whenClear(names, signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (!names.some(has)) return Promise.resolve();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const stopWaiting = () => {
        waiting.delete(check);
        signal.removeEventListener('abort', abandon);
      };
      const check = () => {
        if (names.some(has)) return;
        stopWaiting();
        resolve();
      };
      const abandon = () => {
        stopWaiting();
        reject(signal.reason);
      };
      waiting.add(check);
      signal.addEventListener('abort', abandon);
      return promise;
    },
  };
}
