import { expect, it } from 'vitest';
import { printableJson } from '../../../src/format/printable.ts';
import { readData } from '../../../src/web/page-data.ts';
import { CONTROLS } from '../../support/hostile.ts';

it('invisible characters of texts are shown, and everything else is unchanged', () => {
  const data = { name: CONTROLS, list: [{ text: 'a\u202eb' }], at: 5, none: null };
  expect(readData(printableJson(data))).toEqual({
    name: '\\u001b[2J\\u001b]0;OWNED\\u0007\\u001b[31mEVIL\\u009b31m\\u202eRTL\\u2066\\u200b\ufffd\\u007f\r\nX',
    list: [{ text: 'a\\u202eb' }],
    at: 5,
    none: null,
  });
  expect(readData('{"plain":"a\\\\b"}')).toEqual({ plain: 'a\\b' });
});
