import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRedactor, redact, secret } from '../../../src/domain/redaction.ts';
import { ENCODINGS, hex } from '../../support/encodings.ts';

const SEED = Number(process.env['ROLLWATCH_SEED'] ?? 16);
const RUNS = Number(process.env['ROLLWATCH_FUZZ'] ?? 300);

/** Long enough not to occur by chance. */
const anySecret = fc
  .string({ unit: 'binary', minLength: 8, maxLength: 40 })
  .filter((text) => text.isWellFormed() && !/[\r\n]/.test(text) && text.trim() === text && new Set(text).size > 4);

/** Redacts one secret. */
function redactorOf(text: string): (text: string) => string {
  const { rememberSecret, redact } = createRedactor();
  rememberSecret(text);
  return redact;
}

describe.each(Object.keys(ENCODINGS))('a secret encoded as %s', (name) => {
  const encode = ENCODINGS[name] ?? ((text: string) => text);

  test('is replaced, and the text around it is not', () => {
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

test('secret() registers its value for redaction', () => {
  secret('registered-secret');
  expect(redact('with registered-secret inside')).toBe('with *** inside');
});

test.each([
  ['pässwörd "quoted" \\ back', 'p\\u00e4ssw\\u00f6rd \\"quoted\\" \\\\ back'],
  ['pässwörd "quoted" \\ back', 'p%C3%A4ssw%c3%b6rd+%22quoted%22+%5C+back'],
  ['two  words', 'two words'],
  ["it's", 'it&#39;s'],
])('secret %s is replaced in %s', (text, encoded) => {
  expect(redactorOf(text)(`x ${encoded} y`)).toBe('x *** y');
});

test('a secret that is truncated at the end of a text is replaced', () => {
  const redact = redactorOf('correct-horse-battery');
  expect(redact('sent correct-horse')).toBe('sent ***');
  expect(redact('sent correct%2Dhor')).toBe('sent ***');
  expect(redact('sent correct\\u00')).toBe('sent ***');
  expect(redact('sent corr')).toBe('sent corr');
});

test('a private key is replaced line by line', () => {
  const line = 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg';
  const redact = redactorOf(`-----BEGIN PRIVATE KEY-----\n${line}\n-----END PRIVATE KEY-----\n`);
  expect(redact(`verify: ${line}`)).toBe('verify: ***');
});

test('a secret of one or two characters is not replaced', () => {
  expect(redactorOf('ab')('a cab')).toBe('a cab');
});

test('only the most recent tokens are replaced', () => {
  const { rememberToken, redact } = createRedactor();
  for (let index = 0; index < 100; index++) rememberToken(`gAAAAABm-${hex(index * 7919, 8)}`);
  expect(redact(`token gAAAAABm-${hex(99 * 7919, 8)}!`)).toBe('token ***!');
  expect(redact(`token gAAAAABm-${hex(0, 8)}!`)).toBe(`token gAAAAABm-${hex(0, 8)}!`);
});

test('redaction of hostile texts takes linear time', () => {
  const redact = redactorOf('\\\\\\\\\\\\\\\\%%%%%%%%&&&&&&&&  \\\\\\\\');
  const time = (text: string): number => {
    const before = process.cpuUsage();
    redact(text);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
  for (const piece of ['\\', '%25', '&amp;', ' ', '\\\\%%&&  ']) {
    time(piece.repeat(200));
    const [short, long] = [time(piece.repeat(1000)), time(piece.repeat(8000))];
    expect(long, `${JSON.stringify(piece)}: ${short} ms, then ${long} ms`).toBeLessThan(8 * 6 * Math.max(short, 2));
  }
});
