import { expect, it } from 'vitest';
import { cutMiddle } from '../../../src/report/layout.ts';

it('leaves out the middle of what is too long, so that what ends differently stays apart', () => {
  expect(cutMiddle('server-reach keeper-1', 21)).toBe('server-reach keeper-1');
  expect(cutMiddle('server-reach keeper-1', 12)).toBe('server…per-1');
  expect(cutMiddle('server-reach keeper-2', 12)).toBe('server…per-2');
  expect(cutMiddle('abcdef', 2)).toBe('a…');
});
