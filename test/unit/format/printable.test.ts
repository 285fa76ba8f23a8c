import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { printable, printableJson, printableLine } from '../../../src/format/printable.ts';

/** Characters that a terminal, a browser or an editor acts on or does not show; independent of `printable`. */
const SEEN = (code: number): boolean =>
  !(
    (code < 0x20 && code !== 9 && code !== 10) ||
    (code >= 0x7f && code <= 0x9f) ||
    [0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x3164, 0xfeff, 0xffa0].includes(code) ||
    (code >= 0x180b && code <= 0x180f) ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    (code >= 0xd800 && code <= 0xdfff) ||
    (code >= 0xfff0 && code <= 0xfffb) ||
    (code >= 0xe0000 && code <= 0xe0fff)
  );

describe('printable text', () => {
  it('escapes every invisible character, and leaves the others unchanged', () => {
    for (let code = 0; code <= 0x10ffff; code++) {
      const given = String.fromCodePoint(code);
      const shown = printable(given);
      // Format characters of some scripts, and variation selectors other than 15 and 16, are shown as well
      if (shown !== given) expect(shown, code.toString(16)).toMatch(/^(\\u[0-9a-f]{4}){1,2}$|^\ufffd$/);
      if (!SEEN(code)) expect(shown, code.toString(16)).not.toBe(given);
      if (/^[\p{L}\p{N}\p{P}\p{S}\n\t ]$/u.test(given) && SEEN(code)) expect(shown, code.toString(16)).toBe(given);
    }
  });

  it.each([
    ['\u001b[2J\u001b]0;OWNED\u0007', '\\u001b[2J\\u001b]0;OWNED\\u0007'],
    ['a\r\nb\tc\n', 'a\r\nb\tc\n'],
    ['a\rb', 'a\\u000db'],
    ['a\u009b31m\u202eb\u2066', 'a\\u009b31m\\u202eb\\u2066'],
    ['\ud83d\ude00\ufe0f \ud83d', '\ud83d\ude00\ufe0f \ufffd'],
    ['\u{e0041}', '\\udb40\\udc41'],
  ])('has %j as %j', (given, shown) => {
    expect(printable(given)).toBe(shown);
  });

  it('is on one line if it is a value', () => {
    expect(printableLine(' a\r\n\tb\u0085\u2028c\u001b\n')).toBe('a b c\\u001b');
  });

  it('is lossless in JSON, and idempotent', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
        const json = printableJson([value, text]);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify([value, text])));
        expect(printable(json)).toBe(json);
        expect(printableLine(printableLine(text))).toBe(printableLine(text));
        expect(Array.from(printableLine(text)).every((one) => SEEN(one.codePointAt(0) ?? 0) && one !== '\n')).toBe(
          true,
        );
      }),
      { seed: 16, numRuns: 500 },
    );
  });
});
