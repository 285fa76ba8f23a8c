/**
 * Keeps secrets out of everything that leaves the program: messages, logs, reports, the journal.
 *
 * Every value made by `secret()` is remembered here, and so is every token that Keystone issues. `redact` replaces them
 * in a text, in whatever encoding the text has them: plain, JSON- or backslash-escaped, percent-encoded, as HTML
 * entities, as base64 (RFC 4648, both alphabets, at any offset) or in hexadecimal. It is for text that a person reads;
 * what the program works with (URLs, ids, names of a catalog) is never redacted.
 */
const MASK = '***';

/** A shorter secret would turn every text into asterisks, and these would give it away. */
const SHORTEST = 3;
/** The end of a text may cut a secret off. A piece of this length or longer is replaced as well. */
const SHORTEST_PIECE = 6;
/** Base64 and hexadecimal forms of shorter secrets are too likely to occur by chance. */
const SHORTEST_ENCODED = 6;
/** A multi-line secret, such as a private key, is known by its lines. */
const SHORTEST_LINE = 16;
/** A probe that issues tokens has a new one every few seconds; those that were used last are known. */
const TOKENS = 8;

type Pattern = readonly string[];

/** Knows secrets, and replaces them in texts. */
export type Redactor = {
  /** Remembers a secret. */
  rememberSecret(value: string): void;
  /** Remembers a token that was issued or used; the one that was used longest ago is forgotten. */
  rememberToken(value: string): void;
  /** The text with each secret in it replaced by '***'. Takes time proportional to the text. */
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
      if (value.length < SHORTEST) return;
      const patterns = tokens.get(value) ?? patternsOf(value);
      tokens.delete(value);
      tokens.set(value, patterns);
      const [oldest] = tokens.keys();
      if (tokens.size > TOKENS && oldest !== undefined) tokens.delete(oldest);
    },
    redact(text) {
      const patterns = [...secrets.values(), ...tokens.values()].flat();
      return patterns.reduce((redacted, pattern) => replacePattern(redacted, pattern), text);
    },
  };
}

/** The one of this thread, which every `secret()` is told to. */
export const { rememberSecret, rememberToken, redact } = createRedactor();

function patternsOf(value: string): readonly Pattern[] {
  const lines = value.split(/\r?\n/);
  if (lines.length > 1) {
    return lines.filter((line) => line.length >= SHORTEST_LINE && !line.startsWith('-----')).map((line) => [...line]);
  }
  if (value.length < SHORTEST) return [];
  const forms = value.length < SHORTEST_ENCODED ? [] : [...base64Of(value), ...hexOf(value)];
  return [value.replaceAll(/[ \t\r\n]+/g, ' '), ...forms].map((form) => [...form]);
}

const utf8 = new TextEncoder();

const hexOf = (value: string): readonly string[] => {
  const hex = [...utf8.encode(value)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex, hex.toUpperCase()];
};

/** Those digits that depend on the secret alone, wherever it lies in what was encoded ('user:password'). */
function base64Of(value: string): readonly string[] {
  const bytes = utf8.encode(value);
  const forms = [0, 1, 2].flatMap((offset) => {
    const encoded = btoa(String.fromCharCode(...new Uint8Array(offset), ...bytes));
    const from = Math.ceil((offset * 8) / 6);
    const until = Math.floor(((offset + bytes.length) * 8) / 6);
    const digits = encoded.slice(from, until);
    return [digits, digits.replaceAll('+', '-').replaceAll('/', '_')];
  });
  return [...new Set(forms)].filter((form) => form.length >= SHORTEST_ENCODED);
}

function replacePattern(text: string, pattern: Pattern): string {
  const [first] = pattern;
  if (first === undefined) return text;
  const match = matcher(text, pattern);
  let redacted = '';
  let kept = 0;
  for (let at = 0; at < text.length; at++) {
    const end = couldBegin(text, at, first) ? match(at, 0) : null;
    if (end === null) continue;
    redacted += text.slice(kept, at) + MASK;
    kept = end;
    at = end - 1;
  }
  return kept === 0 ? text : redacted + text.slice(kept);
}

/** Cheap, as it is asked of every character of a text. */
const couldBegin = (text: string, at: number, first: string): boolean => {
  const char = text[at] ?? '';
  return char === first[0] || '\\%&+'.includes(char) || char.charCodeAt(0) >= 0x80 || /\s/.test(char);
};

/** Where the pattern ends that is at `index` of its characters at a place of the text, or null; each place is tried once. */
function matcher(text: string, pattern: Pattern): (at: number, index: number) => number | null {
  const failed = new Set<number>();
  const match = (at: number, index: number): number | null => {
    const char = pattern[index];
    if (char === undefined) return at;
    const key = at * (pattern.length + 1) + index;
    if (failed.has(key)) return null;
    if (index >= SHORTEST_PIECE && isCutOff(text, at)) return text.length;
    for (const next of encodedAt(text, at, char)) {
      const end = match(next, index + 1);
      if (end !== null) return end;
    }
    failed.add(key);
    return null;
  };
  return match;
}

/** Nothing is left but, maybe, the beginning of an escape. */
const isCutOff = (text: string, at: number): boolean =>
  at >= text.length ||
  (text.length - at < 10 && /^(?:\\{1,9}[ux]?|%(?:25){0,4}|&#?x?)[0-9a-f]{0,8}$/i.test(text.slice(at)));

const NAMED: Readonly<Record<string, string>> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' };
const ESCAPED: Readonly<Record<string, string>> = { '\n': 'n', '\r': 'r', '\t': 't', '\b': 'b', '\f': 'f' };

/** How a character can be written, by the first character of each way; sticky patterns. */
type Encodings = { readonly '\\': readonly RegExp[]; readonly '%': readonly RegExp[]; readonly '&': readonly RegExp[] };

const encodings = new Map<string, Encodings>();

function encodingsOf(char: string): Encodings {
  const known = encodings.get(char);
  if (known !== undefined) return known;
  const code = char.codePointAt(0) ?? 0;
  const bytes = [...utf8.encode(char)].map(hexOfByte);
  const units = Array.from({ length: char.length }, (_, index) => char.charCodeAt(index).toString(16).padStart(4, '0'));
  const sticky = (source: string) => new RegExp(source, 'iy');
  // Escapes may have been escaped again: any number of backslashes goes before what they escape, and %25 is a '%'.
  const escaped = [
    units.map((unit) => `\\\\{1,16}u${unit}`).join(''),
    `\\\\{1,16}u\\{0{0,8}${code.toString(16)}\\}`,
    bytes.map((byte) => `\\\\{1,16}x${byte}`).join(''),
    ...(code > 0x7f && code <= 0xff ? [`\\\\{1,16}x${hexOfByte(code)}`] : []),
  ];
  const names = [`#0{0,8}${code}`, `#x0{0,8}${code.toString(16)}`, ...(NAMED[char] === undefined ? [] : [NAMED[char]])];
  const made = {
    '\\': escaped.map(sticky),
    '%': [sticky(bytes.map((byte) => `%(?:25){0,4}${byte}`).join(''))],
    '&': [sticky(`&(?:amp;){0,4}(?:${names.join('|')});`)],
  };
  encodings.set(char, made);
  return made;
}

const hexOfByte = (byte: number): string => byte.toString(16).padStart(2, '0');

const WHITE_SPACE = /\s{1,64}|\+/y;
const MOST_BLANKS = 32;

/** The places at which a character that begins at `at`, in any of its encodings, can end. */
function encodedAt(text: string, at: number, char: string): readonly number[] {
  if (char !== ' ') return oneAt(text, at, char);
  // White space is one blank in a pattern, and may be any number of any in a text.
  const ends: number[] = [];
  for (let from = [at]; from.length > 0 && ends.length < MOST_BLANKS; ) {
    from = [...new Set(from.flatMap((one) => [' ', '\t', '\n', '\r'].flatMap((blank) => oneAt(text, one, blank))))];
    ends.push(...from);
  }
  return ends.reverse();
}

function oneAt(text: string, at: number, char: string): readonly number[] {
  const ends: number[] = [];
  if (text.startsWith(char, at)) ends.push(at + char.length);
  // White space may have been folded, or written as '+' in a form.
  if (/\s/.test(char)) ends.push(...endOf(WHITE_SPACE, text, at));
  const lead = text[at];
  if (lead === '\\' || lead === '%' || lead === '&') {
    ends.push(...encodingsOf(char)[lead].flatMap((pattern) => endOf(pattern, text, at)));
  }
  if (lead === '\\') ends.push(...backslashed(text, at, char));
  // UTF-8 that was read as Latin-1.
  if (char.charCodeAt(0) >= 0x80) {
    const latin = String.fromCharCode(...utf8.encode(char));
    if (text.startsWith(latin, at)) ends.push(at + latin.length);
  }
  return ends;
}

/** A character that stands behind backslashes. */
function backslashed(text: string, at: number, char: string): readonly number[] {
  let after = at;
  while (text[after] === '\\' && after - at < 16) after++;
  if (char === '\\') return [2, 4, 8, 16].map((count) => at + count).filter((end) => end <= after);
  const shown = ESCAPED[char] ?? char;
  return text.startsWith(shown, after) ? [after + shown.length] : [];
}

function endOf(pattern: RegExp, text: string, at: number): readonly number[] {
  pattern.lastIndex = at;
  return pattern.test(text) ? [pattern.lastIndex] : [];
}
