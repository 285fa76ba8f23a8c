import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intersect, length, subtract, union } from '../../../src/domain/interval.ts';
import type { Interval } from '../../../src/domain/time.ts';

const interval = fc
  .tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 10 }))
  .map(([from, duration]): Interval => ({ from, until: from + duration }));
const intervals = fc.array(interval, { maxLength: 12 });

/** The whole numbers n for which [n, n + 1] is inside: a model of the same time. */
const cells = (some: readonly Interval[]): ReadonlySet<number> =>
  new Set(some.flatMap(({ from, until }) => Array.from({ length: until - from }, (_, index) => from + index)));

describe('intervals', () => {
  it('are joined by union if they overlap or touch', () => {
    expect(
      union([
        { from: 5, until: 7 },
        { from: 1, until: 3 },
        { from: 3, until: 4 },
        { from: 6, until: 9 },
      ]),
    ).toEqual([
      { from: 1, until: 4 },
      { from: 5, until: 9 },
    ]);
  });

  it('are cut by subtract into what is left', () => {
    expect(
      subtract(
        [{ from: 0, until: 10 }],
        [
          { from: 2, until: 3 },
          { from: 8, until: 12 },
        ],
      ),
    ).toEqual([
      { from: 0, until: 2 },
      { from: 3, until: 8 },
    ]);
  });

  it('behave like sets of whole numbers', () => {
    fc.assert(
      fc.property(intervals, intervals, (a, b) => {
        expect(cells(union(a))).toEqual(cells(a));
        expect(cells(subtract(a, b))).toEqual(cells(a).difference(cells(b)));
        expect(cells(intersect(a, b))).toEqual(cells(a).intersection(cells(b)));
        expect(length(a)).toBe(cells(a).size);
      }),
    );
  });
});
