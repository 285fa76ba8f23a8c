import { z } from 'zod';
import { didYouMean, listed } from '../format/did-you-mean.ts';
import { Problem } from './problem.ts';

/** ISO 8601 with a zone (RFC 3339); read as milliseconds since 1970. */
export const moment = z.iso
  .datetime({ offset: true, error: 'is not a moment in ISO 8601 with a zone, like 2026-11-23T07:10:00.000Z' })
  .transform((text) => Date.parse(text));

/** The query as the schema has it, or a 400 that names the parameter and what would be right. */
export const parseQuery = <Schema extends z.ZodType>(schema: Schema, query: unknown): z.output<Schema> =>
  parse(schema, query, 'query');

/** The body as the schema has it, or a 400 that says where it is not. */
export const parseBody = <Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> =>
  parse(schema, body, 'body');

function parse<Schema extends z.ZodType>(schema: Schema, given: unknown, part: 'query' | 'body'): z.output<Schema> {
  const parsed = schema.safeParse(given, { error: wordsOf });
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  // A misspelled key explains the other issues.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const names = keysAt(schema, issue.path);
    const slip = didYouMean(key, names, key.length < SHORT ? 2 : 3);
    const there = names.length === 0 ? 'there are none here' : `there are ${names.join(', ')}`;
    const what = part === 'query' ? 'parameter' : 'key';
    const parameter = dotted([...issue.path, key]);
    throw new Problem(400, `${parameter}: no such ${what}; ${slip === null ? there : `did you mean ${slip}?`}`, {
      parameter,
    });
  }
  const parameter = dotted(issue?.path ?? []);
  throw new Problem(400, `${parameter || part}: ${issue?.message ?? 'is not valid'}`, {
    parameter: parameter || (part === 'query' ? part : ''),
  });
}

/** Two slips, or an exchange of neighbours, are half of a word that is shorter than this: it may be meant all the same. */
const SHORT = 5;

/** `tasks[0].name` */
const dotted = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');

/** For what the schema itself says nothing of. */
function wordsOf(issue: z.core.$ZodRawIssue): string {
  if (issue.input === undefined) return 'is missing';
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${NAMES[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${listed(issue.values.map((value) => (value === '' ? 'empty' : String(value))))}`;
    case 'too_small':
      return `must ${COUNTED[issue.origin] === undefined ? 'be' : 'have'} at least ${amount(issue.origin, issue.minimum)}`;
    case 'too_big':
      return `must ${COUNTED[issue.origin] === undefined ? 'be' : 'have'} at most ${amount(issue.origin, issue.maximum)}`;
    default:
      return 'is not valid';
  }
}

const NAMES: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'a mapping',
  record: 'a mapping',
  string: 'a text',
};

const COUNTED: Readonly<Record<string, string>> = { array: 'entries', string: 'characters' };

const amount = (origin: string, limit: number | bigint): string =>
  COUNTED[origin] === undefined ? String(limit) : `${limit} ${COUNTED[origin]}`;

/** The keys that the mapping at this path may have. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): readonly string[] {
  type Schema = z.core.JSONSchema._JSONSchema | undefined;
  const whole: Schema = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', reused: 'inline' });
  const found = path.reduce<Schema>((here, key) => {
    if (typeof here !== 'object') return undefined;
    if (typeof key !== 'number') return here.properties?.[String(key)];
    return Array.isArray(here.items) ? here.items[key] : here.items;
  }, whole);
  return typeof found === 'object' ? Object.keys(found.properties ?? {}) : [];
}
