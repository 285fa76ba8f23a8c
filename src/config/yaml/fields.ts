import { z } from 'zod';

// The message of each field says what would be right: "... must be true or false".

export const yesOrNo = z.boolean({ error: 'true or false' });

export const count = (min: number, max: number) => {
  const right = `a whole number from ${min} to ${max}`;
  return z.number({ error: right }).int(right).min(min, right).max(max, right);
};

/** A number is no text, so that an id of 007 or a version of 2.60 is what was written. */
const textError = (right: string) => ({
  error: ({ input }: { readonly input: unknown }) =>
    typeof input === 'number' || typeof input === 'boolean' ? `${right}, in quotes` : right,
});

export const text = (right: string) => z.string(textError(right)).min(1, right);

export const oneOf = <const T extends readonly [string, ...string[]]>(words: T) =>
  z.enum(words, { error: () => (words.length === 1 ? words[0] : `one of ${words.join(', ')}`) });

/** Some of the words, each once. */
export function someOf<const T extends readonly [string, ...string[]]>(words: T) {
  const right = `a list of some of ${words.join(', ')}, each once`;
  return z
    .array(z.enum(words, { error: `one of ${words.join(', ')}` }), { error: right })
    .min(1, right)
    .refine((given) => new Set(given).size === given.length, right);
}

const MICROVERSION = "a microversion of Nova, such as '2.38'";

/** Nova's, pinned: with `latest` the API that is measured would change in the middle of an upgrade. */
export const microversion = z
  .string(textError(MICROVERSION))
  .refine(
    (given) => given !== 'latest' && !given.endsWith('.latest'),
    "pinned, such as '2.38': an upgrade moves the latest",
  )
  .regex(/^2\.[1-9][0-9]*$|latest$/, MICROVERSION);

const NAME = 'letters, digits, dots, hyphens and underscores, 1 to 63 of them, beginning with a letter or digit';

/** Goes into names of servers and labels of metrics. */
export const plainName = z.string({ error: NAME }).regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, NAME);

const LISTEN = "HOST:PORT with a port from 0 to 65535, such as '127.0.0.1:9774' or '[::1]:9774'";

export type ListenAddress = { readonly host: string; readonly port: number };

export const listenAddress = z.string({ error: LISTEN }).transform((given, context): ListenAddress => {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]|([^:[\]\s/]+)):([0-9]{1,5})$/.exec(given) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host !== undefined && port <= 65_535) return { host, port };
  context.addIssue({ code: 'custom', message: LISTEN });
  return z.NEVER;
});

const HOST_NAME = 'the name of a host without scheme and port, such as rollwatch.example';

/** As a Host header has it. */
export const hostName = z
  .string({ error: HOST_NAME })
  .refine(
    (given) => given.length <= 253 && given.split('.').every((label) => /^[A-Za-z0-9_-]{1,63}$/.test(label)),
    HOST_NAME,
  );

const TARGET =
  "'kept' for the servers that 'check before' leaves, or HOST or HOST:PORT, such as 10.0.0.5 or '[fd00::5]:22'";

export type Target = 'kept' | { readonly name: string; readonly host: string; readonly port: number | null };

/** A server that is to be reached. */
export const reachTarget = z.string({ error: TARGET }).transform((given, context): Target => {
  if (given === 'kept') return given;
  const [, bracketed, plain, digits] = /^(?:\[([^\]\s]+)\]|([^:[\]\s/]+))(?::([0-9]{1,5}))?$/.exec(given) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? null : Number(digits);
  if (host !== undefined && (port === null || (port > 0 && port <= 65_535))) return { name: given, host, port };
  context.addIssue({ code: 'custom', message: TARGET });
  return z.NEVER;
});

const URL_RIGHT = 'a URL that begins with http:// or https://';

export const webUrl = z.string({ error: URL_RIGHT }).transform((given, context) => {
  const url = URL.canParse(given) ? new URL(given) : null;
  const right =
    url === null || !/^https?:$/.test(url.protocol)
      ? URL_RIGHT
      : url.username !== '' || url.password !== ''
        ? 'a URL without a user in it'
        : null;
  if (right === null) return given.replace(/(?<!\/)\/+$/, '');
  context.addIssue({ code: 'custom', message: right });
  return z.NEVER;
});

const ZONE = "a time zone of the IANA, such as Europe/Berlin, or 'utc' or 'local'";

export const zone = z.string({ error: ZONE }).refine((given) => {
  if (given === 'local' || given === 'utc') return true;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: given }) !== null;
  } catch {
    return false;
  }
}, ZONE);
