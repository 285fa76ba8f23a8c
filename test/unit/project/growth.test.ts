import { describe, expect, it } from 'vitest';
import { costOf, GROWTHS } from '../../support/growth.ts';

const FACTOR = 8;

/** Quadratic time would be FACTOR times as much. */
const MOST = 3;

/** Below the resolution of the clock, in milliseconds. */
const LEAST = 4;

describe('an input of eight times the size takes at most 24 times as long', {
  timeout: 120_000,
}, () => {
  it.each(GROWTHS)('$name', ({ size, make }) => {
    costOf(make(size), 2);
    const small = Math.max(LEAST, costOf(make(size), 3));
    // On a busy machine the minimum of several runs is not always exact.
    const large = make(size * FACTOR);
    const ratio = () => costOf(large, 1) / small;
    expect(Math.min(ratio(), ratio(), ratio())).toBeLessThan(FACTOR * MOST);
  });
});
