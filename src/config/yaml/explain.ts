import type { z } from 'zod';
import { didYouMean, listed } from '../../format/did-you-mean.ts';
import { quoted, quotedKey } from './quote.ts';

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
    const name = slip === null ? quotedKey(key) : key;
    const which =
      name === null
        ? `unknown key${issue.path.length === 0 ? '' : ` in ${dotted(issue.path)}`}`
        : `unknown key ${dotted([...issue.path, name])}`;
    return { path: [...issue.path, key], problem: `${which}; ${advice}` };
  }
  const { path } = issue;
  const value = at(input, path);
  if (path.length === 0) return { path, problem: `it is ${kindOf(value)}; it must be ${issue.message}` };
  const is = value === undefined ? 'missing' : shown(value, issue.message);
  const stated = is === null ? dotted(path) : `${dotted(path)} is ${is}; it`;
  return { path, problem: `${stated} must be ${issue.message}` };
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

/** Null: a text that may be a secret. `right` says what would be right. */
function shown(value: unknown, right: string): string | null {
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return String(value).length <= 8 ? String(value) : 'another number';
  return typeof value === 'string' ? quoted(value, right.match(/[\w.-]+/g) ?? []) : kindOf(value);
}

/** A file that is no settings file at all may be anything, a file of secrets among them: none of it is shown. */
function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return typeof value === 'object' ? 'a mapping' : 'a text';
}
