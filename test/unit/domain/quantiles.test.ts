import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantile, quantileBounds } from '../../../src/domain/downtime/quantiles.ts';

describe('quantile', () => {
  it.each([
    [[], 0.5, null],
    [[7], 0.99, 7],
    [[1, 2, 3, 4], 0.5, 2],
    [[1, 2, 3, 4], 0.51, 3],
    [[1, 2, 3, 4], 1, 4],
  ])('of %j at %f returns %j', (values, share, expected) => {
    expect(quantile(values, share)).toBe(expected);
  });
});

describe('quantileBounds', () => {
  it('contain the quantile, and are null for few values', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 10, noNaN: true }), { maxLength: 200 }), (values) => {
        const sorted = Float64Array.from(values).sort();
        const bounds = quantileBounds(sorted, 0.5);
        if (bounds === null) {
          expect(values.length).toBeLessThan(10);
          return;
        }
        expect(bounds.low).toBeLessThanOrEqual(quantile(sorted, 0.5) ?? 0);
        expect(bounds.high).toBeGreaterThanOrEqual(quantile(sorted, 0.5) ?? 0);
      }),
    );
  });

  it('contain the true median in about 95 of 100 draws', () => {
    let seed = 1;
    const random = () => {
      seed = (seed * 48271) % 2147483647;
      return seed / 2147483647;
    };
    const draws = Array.from({ length: 2000 }, () => {
      const bounds = quantileBounds(Float64Array.from({ length: 40 }, random).sort(), 0.5);
      return bounds !== null && bounds.low <= 0.5 && bounds.high >= 0.5;
    });
    expect(draws.filter(Boolean).length / draws.length).toBeGreaterThan(0.94);
  });
});
