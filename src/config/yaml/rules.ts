import { showDuration } from './duration.ts';

/** A rule between settings: the key at which it is broken, and what would be right there; null where it holds. */
export type Rule<T> = {
  readonly path: readonly string[];
  readonly broken: (given: T) => string | null;
};

type Issues = { addIssue(issue: { code: 'custom'; message: string; path: string[] }): void };

/** For zod's superRefine. */
export const rule =
  <T>({ path, broken }: Rule<T>) =>
  (given: T, context: Issues): void => {
    const message = broken(given);
    if (message !== null) context.addIssue({ code: 'custom', message, path: [...path] });
  };

type Durations<K extends string, L extends string> = { readonly [key in K]?: number | undefined } & {
  readonly [key in L]: number;
};

/** `key` is shorter than `limit`, where it is given at all. */
export const below = <const K extends string, const L extends string>(key: K, limit: L): Rule<Durations<K, L>> => ({
  path: [key],
  broken: (given) => {
    const value: number | undefined = given[key];
    return value !== undefined && value >= given[limit] ? `below the ${limit}, ${showDuration(given[limit])}` : null;
  },
});

/** `key` is not longer than `limit`, where it is given at all. */
export const within = <const K extends string, const L extends string>(key: K, limit: L): Rule<Durations<K, L>> => ({
  path: [key],
  broken: (given) => {
    const value: number | undefined = given[key];
    return value !== undefined && value > given[limit] ? `at most the ${limit}, ${showDuration(given[limit])}` : null;
  },
});
