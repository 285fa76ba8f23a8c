import { describe, expect, it } from 'vitest';
import { costOf, GROWTHS } from '../../support/growth.ts';

const FACTOR = 8;

/** Quadratic would be FACTOR times as much. */
const MOST = 3;

/** What the clock cannot tell from nothing, in milliseconds. */
const LEAST = 4;

describe('an input that is eight times as large takes no more than three times eight as long', {
  timeout: 120_000,
}, () => {
  it.each(GROWTHS)('$name', ({ size, make }) => {
    costOf(make(size), 2);
    const small = Math.max(LEAST, costOf(make(size), 3));
    // On a machine that is at work the least of some is not always least.
    const large = make(size * FACTOR);
    const ratio = () => costOf(large, 1) / small;
    expect(Math.min(ratio(), ratio(), ratio())).toBeLessThan(FACTOR * MOST);
  });
});
