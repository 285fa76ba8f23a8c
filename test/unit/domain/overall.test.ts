import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SeriesOutages, sharpenedUnion } from '../../../src/domain/downtime/outages.ts';
import { downtimeOfProbe, overallDowntimeOf } from '../../../src/domain/downtime/overall.ts';
import { createSeriesState } from '../../../src/domain/downtime/series-state.ts';
import { length } from '../../../src/domain/interval.ts';
import type { Connection } from '../../../src/domain/sample.ts';
import type { Interval } from '../../../src/domain/time.ts';
import { failedSample, okSample, SERIES } from '../../support/samples.ts';

const PROBES = ['server-list', 'server-boot', 'server-reach', 'token'].map((name) => ({ name, sharpens: null }));

type Down = readonly [from: number, until: number];

/** A series that was down in these seconds, with edges known to within 100 ms on both sides. */
function seriesWith(
  probe: string,
  connection: Connection,
  { down, gaps = [] }: { down: readonly Down[]; gaps?: readonly Interval[] },
): SeriesOutages {
  const series = { ...SERIES, probe, connection };
  const edge = (at: number) => ({ earliest: at * 1000 - 100, estimate: at * 1000, latest: at * 1000 + 100 });
  const windows = down.map(([from, until]) => ({
    cloud: series.cloud,
    vantage: series.vantage,
    probe,
    connection,
    target: '',
    id: `${probe}-${from}`,
    kind: 'down' as const,
    start: edge(from),
    end: edge(until),
    startBy: probe,
    endBy: probe,
    knownUntil: until * 1000 - 100,
    exitedBy: null,
    duration: { min: until - from - 0.2, estimate: until - from, max: until - from + 0.2 },
    downtime: { min: until - from - 0.2, estimate: until - from, max: until - from + 0.2 },
    failedRuns: [{ slots: until - from, from: from * 1000 + 100, until: until * 1000 - 100 }],
    failedShare: null,
    gaps: [],
    failedSamples: 1,
    causes: [],
    provisional: false,
  }));
  return { series, windows, gaps, watched: { from: 0, until: 100_000 } };
}

describe('the overall downtime', () => {
  const reused = seriesWith('server-list', 'reused', { down: [[10, 20]] });
  const fresh = seriesWith('server-list', 'new', {
    down: [
      [15, 25],
      [50, 51],
    ],
  });
  const boot = seriesWith('server-boot', '', { down: [[12, 40]] });
  const token = seriesWith('token', '', { down: [[70, 80]] });

  it('is the union of the windows, not their sum', () => {
    const overall = overallDowntimeOf([reused, fresh, boot, token], {
      selected: ['server-list', 'server-boot'],
      probeTypes: PROBES,
    });
    expect(overall.downtime.estimate).toBe(31);
    const spread = 1.96 * Math.sqrt((4 * 0.2 ** 2) / 12);
    expect(overall.downtime.min).toBeCloseTo(31 - spread, 9);
    expect(overall.downtime.max).toBeCloseTo(31 + spread, 9);
    expect(overall).toMatchObject({ outageCount: 2, longest: 30 });
  });

  it('is also computed for each probe', () => {
    const overall = overallDowntimeOf([reused, fresh, boot, token], { selected: ['server-list'], probeTypes: PROBES });
    expect(downtimeOfProbe(overall, 'server-list').downtime.estimate).toBe(16);
    expect(downtimeOfProbe(overall, 'server-boot').downtime.estimate).toBe(28);
    expect(downtimeOfProbe(overall, 'token').downtime.estimate).toBe(10);
    expect(overall.downtime.estimate).toBe(16);
    expect(overall.byProbe.get('server-list')?.outageCount).toBe(2);
  });

  it('is 0 for a probe that was not enabled', () => {
    const overall = overallDowntimeOf([reused], { selected: ['server-list'], probeTypes: PROBES });
    const none = { downtime: { min: 0, estimate: 0, max: 0 }, settledDowntime: 0, outageCount: 0 };
    expect([...overall.byProbe.keys()]).toEqual(PROBES.map(({ name }) => name));
    expect(overall.byProbe.get('server-reach')).toEqual(none);
  });

  it('counts time that no selected probe observed as unobserved', () => {
    const a = seriesWith('server-list', 'new', { down: [], gaps: [{ from: 10_000, until: 20_000 }] });
    const b = seriesWith('server-boot', '', { down: [], gaps: [{ from: 15_000, until: 30_000 }] });
    expect(overallDowntimeOf([a, b], { selected: ['server-list', 'server-boot'], probeTypes: PROBES }).unobserved).toBe(
      5,
    );
    expect(overallDowntimeOf([a, b], { selected: ['server-list'], probeTypes: PROBES }).unobserved).toBe(10);
  });
});

/** Samples a server with these outages, each [from, until), at 1 Hz, shifted by `shift` milliseconds. */
function watch(connection: Connection, shift: number, outages: readonly (readonly [number, number])[]): SeriesOutages {
  const series = { ...SERIES, connection };
  const state = createSeriesState(series, 0);
  for (let seq = 0; seq < 40; seq++) {
    const place = { seq, at: seq * 1000 + shift };
    const down = outages.some(([from, until]) => place.at >= from && place.at < until);
    state.accept({ ...(down ? failedSample(place) : okSample(place)), connection });
  }
  return { series, windows: state.windows(40_000), gaps: state.gaps(40_000), watched: state.watched(40_000) };
}

const estimate = (...all: readonly SeriesOutages[]) =>
  sharpenedUnion(
    all.flatMap((one) => one.windows),
    () => 40_000,
  );

describe('the estimate of two series of one probe', () => {
  it('has its edges where both brackets agree', () => {
    const outage = [[10_300, 14_200]] as const;
    // reused: up at 10.0, down at 11.0, up at 15.0; new: up at 9.5, down at 10.5, down at 13.5, up at 14.5
    expect(estimate(watch('reused', 0, outage), watch('new', 500, outage))).toEqual([{ from: 10_250, until: 14_250 }]);
  });

  it('is a plain union where the brackets do not agree', () => {
    const [reused, fresh] = [watch('reused', 0, [[10_300, 14_200]]), watch('new', 500, [[12_300, 18_200]])];
    expect(estimate(reused, fresh)).toEqual([{ from: 10_500, until: 18_000 }]);
  });

  it('does not sharpen edges by other windows of the same series', () => {
    const twoOutages = estimate(
      watch('reused', 0, [
        [10_300, 12_200],
        [12_900, 14_200],
      ]),
    );
    expect(twoOutages).toHaveLength(1);
    expect(length(twoOutages)).toBe(4000);
  });

  const overall = (from: number, lasting: number) => {
    const outage = [[from, from + lasting]] as const;
    return overallDowntimeOf([watch('reused', 0, outage), watch('new', 500, outage)], {
      selected: ['server-list'],
      probeTypes: PROBES,
    });
  };

  it('is between minimum and maximum, which contain the truth, for every outage of half a second or more', () => {
    const start = fc.double({ min: 5000, max: 6000, noNaN: true });
    fc.assert(
      fc.property(start, fc.double({ min: 510, max: 9000, noNaN: true }), (from, lasting) => {
        const { outageCount: windows, downtime } = overall(from, lasting);
        expect(windows).toBe(1);
        expect(downtime.min * 1000).toBeLessThanOrEqual(lasting);
        expect(downtime.max * 1000).toBeGreaterThanOrEqual(lasting);
        expect(downtime.estimate).toBeGreaterThanOrEqual(downtime.min);
        expect(downtime.estimate).toBeLessThanOrEqual(downtime.max);
      }),
    );
  });

  it('has no bias, and an error of at most a quarter of a second per edge', () => {
    const errors: number[] = [];
    for (let from = 5000; from < 6000; from += 20) {
      for (let lasting = 2000; lasting < 3000; lasting += 20)
        errors.push(overall(from + 10, lasting).downtime.estimate * 1000 - lasting);
    }
    expect(Math.max(...errors.map(Math.abs))).toBeLessThanOrEqual(500);
    expect(Math.abs(errors.reduce((sum, one) => sum + one, 0) / errors.length)).toBeLessThan(1);
  });
});
