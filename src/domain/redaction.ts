import type { Cause, VoidCause } from './cause.ts';
import type { Sample } from './sample.ts';
import type { SamplerEvent } from './sampler-event.ts';

/**
 * Keeps secrets out of all output: messages, logs, reports, the journal.
 *
 * Every value created by `secret()` is registered here, and so is every token that Keystone issues. `redact` replaces
 * them in a text, in any of these encodings: plain, JSON or backslash escapes, percent-encoding, HTML entities, base64
 * (RFC 4648, both alphabets, any offset) and hexadecimal. Use it for text that people read. Values that the program
 * works with (URLs, ids, names in the catalogue) are never redacted.
 */

const MASK = '***';

/** Shorter secrets would match in every text, which would reveal them. */
const MIN_SECRET_LENGTH = 3;
/** A secret may be truncated at the end of a text. A prefix of at least this length is replaced, too. */
const MIN_PREFIX_LENGTH = 6;
/** Base64 and hexadecimal forms of shorter secrets are too likely to occur by chance. */
const MIN_ENCODED_LENGTH = 6;
/** A multi-line secret, such as a private key, is replaced line by line; shorter lines are not replaced. */
const MIN_LINE_LENGTH = 16;
/** The token probe gets a new token every few seconds; only the most recently used ones are remembered. */
const MAX_TOKENS = 8;

/** The characters of one form of a secret. */
type Pattern = readonly string[];

/** Replaces secrets in texts. */
export type Redactor = {
  /** Remembers a secret. */
  rememberSecret(value: string): void;
  /** Remembers a token that was issued or used; forgets the least recently used one if there are too many. */
  rememberToken(value: string): void;
  /** Replaces every secret in a text by '***'. Takes time proportional to the length of the text. */
  redact(text: string): string;
};

export function createRedactor(): Redactor {
  const secrets = new Map<string, readonly Pattern[]>();
  const tokens = new Map<string, readonly Pattern[]>();
  return {
    rememberSecret(value) {
      if (!secrets.has(value)) secrets.set(value, patternsOf(value));
    },
    rememberToken(value) {
      if (value.length < MIN_SECRET_LENGTH) return;
      const patterns = tokens.get(value) ?? patternsOf(value);
      tokens.delete(value);
      tokens.set(value, patterns);
      const [oldest] = tokens.keys();
      if (tokens.size > MAX_TOKENS && oldest !== undefined) tokens.delete(oldest);
    },
    redact(text) {
      const patterns = [...secrets.values(), ...tokens.values()].flat();
      return patterns.reduce((redacted, pattern) => replacePattern(redacted, pattern), text);
    },
  };
}

/** The redactor of this thread, with which `secret()` registers its values. */
const redactor = createRedactor();
export const { rememberToken, redact } = redactor;

function patternsOf(value: string): readonly Pattern[] {
  const lines = value.split(/\r?\n/);
  if (lines.length > 1) {
    return lines.filter((line) => line.length >= MIN_LINE_LENGTH && !line.startsWith('-----')).map((line) => [...line]);
  }
  if (value.length < MIN_SECRET_LENGTH) return [];
  const forms = value.length < MIN_ENCODED_LENGTH ? [] : [...base64Of(value), ...hexOf(value)];
  return [value.replaceAll(/[ \t\r\n]+/g, ' '), ...forms].map((form) => [...form]);
}

const utf8 = new TextEncoder();

const hexOf = (value: string): readonly string[] => {
  const hex = [...utf8.encode(value)].map(hexOfByte).join('');
  return [hex, hex.toUpperCase()];
};

/**
 * Returns the base64 digits that depend on nothing but the secret, at any offset in the encoded text ('user:password').
 */
function base64Of(value: string): readonly string[] {
  const bytes = utf8.encode(value);
  const forms = [0, 1, 2].flatMap((offset) => {
    const encoded = btoa(String.fromCharCode(...new Uint8Array(offset), ...bytes));
    const from = Math.ceil((offset * 8) / 6);
    const until = Math.floor(((offset + bytes.length) * 8) / 6);
    const digits = encoded.slice(from, until);
    return [digits, digits.replaceAll('+', '-').replaceAll('/', '_')];
  });
  return [...new Set(forms)].filter((form) => form.length >= MIN_ENCODED_LENGTH);
}

function replacePattern(text: string, pattern: Pattern): string {
  const [first] = pattern;
  if (first === undefined) return text;
  const match = matcher(text, pattern);
  let redacted = '';
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    const end = canStart(text, at, first) ? match(at, 0) : null;
    if (end === null) continue;
    redacted += text.slice(copied, at) + MASK;
    copied = end;
    at = end - 1;
  }
  return copied === 0 ? text : redacted + text.slice(copied);
}

/** Whether a match may start here. Cheap, as it runs for every character of a text. */
const canStart = (text: string, at: number, first: string): boolean => {
  const char = text[at] ?? '';
  return char === first[0] || '\\%&+'.includes(char) || char.charCodeAt(0) >= 0x80 || /\s/.test(char);
};

/**
 * Returns a function that matches the pattern, from its character `index` on, at position `at` of the text. That
 * function returns the end of the match, or null. Every combination is tried only once.
 */
function matcher(text: string, pattern: Pattern): (at: number, index: number) => number | null {
  const failed = new Set<number>();
  const match = (at: number, index: number): number | null => {
    const char = pattern[index];
    if (char === undefined) return at;
    const key = at * (pattern.length + 1) + index;
    if (failed.has(key)) return null;
    if (index >= MIN_PREFIX_LENGTH && isCutOff(text, at)) return text.length;
    for (const next of endsOfCharacter(text, at, char)) {
      const end = match(next, index + 1);
      if (end !== null) return end;
    }
    failed.add(key);
    return null;
  };
  return match;
}

/** Whether nothing is left of the text, except perhaps a truncated escape. */
const isCutOff = (text: string, at: number): boolean =>
  at >= text.length ||
  (text.length - at < 10 && /^(?:\\{1,9}[ux]?|%(?:25){0,4}|&#?x?)[0-9a-f]{0,8}$/i.test(text.slice(at)));

const HTML_ENTITIES: Readonly<Record<string, string>> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' };
const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': 'n', '\r': 'r', '\t': 't', '\b': 'b', '\f': 'f' };

/** Sticky patterns for the encodings of a character, by the first character of the encoding. */
type Encodings = { readonly '\\': readonly RegExp[]; readonly '%': readonly RegExp[]; readonly '&': readonly RegExp[] };

const encodings = new Map<string, Encodings>();

function encodingsOf(char: string): Encodings {
  const cached = encodings.get(char);
  if (cached !== undefined) return cached;
  const code = char.codePointAt(0) ?? 0;
  const bytes = [...utf8.encode(char)].map(hexOfByte);
  const units = Array.from({ length: char.length }, (_, index) => char.charCodeAt(index).toString(16).padStart(4, '0'));
  const sticky = (source: string) => new RegExp(source, 'iy');
  // Escapes may be escaped again: several backslashes precede the escaped character, and %25 is a '%'.
  const escaped = [
    units.map((unit) => `\\\\{1,16}u${unit}`).join(''),
    `\\\\{1,16}u\\{0{0,8}${code.toString(16)}\\}`,
    bytes.map((byte) => `\\\\{1,16}x${byte}`).join(''),
    ...(code > 0x7f && code <= 0xff ? [`\\\\{1,16}x${hexOfByte(code)}`] : []),
  ];
  const names = [
    `#0{0,8}${code}`,
    `#x0{0,8}${code.toString(16)}`,
    ...(HTML_ENTITIES[char] === undefined ? [] : [HTML_ENTITIES[char]]),
  ];
  const created = {
    '\\': escaped.map(sticky),
    '%': [sticky(bytes.map((byte) => `%(?:25){0,4}${byte}`).join(''))],
    '&': [sticky(`&(?:amp;){0,4}(?:${names.join('|')});`)],
  };
  encodings.set(char, created);
  return created;
}

const hexOfByte = (byte: number): string => byte.toString(16).padStart(2, '0');

const WHITE_SPACE = /\s{1,64}|\+/y;
const MAX_BLANKS = 32;

/** Returns the positions at which a character that starts at `at`, in any encoding, can end. */
function endsOfCharacter(text: string, at: number, char: string): readonly number[] {
  if (char !== ' ') return endsOfEncoded(text, at, char);
  // A blank in a pattern matches any amount of white space in a text.
  const ends: number[] = [];
  for (let from = [at]; from.length > 0 && ends.length < MAX_BLANKS; ) {
    from = [
      ...new Set(
        from.flatMap((start) => [' ', '\t', '\n', '\r'].flatMap((blank) => endsOfEncoded(text, start, blank))),
      ),
    ];
    ends.push(...from);
  }
  return ends.reverse();
}

function endsOfEncoded(text: string, at: number, char: string): readonly number[] {
  const ends: number[] = [];
  if (text.startsWith(char, at)) ends.push(at + char.length);
  // White space may be folded, or be a '+' in form data.
  if (/\s/.test(char)) ends.push(...endOf(WHITE_SPACE, text, at));
  const lead = text[at];
  if (lead === '\\' || lead === '%' || lead === '&') {
    ends.push(...encodingsOf(char)[lead].flatMap((pattern) => endOf(pattern, text, at)));
  }
  if (lead === '\\') ends.push(...endsAfterBackslashes(text, at, char));
  // UTF-8 that was decoded as Latin-1.
  if (char.charCodeAt(0) >= 0x80) {
    const latin = String.fromCharCode(...utf8.encode(char));
    if (text.startsWith(latin, at)) ends.push(at + latin.length);
  }
  return ends;
}

/** Returns the ends of a character that follows backslashes. */
function endsAfterBackslashes(text: string, at: number, char: string): readonly number[] {
  let after = at;
  while (text[after] === '\\' && after - at < 16) after++;
  if (char === '\\') return [2, 4, 8, 16].map((count) => at + count).filter((end) => end <= after);
  const escaped = SHORT_ESCAPES[char] ?? char;
  return text.startsWith(escaped, after) ? [after + escaped.length] : [];
}

function endOf(pattern: RegExp, text: string, at: number): readonly number[] {
  pattern.lastIndex = at;
  return pattern.test(text) ? [pattern.lastIndex] : [];
}

/**
 * A value that logs, messages, `util.inspect` and JSON show as '***'. `reveal()` returns the text. A secret contains
 * functions, so that posting it to another thread throws instead of losing it; `revealAccess` in cloud-access.ts shows
 * how to send it.
 */
export type Secret = {
  reveal(): string;
  toString(): '***';
  toJSON(): '***';
};

/** The method that Node's util.inspect calls, for console.log and assertion messages. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** Creates a secret and registers it for redaction in this thread. */
export function secret(value: string): Secret {
  redactor.rememberSecret(value);
  const masked = (): '***' => '***';
  return Object.freeze({ reveal: () => value, toString: masked, toJSON: masked, [INSPECT]: masked });
}

/**
 * Redacts the secrets in all texts of a sampler event, as messages of a cloud may repeat what it was sent. Names, ids
 * and labels are not changed, as the program works with them.
 */
export function redactEvent(event: SamplerEvent): SamplerEvent {
  switch (event.type) {
    case 'sample':
      return { ...event, sample: redactSample(event.sample) };
    case 'progress':
      return { ...event, note: redact(event.note) };
    case 'gap':
      return { ...event, gap: { ...event.gap, message: redact(event.gap.message) } };
    case 'server':
      return { ...event, event: { ...event.event, message: redact(event.event.message) } };
    case 'facts':
      return { ...event, facts: redactValues(event.facts) };
    case 'health':
      return { ...event, health: { ...event.health, suspended: redactValues(event.health.suspended) } };
    case 'preflight': {
      const { refused } = event.preflight;
      if (refused === null) return event;
      return { ...event, preflight: { ...event.preflight, refused: { ...refused, message: redact(refused.message) } } };
    }
    case 'log':
      return { ...event, message: redact(event.message) };
    case 'sent':
    case 'stopped':
      return event;
  }
}

function redactSample(sample: Sample): Sample {
  const requestId = sample.requestId === null ? null : redact(sample.requestId);
  switch (sample.outcome) {
    case 'ok':
      return { ...sample, requestId };
    case 'failed':
      return { ...sample, requestId, cause: redactCause(sample.cause) };
    case 'void':
      return { ...sample, requestId, cause: redactCause(sample.cause) };
  }
}

const redactCause = <C extends Cause | VoidCause>(cause: C): C => ({
  ...cause,
  message: redact(cause.message),
  ...(cause.body === undefined ? {} : { body: redact(cause.body) }),
});

const redactValues = (values: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, redact(value)]));
