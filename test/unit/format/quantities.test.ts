import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { duration, errorBar, grown, latency, percent, span } from '../../../src/format/quantities.ts';

describe('an availability in percent', () => {
  it.each([
    [1, false, '100 %'],
    [1, true, '< 100 %'],
    [0.9908, true, '99.08 %'],
    [0.99999, true, '99.9990 %'],
    [0.999999999999, true, '> 99.99999 %'],
    [0.5, true, '50 %'],
    [0, true, '0 %'],
    [null, false, '-'],
  ])('of %s with downtime %s is %s', (availability, hadDowntime, shown) => {
    expect(percent(availability, hadDowntime)).toBe(shown);
  });

  it('is never 100 % if there was downtime, and is precise to its last digit', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (availability) => {
        const shown = percent(availability, true);
        expect(shown).not.toBe('100 %');
        if (/^[\d.]+ %$/.test(shown)) expect(Number.parseFloat(shown)).toBeLessThanOrEqual(availability * 100 + 1e-6);
      }),
    );
  });
});

describe('a duration with its error bar', () => {
  it.each([
    [{ min: 6.5, estimate: 6.9, max: 7.4 }, '6.9 s (6.5 to 7.4 s)'],
    [{ min: 0, estimate: 0, max: 0 }, '0 s'],
    [{ min: 0.41, estimate: 0.4512, max: 0.5 }, '0.45 s (0.41 to 0.50 s)'],
    [{ min: 0, estimate: 0.3, max: 1.2 }, '0.3 s (0 to 1.2 s)'],
    [{ min: 640, estimate: 700, max: 725 }, '11 min 40 s (10 min 40 s to 12 min 5 s)'],
  ])('of %o is %s', (seconds, shown) => {
    expect(errorBar(seconds)).toBe(shown);
  });

  it('contains the true value whatever is rounded', () => {
    const bounds = fc.tuple(
      fc.double({ min: 0, max: 500, noNaN: true }),
      fc.double({ min: 0.001, max: 90, noNaN: true }),
    );
    fc.assert(
      fc.property(bounds, ([min, spread]) => {
        const max = min + spread;
        const [, low, high] =
          /\(([\d.]+) to ([\d.]+) s\)$/.exec(errorBar({ min, estimate: (min + max) / 2, max })) ?? [];
        expect(Number(low)).toBeLessThanOrEqual(min + 1e-5);
        expect(Number(high)).toBeGreaterThanOrEqual(max - 1e-5);
      }),
    );
  });
});

describe('a duration', () => {
  it.each([
    [0, '0 s'],
    [0.234, '0.23 s'],
    [6.94, '6.9 s'],
    [15, '15 s'],
    [126.4, '126 s'],
    [750, '12 min 30 s'],
    [7500, '2 h 05 min'],
    [180_000, '2 d 2 h'],
  ])('of %s s is %s', (seconds, shown) => {
    expect(duration(seconds)).toBe(shown);
  });

  it('of a run is in minutes from one minute on', () => {
    expect(span(59)).toBe('59 s');
    expect(span(90)).toBe('1 min 30 s');
  });
});

describe('a latency', () => {
  it.each([
    [0.0042, '4.2 ms'],
    [0.042, '42 ms'],
    [0.9996, '1.00 s'],
    [1.253, '1.25 s'],
    [11.24, '11.2 s'],
  ])('of %s s is %s', (seconds, shown) => {
    expect(latency(seconds)).toBe(shown);
  });
});

describe('the growth of a latency', () => {
  it.each([
    [0.04, 0.056, ' ×1.4'],
    [0.04, 0.04, ' ×1.0'],
    [0.04, 0.0384, ' ×1.0'],
    [1, 0.042, ' ×0.042'],
    [1, 0.5, ' ×0.5'],
    [0, 0.5, ''],
    [undefined, 0.5, ''],
  ])('from %s s to %s s is%s', (before, during, shown) => {
    expect(grown(before, during)).toBe(shown);
  });
});
