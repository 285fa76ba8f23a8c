/** What holds and what does not, to be waited for. Everything holds at first. */
export type Conditions<Name extends string> = {
  holds(name: Name): boolean;
  set(name: Name, holds: boolean): void;
  /** Resolves when all of them hold at once; rejects when the signal aborts. */
  when(names: readonly Name[], signal: AbortSignal): Promise<void>;
};

export function createConditions<Name extends string>(): Conditions<Name> {
  const broken = new Set<Name>();
  const waiting = new Set<() => void>();
  const holds = (name: Name) => !broken.has(name);
  return {
    holds,
    set(name, value) {
      if (value) broken.delete(name);
      else broken.add(name);
      for (const check of [...waiting]) check();
    },
    when(names, signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (names.every(holds)) return Promise.resolve();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const settle = () => {
        waiting.delete(check);
        signal.removeEventListener('abort', abandon);
      };
      const check = () => {
        if (!names.every(holds)) return;
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
