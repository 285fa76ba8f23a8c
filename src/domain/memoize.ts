import type { Millis } from './time.ts';

/**
 * Returns a function that keeps the last value of a computation while the time is the same and nothing has changed.
 * `version` counts the changes of everything that values are computed from.
 */
export const memoizeBy =
  (version: () => number) =>
  <T>(compute: (now: Millis) => T): ((now: Millis) => T) => {
    let last: { readonly version: number; readonly now: Millis; readonly value: T } | null = null;
    return (now) => {
      const current = version();
      if (last === null || last.version !== current || last.now !== now)
        last = { version: current, now, value: compute(now) };
      return last.value;
    };
  };
