import { z } from 'zod';
import { isTimeZone } from '../domain/time.ts';

// Each message completes the sentence "<key> must be ...".

export const bool = z.boolean({ error: 'true or false' });

export const integer = (min: number, max: number) => {
  const expected = `a whole number from ${min} to ${max}`;
  return z.number({ error: expected }).int(expected).min(min, expected).max(max, expected);
};

/**
 * Returns the error for a value that is not a string. Unquoted numbers are rejected, as YAML would change an ID of 007
 * or a version of 2.60.
 */
const stringError = (expected: string) => ({
  error: ({ input }: { readonly input: unknown }) =>
    typeof input === 'number' || typeof input === 'boolean' ? `${expected}, in quotes` : expected,
});

/** A string that is not empty. */
export const text = (expected: string) => z.string(stringError(expected)).min(1, expected);

export const filePath = text('a file path');

export const oneOf = <const T extends readonly [string, ...string[]]>(words: T) =>
  z.enum(words, { error: () => (words.length === 1 ? words[0] : `one of ${words.join(', ')}`) });

/** A list of at least one of the words, without duplicates. */
export function subsetOf<const T extends readonly string[]>(words: T) {
  const expected = `a list of one or more of ${words.join(', ')}, without duplicates`;
  return z
    .array(z.enum(words, { error: `one of ${words.join(', ')}` }), { error: expected })
    .min(1, expected)
    .refine((given) => new Set(given).size === given.length, expected);
}

const MICROVERSION = "a Nova microversion, such as '2.38'";

/** A fixed microversion: with `latest`, an upgrade would change the API that is measured. */
export const microversion = z
  .string(stringError(MICROVERSION))
  .refine(
    (given) => given !== 'latest' && !given.endsWith('.latest'),
    "a fixed microversion, such as '2.38', because 'latest' changes with an upgrade",
  )
  .regex(/^2\.[1-9][0-9]*$|latest$/, MICROVERSION);

const NAME = '1 to 63 letters, digits, dots, hyphens or underscores, starting with a letter or digit';

/** A name that is valid in server names and as a metric label. */
export const plainName = z.string({ error: NAME }).regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, NAME);

export const MAX_PORT = 65_535;

export const port = integer(1, MAX_PORT);

const LISTEN = "HOST:PORT with a port from 0 to 65535, such as '127.0.0.1:9774' or '[::1]:9774'";

export type ListenAddress = { readonly host: string; readonly port: number };

export const listenAddress = z.string({ error: LISTEN }).transform((given, context): ListenAddress => {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]|([^:[\]\s/]+)):([0-9]{1,5})$/.exec(given) ?? [];
  const host = bracketed ?? plain;
  const number = Number(digits);
  if (host !== undefined && number <= MAX_PORT) return { host, port: number };
  context.addIssue({ code: 'custom', message: LISTEN });
  return z.NEVER;
});

const HOST_NAME = 'a host name without scheme or port, such as rollwatch.example';

/** A host name as in a Host header, without the port. */
export const hostName = z
  .string({ error: HOST_NAME })
  .refine(
    (given) => given.length <= 253 && given.split('.').every((label) => /^[A-Za-z0-9_-]{1,63}$/.test(label)),
    HOST_NAME,
  );

const WEB_URL = 'a URL that starts with http:// or https://';

/** An HTTP URL without credentials; trailing slashes are removed. */
export const webUrl = z.string({ error: WEB_URL }).transform((given, context) => {
  const url = URL.canParse(given) ? new URL(given) : null;
  const expected =
    url === null || !/^https?:$/.test(url.protocol)
      ? WEB_URL
      : url.username !== '' || url.password !== ''
        ? 'a URL without user name and password'
        : null;
  if (expected === null) return given.replace(/(?<!\/)\/+$/, '');
  context.addIssue({ code: 'custom', message: expected });
  return z.NEVER;
});

/** A user name for HTTP basic authentication, which cannot contain a colon. */
export const basicUser = (expected: string) =>
  text(expected).refine((given) => !given.includes(':'), 'a user name without a colon');

const TIME_ZONE = "an IANA time zone such as Europe/Berlin, 'utc' or 'local'";

export const timeZone = z
  .string({ error: TIME_ZONE })
  .refine((given) => given === 'local' || given === 'utc' || isTimeZone(given), TIME_ZONE);

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Converts '100ms', '15s', '2m', '1h' or a number of seconds to milliseconds; returns null for anything else. */
function parseDuration(given: string | number): number | null {
  if (typeof given === 'number') return Number.isFinite(given) ? given * 1000 : null;
  const [, amount, unit = 's'] = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)?$/.exec(given) ?? [];
  const factor = UNITS_MS[unit];
  return amount === undefined || factor === undefined ? null : Number(amount) * factor;
}

/** Formats milliseconds with the largest unit that needs no fraction: '2m', '90s', '1500ms'. */
export function showDuration(millis: number): string {
  for (const [unit, factor] of Object.entries(UNITS_MS).toReversed()) {
    if (millis >= factor && millis % factor === 0) return `${millis / factor}${unit}`;
  }
  return `${millis}ms`;
}

const DURATION = 'a duration (500ms, 15s, 2m, 1h or a number of seconds)';
const DAY_MS = 86_400_000;

/** A duration in milliseconds. More than a day is always a mistake. */
export function duration({ min = 1, max = DAY_MS }: { readonly min?: number; readonly max?: number } = {}) {
  return z.union([z.string(), z.number()], { error: DURATION }).transform((given, context) => {
    const millis = parseDuration(given);
    if (millis !== null && millis >= min && millis <= max) return millis;
    const message =
      millis === null ? DURATION : millis < min ? `at least ${showDuration(min)}` : `at most ${showDuration(max)}`;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

/** A constraint between settings. `check` returns what the setting at `path` must be, or null if the rule holds. */
export type Rule<T> = {
  readonly path: readonly string[];
  readonly check: (given: T) => string | null;
};

type Issues = { addIssue(issue: { code: 'custom'; message: string; path: string[] }): void };

/** Applies a rule in zod's `superRefine`. */
export const enforce =
  <T>({ path, check }: Rule<T>) =>
  (given: T, context: Issues): void => {
    const message = check(given);
    if (message !== null) context.addIssue({ code: 'custom', message, path: [...path] });
  };

type Durations<K extends string, L extends string> = { readonly [key in K]?: number | undefined } & {
  readonly [key in L]: number;
};

/** Requires `key`, if it is set, to be shorter than `limit`. */
export const lessThan = <const K extends string, const L extends string>(key: K, limit: L): Rule<Durations<K, L>> => ({
  path: [key],
  check: (given) => {
    const value: number | undefined = given[key];
    return value !== undefined && value >= given[limit] ? `less than ${limit} (${showDuration(given[limit])})` : null;
  },
});

/** Requires `key`, if it is set, to be no longer than `limit`. */
export const atMost = <const K extends string, const L extends string>(key: K, limit: L): Rule<Durations<K, L>> => ({
  path: [key],
  check: (given) => {
    const value: number | undefined = given[key];
    return value !== undefined && value > given[limit] ? `at most ${limit} (${showDuration(given[limit])})` : null;
  },
});
