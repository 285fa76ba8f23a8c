import type { z } from 'zod';
import { didYouMean, listed } from './did-you-mean.ts';

type Issue = z.core.$ZodIssue;

export type Explained = { readonly path: readonly PropertyKey[]; readonly problem: string };

/** One line for the first thing that is wrong: unknown keys first, as a slip in a name explains what else is amiss. */
export function explain(
  issues: readonly Issue[],
  { input, known }: { readonly input: unknown; readonly known: (path: readonly PropertyKey[]) => readonly string[] },
): Explained {
  const issue = issues.find((one) => one.code === 'unrecognized_keys') ?? issues[0];
  if (issue === undefined) return { path: [], problem: 'something is wrong with it' };
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const words = known(issue.path);
    const slip = didYouMean(key, words);
    const advice = slip === null ? `known here: ${listed(words, 'and')}` : `did you mean ${slip}?`;
    return { path: [...issue.path, key], problem: `unknown key ${dotted([...issue.path, key])}; ${advice}` };
  }
  const { path } = issue;
  const value = at(input, path);
  if (path.length === 0) return { path, problem: `it is ${kindOf(value)}; it must be ${issue.message}` };
  const stated = `${dotted(path)} is ${value === undefined ? 'missing' : shown(value)}`;
  return { path, problem: `${stated}; it must be ${issue.message}` };
}

/** `clouds[0].probes.server-list.slow` */
const dotted = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');

function at(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    input,
  );
}

/** Short, and without what may be a secret: the user in a URL. */
function shown(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return kindOf(value);
  const text = value.replace(/\/\/[^/]*@/, '//***@').replaceAll(/\s+/g, ' ');
  return `'${text.length > 60 ? `${text.slice(0, 57)}...` : text}'`;
}

/** A file that is no settings file at all may be anything, a file of secrets among them: none of it is shown. */
function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return typeof value === 'object' ? 'a mapping' : 'a text';
}
