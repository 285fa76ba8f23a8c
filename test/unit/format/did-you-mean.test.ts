import { expect, it } from 'vitest';
import { didYouMean } from '../../../src/format/did-you-mean.ts';
import { listed } from '../../../src/format/lists.ts';

const KEYS = ['interval', 'timeout', 'connect_timeout', 'server-list', 'for', 'url'];

it.each([
  ['intervall', 'interval'],
  ['intreval', 'interval'],
  ['time-out', 'timeout'],
  ['connectTimeout', 'connect_timeout'],
  ['server_list', 'server-list'],
  ['Timeout', 'timeout'],
  ['fort', 'for'],
  ['uri', 'url'],
  ['fog', 'for'],
  ['cat', null],
  ['period', null],
  ['', null],
])('%s may mean %s', (word, meant) => {
  expect(didYouMean(word, KEYS)).toBe(meant);
});

it('words are joined by commas and a final conjunction', () => {
  expect([listed([]), listed(['a']), listed(['a', 'b']), listed(['a', 'b', 'c'], 'and')]).toEqual([
    '',
    'a',
    'a or b',
    'a, b and c',
  ]);
});
