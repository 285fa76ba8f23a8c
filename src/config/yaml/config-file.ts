import type { z } from 'zod';
import { UserError } from '../../domain/errors.ts';
import { didYouMean } from '../../format/did-you-mean.ts';
import { listed } from '../../format/lists.ts';
import { parseYaml } from './parse-yaml.ts';
import { quoted, quotedKey } from './secrets.ts';

/** A YAML configuration file of Rollwatch. Its errors name the file and the line. */
export type ConfigFile = {
  /** Null if there is no file, so that every setting has its default. */
  readonly path: string | null;
  /** The base of relative paths in the file. */
  readonly folder: string;
  readonly raw: unknown;
  /** Validates the part of the file at `prefix`. @throws UserError with the line of the first problem. */
  validate<T>(schema: z.ZodType<T>, input: unknown, prefix?: KeyPath): T;
  errorAt(path: KeyPath, problem: string): UserError;
};

export type KeyPath = readonly PropertyKey[];

type KeysAt = (path: KeyPath) => readonly string[];

/**
 * Parses a configuration file. `keysAt` lists the keys that are valid at a path.
 *
 * @throws UserError if the text is not YAML
 */
export function openConfigFile({
  path: file,
  name = '',
  folder,
  text,
  keysAt,
}: {
  readonly path: string | null;
  /** The name to use in errors if `path` is null. */
  readonly name?: string;
  readonly folder: string;
  readonly text: string;
  readonly keysAt: KeysAt;
}): ConfigFile {
  const shown = file ?? name;
  const yaml = parseYaml(text, shown);
  const errorAt = (path: KeyPath, problem: string): UserError =>
    new UserError(file === null ? problem : `${shown}:${yaml.lineOf(path)}: ${problem}`);
  return {
    path: file,
    folder,
    raw: yaml.value ?? {},
    errorAt,
    validate(schema, input, prefix = []) {
      const parsed = schema.safeParse(input);
      if (parsed.success) return parsed.data;
      const issues = parsed.error.issues.map((issue) => ({ ...issue, path: [...prefix, ...issue.path] }));
      const whole = prefix.reduceRight<unknown>(
        (inner, key) => (typeof key === 'number' ? listWith(key, inner) : { [key]: inner }),
        input,
      );
      const { path, problem } = explain(issues, { input: whole, keysAt });
      throw errorAt(path, problem);
    },
  };
}

const listWith = (index: number, value: unknown): unknown[] => Array.from({ length: index + 1 }, () => value);

type Issue = z.core.$ZodIssue;

/** Describes one issue in one line. Unknown keys come first: a misspelled key may be the reason for other issues. */
function explain(
  issues: readonly Issue[],
  { input, keysAt }: { readonly input: unknown; readonly keysAt: KeysAt },
): { readonly path: KeyPath; readonly problem: string } {
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (issue === undefined) return { path: [], problem: 'the file is invalid' };
  if (issue.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const keys = keysAt(issue.path);
    const suggestion = didYouMean(key, keys);
    const advice = suggestion === null ? `known keys: ${listed(keys, 'and')}` : `did you mean ${suggestion}?`;
    const name = suggestion === null ? quotedKey(key) : key;
    const unknown =
      name === null
        ? `unknown key${issue.path.length === 0 ? '' : ` in ${dotted(issue.path)}`}`
        : `unknown key ${dotted([...issue.path, name])}`;
    return { path: [...issue.path, key], problem: `${unknown}; ${advice}` };
  }
  const { path } = issue;
  const value = valueAt(input, path);
  if (path.length === 0) return { path, problem: `the file is ${kindOf(value)}; it must be ${issue.message}` };
  const shown = value === undefined ? 'missing' : shownValue(value, issue.message);
  const subject = shown === null ? dotted(path) : `${dotted(path)} is ${shown}; it`;
  return { path, problem: `${subject} must be ${issue.message}` };
}

/** Formats a path as `clouds[0].probes.server-list.slow`. */
const dotted = (path: KeyPath): string =>
  path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');

function valueAt(input: unknown, path: KeyPath): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    input,
  );
}

const MAX_SHOWN_DIGITS = 8;

/** Describes a value; returns null if it may be a secret. `expected` names the words that are valid. */
function shownValue(value: unknown, expected: string): string | null {
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return String(value).length <= MAX_SHOWN_DIGITS ? String(value) : null;
  return typeof value === 'string' ? quoted(value, expected.match(/[\w.-]+/g) ?? []) : kindOf(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value !== 'object') return 'a string';
  return Object.keys(value).length === 0 ? 'an empty mapping' : 'a mapping';
}
