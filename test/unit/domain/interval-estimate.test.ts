import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unitedEstimate } from '../../../src/domain/downtime/interval-estimate.ts';
import { overallOf, type SeriesBook } from '../../../src/domain/downtime/overall.ts';
import { createAccount } from '../../../src/domain/downtime/series-state.ts';
import { length } from '../../../src/domain/interval.ts';
import type { Connection } from '../../../src/domain/sample.ts';
import { failedSample, okSample, SERIES } from '../../support/samples.ts';

/** A series at 1 Hz, shifted by `shift` milliseconds, through outages that its server had, each [from, until). */
function watch(connection: Connection, shift: number, outages: readonly (readonly [number, number])[]): SeriesBook {
  const series = { ...SERIES, connection };
  const account = createAccount(series, 0);
  for (let seq = 0; seq < 40; seq++) {
    const place = { seq, at: seq * 1000 + shift };
    const down = outages.some(([from, until]) => place.at >= from && place.at < until);
    account.accept({ ...(down ? failedSample(place) : okSample(place)), connection });
  }
  return { series, windows: account.windows(40_000), gaps: account.gaps(40_000), watched: account.watched(40_000) };
}

const estimate = (books: readonly SeriesBook[]) =>
  unitedEstimate(
    books.flatMap((one) => one.windows),
    () => 40_000,
  );

describe('the united estimate of two series of a probe', () => {
  it('lies where both brackets agree', () => {
    const outage = [[10_300, 14_200]] as const;
    const books = [watch('reused', 0, outage), watch('new', 500, outage)];
    // reused: up at 10.0, down at 11.0, up at 15.0; new: up at 9.5, down at 10.5, down at 13.5, up at 14.5
    expect(estimate(books)).toEqual([{ from: 10_250, until: 14_250 }]);
  });

  it('is a plain union where the brackets do not agree', () => {
    const books = [watch('reused', 0, [[10_300, 14_200]]), watch('new', 500, [[12_300, 18_200]])];
    expect(estimate(books)).toEqual([{ from: 10_500, until: 18_000 }]);
  });

  it('does not take two outages of one series for one', () => {
    const books = [
      watch('reused', 0, [
        [10_300, 12_200],
        [12_900, 14_200],
      ]),
    ];
    expect(estimate(books)).toHaveLength(1);
    expect(length(estimate(books))).toBe(4000);
  });

  const overall = (from: number, lasting: number) => {
    const outage = [[from, from + lasting]] as const;
    return overallOf([watch('reused', 0, outage), watch('new', 500, outage)], ['server-list']);
  };

  it('lies between least and most, which hold the truth, and misses nothing of half a second', () => {
    const start = fc.double({ min: 5000, max: 6000, noNaN: true });
    fc.assert(
      fc.property(start, fc.double({ min: 510, max: 9000, noNaN: true }), (from, lasting) => {
        const { windows, downtime } = overall(from, lasting);
        expect(windows).toBe(1);
        expect(downtime.min * 1000).toBeLessThanOrEqual(lasting);
        expect(downtime.max * 1000).toBeGreaterThanOrEqual(lasting);
        expect(downtime.estimate).toBeGreaterThanOrEqual(downtime.min);
        expect(downtime.estimate).toBeLessThanOrEqual(downtime.max);
      }),
    );
  });

  it('is not biased, and errs by a quarter of a second at an edge at most', () => {
    const errors: number[] = [];
    for (let from = 5000; from < 6000; from += 20) {
      for (let lasting = 2000; lasting < 3000; lasting += 20)
        errors.push(overall(from + 10, lasting).downtime.estimate * 1000 - lasting);
    }
    expect(Math.max(...errors.map(Math.abs))).toBeLessThanOrEqual(500);
    expect(Math.abs(errors.reduce((sum, one) => sum + one, 0) / errors.length)).toBeLessThan(1);
  });
});
