import { expect, it } from 'vitest';
import { cutMiddle } from '../../../src/report/text/layout.ts';

it('a text that is too long is shortened in the middle, so that different ends stay distinct', () => {
  expect(cutMiddle('server-reach keeper-1', 21)).toBe('server-reach keeper-1');
  expect(cutMiddle('server-reach keeper-1', 12)).toBe('server…per-1');
  expect(cutMiddle('server-reach keeper-2', 12)).toBe('server…per-2');
  expect(cutMiddle('abcdef', 2)).toBe('a…');
});
