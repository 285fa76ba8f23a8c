import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRedactor, redact } from '../../../src/domain/redaction.ts';
import { secret } from '../../../src/domain/secret.ts';

const SEED = Number(process.env['ROLLWATCH_SEED'] ?? 16);
const RUNS = Number(process.env['ROLLWATCH_FUZZ'] ?? 300);

const utf8 = (text: string) => [...new TextEncoder().encode(text)];
const hex = (code: number, digits = 2) => code.toString(16).padStart(digits, '0');
const units = (text: string) => Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
const inJson = (text: string) => JSON.stringify(text).slice(1, -1);

/** Every way in which a server, a proxy or a traceback may write what it was sent. */
const ENCODINGS: Readonly<Record<string, (text: string) => string>> = {
  plain: (text) => text,
  JSON: inJson,
  'JSON in JSON': (text) => inJson(inJson(text)),
  'JSON in ASCII': (text) => inJson(text).replaceAll(/[\u007f-\uffff]/g, (char) => `\\u${hex(char.charCodeAt(0), 4)}`),
  'JSON with every character escaped': (text) =>
    units(text)
      .map((unit) => `\\u${hex(unit, 4).toUpperCase()}`)
      .join(''),
  'a URL': (text) => encodeURIComponent(text),
  'a URL in lower case': (text) => encodeURIComponent(text).replaceAll(/%../g, (code) => code.toLowerCase()),
  'a URL in a URL': (text) => encodeURIComponent(encodeURIComponent(text)),
  'a URL with every byte escaped': (text) =>
    utf8(text)
      .map((byte) => `%${hex(byte)}`)
      .join(''),
  'a form': (text) => new URLSearchParams({ a: text }).toString().slice(2),
  HTML: (text) =>
    text.replaceAll(/[&<>"']/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char] ?? '&#39;'),
  'numeric entities': (text) => [...text].map((char) => `&#${char.codePointAt(0)};`).join(''),
  'hexadecimal entities': (text) => [...text].map((char) => `&#x${(char.codePointAt(0) ?? 0).toString(16)};`).join(''),
  "Python's bytes": (text) =>
    utf8(text)
      .map((byte) => (byte < 0x80 ? String.fromCharCode(byte) : `\\x${hex(byte)}`))
      .join(''),
  base64: (text) => Buffer.from(text).toString('base64'),
  'base64url in the midst of others': (text) => Buffer.from(`user:${text}:more`).toString('base64url'),
  hexadecimal: (text) => Buffer.from(text).toString('hex'),
};

/** Long enough to be sure that it is there only because it was planted. */
const anySecret = fc
  .string({ unit: 'binary', minLength: 8, maxLength: 40 })
  .filter((text) => text.isWellFormed() && !/[\r\n]/.test(text) && text.trim() === text && new Set(text).size > 4);

/** Knows one secret. */
function redactorOf(text: string): (text: string) => string {
  const { rememberSecret, redact } = createRedactor();
  rememberSecret(text);
  return redact;
}

describe.each(Object.keys(ENCODINGS))('a secret in the encoding %s', (name) => {
  const encode = ENCODINGS[name] ?? ((text: string) => text);

  test('is replaced, whatever it is made of, and nothing around it', () => {
    fc.assert(
      fc.property(anySecret, (text) => {
        const { rememberSecret, redact } = createRedactor();
        rememberSecret(text);
        const encoded = encode(text);
        const redacted = redact(`before (${encoded}) after`);
        expect(redacted).not.toContain(encoded);
        expect(redacted.startsWith('before (')).toBe(true);
        expect(redacted.endsWith(') after')).toBe(true);
        expect(redacted).toContain('***');
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });
});

test('every secret is known to the thread that made it', () => {
  secret('known-as-soon-as-made');
  expect(redact('with known-as-soon-as-made inside')).toBe('with *** inside');
});

test.each([
  ['pässwörd "quoted" \\ back', 'p\\u00e4ssw\\u00f6rd \\"quoted\\" \\\\ back'],
  ['pässwörd "quoted" \\ back', 'p%C3%A4ssw%c3%b6rd+%22quoted%22+%5C+back'],
  ['two  words', 'two words'],
  ["it's", 'it&#39;s'],
])('secret %s is replaced in %s', (text, encoded) => {
  expect(redactorOf(text)(`x ${encoded} y`)).toBe('x *** y');
});

test('a secret that the end of a text cuts off is replaced as well', () => {
  const redact = redactorOf('correct-horse-battery');
  expect(redact('sent correct-horse')).toBe('sent ***');
  expect(redact('sent correct%2Dhor')).toBe('sent ***');
  expect(redact('sent correct\\u00')).toBe('sent ***');
  expect(redact('sent corr')).toBe('sent corr');
});

test('a private key is known by its lines', () => {
  const line = 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg';
  const redact = redactorOf(`-----BEGIN PRIVATE KEY-----\n${line}\n-----END PRIVATE KEY-----\n`);
  expect(redact(`verify: ${line}`)).toBe('verify: ***');
});

test('a secret of one or two characters is left, as it would be in every text', () => {
  expect(redactorOf('ab')('a cab')).toBe('a cab');
});

test('the latest tokens are replaced, and those of long ago are forgotten', () => {
  const { rememberToken, redact } = createRedactor();
  for (let index = 0; index < 100; index++) rememberToken(`gAAAAABm-${hex(index * 7919, 8)}`);
  expect(redact(`token gAAAAABm-${hex(99 * 7919, 8)}!`)).toBe('token ***!');
  expect(redact(`token gAAAAABm-${hex(0, 8)}!`)).toBe(`token gAAAAABm-${hex(0, 8)}!`);
});

test('a text made to be slow takes steps in proportion to its length', () => {
  const redact = redactorOf('\\\\\\\\\\\\\\\\%%%%%%%%&&&&&&&&  \\\\\\\\');
  const time = (text: string): number => {
    const began = process.cpuUsage();
    redact(text);
    const { user, system } = process.cpuUsage(began);
    return (user + system) / 1000;
  };
  for (const piece of ['\\', '%25', '&amp;', ' ', '\\\\%%&&  ']) {
    time(piece.repeat(200));
    const [short, long] = [time(piece.repeat(1000)), time(piece.repeat(8000))];
    expect(long, `${JSON.stringify(piece)}: ${short} ms, then ${long} ms`).toBeLessThan(8 * 6 * Math.max(short, 2));
  }
});
