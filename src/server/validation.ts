import type { FastifySchemaCompiler } from 'fastify';
import { z } from 'zod';
import type { BriefReport } from '../domain/run/report.ts';
import { didYouMean } from '../format/did-you-mean.ts';
import { listed } from '../format/lists.ts';
import { Problem } from './problem.ts';
import type { App } from './route.ts';

/** The latest timestamp: 9999-12-31T23:59:59.999Z. */
export const MAX_TIMESTAMP_MS = 253_402_300_799_999;

/** Accepts ISO 8601 with a zone (RFC 3339), and turns it into milliseconds since 1970. */
export const timestampInput = z.iso
  .datetime({ offset: true, error: 'is not a timestamp in ISO 8601 with a zone, such as 2026-11-23T07:10:00.000Z' })
  .transform((text) => Date.parse(text));

/**
 * Validates a part of a request against its zod schema, and replaces it with the parsed value. Invalid input is
 * answered with a 400 that says where the mistake is and what would be right.
 */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart }) =>
  (given: unknown) => {
    // Fastify passes null if there is no body.
    const parsed = schema.safeParse(given ?? undefined, { error: messageOf });
    return parsed.success ? { value: parsed.data } : { error: problemOf(parsed.error.issues, schema, httpPart) };
  };

/**
 * Accepts the probes of this version, and those that the journal has from another version.
 *
 * @throws Problem 400 for any other name
 */
export function requireProbe(name: string, { probeTypes }: Pick<BriefReport, 'probeTypes'>): void {
  const names = probeTypes.map((probe) => probe.name);
  if (names.includes(name)) return;
  throw new Problem(400, `probe: must be ${listed(names)}`, { parameter: 'probe' });
}

function problemOf(issues: readonly z.core.$ZodIssue[], schema: z.ZodType, httpPart: string | undefined): Problem {
  const isQuery = httpPart === 'querystring';
  // A misspelled key may be the reason for the other issues.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const names = keysAt(schema, issue.path);
    const suggestion = didYouMean(key, names, key.length < SHORT_KEY_LENGTH ? 2 : 3);
    const allowed = names.length === 0 ? 'none are allowed here' : `allowed: ${names.join(', ')}`;
    const parameter = dotted([...issue.path, key]);
    return new Problem(
      400,
      `${parameter}: no such ${isQuery ? 'parameter' : 'key'}; ${suggestion === null ? allowed : `did you mean ${suggestion}?`}`,
      { parameter },
    );
  }
  const parameter = dotted(issue?.path ?? []);
  const part = isQuery ? 'query' : 'body';
  return new Problem(400, `${parameter || part}: ${issue?.message ?? 'is not valid'}`, {
    parameter: parameter || (isQuery ? part : ''),
  });
}

/** In a shorter key, swapped letters (two typos) may be half of the word, and are still likely to be a typo. */
const SHORT_KEY_LENGTH = 5;

/** Writes a path with dots: 'tasks[0].name'. */
const dotted = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');

/** Describes a mistake for which the schema has no message of its own. */
function messageOf(issue: z.core.$ZodRawIssue): string {
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
  string: 'a string',
};

const COUNTED: Readonly<Record<string, string>> = { array: 'entries', string: 'characters' };

const amount = (origin: string, limit: number | bigint): string =>
  COUNTED[origin] === undefined ? String(limit) : `${limit} ${COUNTED[origin]}`;

/** Returns the keys that the mapping at a path may have. */
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

/** Accepts application/json as the only type of a body, and treats an empty body as none. */
export function acceptJson(app: App): void {
  app.removeContentTypeParser('text/plain');
  app.removeContentTypeParser('application/json');
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = body.toString();
    if (text === '') return done(null, undefined);
    if (isTooDeep(text)) return done(new Problem(400, `the body is nested deeper than ${MAX_DEPTH} levels`));
    return parseJson(request, text, done);
  });
}

/** No valid body has more than a few levels, and JSON.stringify recurses. */
const MAX_DEPTH = 64;

/** Counts the brackets outside strings, in one pass. */
function isTooDeep(json: string): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (inString) {
      if (character === '\\') at += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === ']' || character === '}') depth -= 1;
    else if (character === '[' || character === '{') {
      depth += 1;
      if (depth > MAX_DEPTH) return true;
    }
  }
  return false;
}
