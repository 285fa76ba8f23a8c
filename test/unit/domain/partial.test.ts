import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outagesOf } from '../../../src/domain/downtime/outages.ts';
import { overallDowntimeOf } from '../../../src/domain/downtime/overall.ts';
import { createSeriesState, type SeriesState } from '../../../src/domain/downtime/series-state.ts';
import type { DowntimeWindow } from '../../../src/domain/downtime/window.ts';
import type { Connection } from '../../../src/domain/sample.ts';
import { describeProbes } from '../../../src/probes/registry.ts';
import { failedSample, okSample, SERIES } from '../../support/samples.ts';
import { createRandom, simulateSeries, type Truth } from '../../support/simulated-samples.ts';

/**
 * Expands '. 3 f 2' to '...ff' and accepts one sample per second, f failed, . ok, - not sent, after 10 ok ones. An `e` is
 * a failed extra sample in the same second as the failed one before it.
 */
function observe(pattern: string, { ok = 10 } = {}): { readonly state: SeriesState; readonly now: number } {
  const letters = `${'.'.repeat(ok)}${pattern.replace(/(\S)\s*(\d+)/g, (_, letter: string, count) => letter.repeat(Number(count)))}`;
  const state = createSeriesState(SERIES, 0);
  let [at, seq, extras] = [0, 0, 0];
  for (const letter of letters.replaceAll(' ', '')) {
    if (letter === 'e') {
      extras++;
      state.accept(failedSample({ seq: seq++, at: at + 50 * extras, extra: true }, { took: 2 }));
      continue;
    }
    at += 1000;
    extras = 0;
    if (letter === 'f') state.accept(failedSample({ seq: seq++, at }, { took: 2 }));
    if (letter === '.') state.accept(okSample({ seq: seq++, at }, 20));
  }
  return { state, now: at + 500 };
}

const kinds = (pattern: string): string => {
  const { state, now } = observe(pattern);
  return state
    .windows(now)
    .map(({ kind, end }) => `${kind}${end === null ? ' open' : ''}`)
    .join(', ');
};

const only = ({ state, now }: ReturnType<typeof observe>): DowntimeWindow => {
  const [window, ...rest] = state.windows(now);
  if (window === undefined || rest.length > 0) throw new Error(`expected one window, not ${rest.length + 1}`);
  return window;
};

describe('interleaved failures and successes', () => {
  it.each([
    ['f 10 . 25 f 5 . 70', 'down, down'],
    ['f . f .. f . f 2 . 70', 'partial'],
    ['f . 40 f . 50 f . 70', 'partial'],
    ['f . 70 f . 70 f . 70', 'down, down, down'],
    ['f . f . f . f . f . 40 f . 70', 'partial, down'],
    ['f . f . f . f . f . 20 f . 110', 'partial'],
    ['f . f .. f . 3 f 12 . f . f .. f . 70', 'partial, down, partial'],
    ['f . f . 3 f 12 . f . 70', 'down, down, down, down'],
    ['fe 7 . 30 fe 7 . 30 fe 7 . 70', 'down, down, down'],
    ['f . f . f', 'partial open'],
    ['f . f . f . 12', 'partial open'],
    ['f . f . f . 61', 'partial'],
    ['f . f . f . f . f . 40', 'partial'],
    ['f . f . 3 f 12', 'down, down, down open'],
    ['f . f . f . f f 12', 'partial, down open'],
    ['f . f . - 62 f . f . 70', 'down, down, down, down'],
    ['f . f - 10 . f . f . 70', 'partial'],
  ])('%s are %s', (pattern, expected) => {
    expect(kinds(pattern)).toBe(expected);
  });

  it.each([
    ['boots that fail for three causes', ['delete-error', 'server-error', 'spin-up-timeout'], 'down, down, down'],
    ['boots that fail for one cause', ['server-error', 'server-error', 'server-error'], 'partial'],
    ['two that have a cause in common', ['server-error', 'server-error', 'spin-up-timeout'], 'down, down, down'],
  ] as const)('of %s', (_, causes, expected) => {
    const state = createSeriesState(SERIES, 0, 'by-stages');
    for (let seq = 0; seq < 16; seq++) {
      const kind = causes[seq / 4 - 1];
      state.accept(kind ? failedSample({ seq, at: 5000 * seq }, { kind }) : okSample({ seq, at: 5000 * seq }));
    }
    expect(
      state
        .windows(80_000)
        .map(({ kind }) => kind)
        .join(', '),
    ).toBe(expected);
  });

  it('are apart if an operation takes so long that a minute passes in between', () => {
    const state = createSeriesState({ ...SERIES, validFor: 30_000 }, 0);
    const boots = Array.from({ length: 60 }, (_, seq) => ({ seq, at: 6000 * seq }));
    for (const place of boots)
      state.accept(place.seq % 12 === 5 ? failedSample(place, { took: 15 }) : okSample(place, 5000));
    expect(new Set(state.windows(360_000).map(({ kind }) => kind))).toEqual(new Set(['down', 'degraded']));
  });

  it('form a window with the failed share, its downtime and the longest run', () => {
    const window = only(observe('f . f .. f . f 2 . 70'));
    expect(window.id).toMatch(/^partial-/);
    expect(window.failedSamples).toBe(5);
    expect(window.failedRuns.map(({ slots }) => slots)).toEqual([1, 1, 1, 2]);
    // 5 failures in 9 slots; the first and the last one are there by definition.
    expect(window.failedShare).toMatchObject({ estimate: 4 / 8, slots: 9, width: 1000 });
    expect(window.downtime.estimate).toBeCloseTo(5, 9);
    // One ok slot before the first failure and one after the last are to be expected.
    expect(window.start.estimate).toBe(10_500 - 1000);
    expect(window.end?.estimate).toBe(19_500 + 1000);
    expect(window.start.earliest).toBeCloseTo(10_000 + (1000 * Math.log(0.05)) / -Math.log(0.5), 6);
  });

  it('keep the id of the first failure while more follow', () => {
    const ids = ['f . f . f', 'f . f . f . f', 'f . f . f . f . f . 30'].map((pattern) => only(observe(pattern)).id);
    expect(new Set(ids).size).toBe(1);
  });

  it('start after the outage before them and end before the one after', () => {
    const { state, now } = observe('f . f .. f . 3 f 12 . f . f .. f . 70');
    const [before, down, after] = state.windows(now);
    expect(before?.end?.estimate).toBeLessThanOrEqual(down?.start.estimate ?? 0);
    expect(after?.start.estimate).toBeGreaterThanOrEqual(down?.end?.estimate ?? Infinity);
  });

  it('are partial, not up, while it lasts', () => {
    const { state, now } = observe('f . f . f . 12');
    expect(state.status(now)).toMatchObject({ status: 'partial', open: { kind: 'partial', end: null } });
  });

  it('do not depend on the order in which the samples ended, nor change any other figure', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 80 }), (failures) => {
        const { state, now } = observe(failures.map((failed) => (failed ? 'f' : '.')).join(''));
        const totals = state.totals(now);
        expect(totals.samples.failed).toBe(failures.filter(Boolean).length);
        const counted = state.windows(now).flatMap(({ failedRuns }) => failedRuns.map(({ slots }) => slots));
        expect(counted.reduce((sum, slots) => sum + slots, 0)).toBe(totals.samples.failed);
        expect(totals.downtime.min).toBeLessThanOrEqual(totals.downtime.estimate);
        expect(totals.downtime.estimate).toBeLessThanOrEqual(totals.downtime.max);
        for (const [index, window] of state.windows(now).entries()) {
          expect(window.start.estimate).toBeGreaterThanOrEqual(state.windows(now)[index - 1]?.end?.estimate ?? 0);
        }
      }),
    );
  });
});

/** Ten minutes in which a request fails with a probability, watched for three minutes more on either side. */
const SECONDS = 960;
function partialOutage(share: number, seed: number): Truth {
  const random = createRandom(seed);
  return (at) => at >= 180_000 && at < 780_000 && random() < share;
}

const both = (connections: readonly (readonly [Connection, Truth])[]) =>
  connections.map(([connection, truth], index) => {
    const series = { ...SERIES, connection };
    const state = simulateSeries(truth, { seconds: SECONDS, offset: 100 + 500 * index }, series);
    const now = SECONDS * 1000;
    return { series, windows: state.windows(now), gaps: state.gaps(now), watched: state.watched(now) };
  });

const overall = (connections: readonly (readonly [Connection, Truth])[]) =>
  overallDowntimeOf(both(connections), { selected: ['server-list'], probeTypes: describeProbes() });

describe('a partial outage of ten minutes', () => {
  const SEED = 20_261_126;
  it.each([0.1, 1 / 3, 2 / 3, 0.9])('with a share of %d is one window, with that downtime', (share) => {
    const truth = partialOutage(share, SEED);
    const state = simulateSeries(truth, { seconds: SECONDS, offset: 100 });
    const windows = state.windows(SECONDS * 1000);
    expect(
      windows.map(({ kind }) => kind),
      `seed ${SEED}`,
    ).toEqual(['partial']);
    const { downtime } = state.totals(SECONDS * 1000);
    // Three standard deviations of a binomial distribution.
    const spread = 3 * Math.sqrt(600 * share * (1 - share));
    expect(Math.abs(downtime.estimate - 600 * share)).toBeLessThan(spread);
    expect(downtime.max - downtime.min).toBeLessThan(2 * spread);
  });

  it('counts once over two connections', () => {
    const truth = partialOutage(0.5, SEED);
    const { downtime, outageCount } = overall([
      ['new', truth],
      ['reused', truth],
    ]);
    expect(Math.abs(downtime.estimate - 300)).toBeLessThan(30);
    expect(outageCount).toBe(1);
  });

  it('counts in full if it affects one connection only', () => {
    const { downtime } = overall([
      ['new', partialOutage(0.5, SEED)],
      ['reused', () => false],
    ]);
    expect(Math.abs(downtime.estimate - 300)).toBeLessThan(40);
  });

  it('is part of the downtime of a connection that is down', () => {
    const { downtime } = overall([
      ['new', partialOutage(0.5, SEED)],
      ['reused', (at) => at >= 180_000 && at < 780_000],
    ]);
    expect(downtime.estimate).toBeCloseTo(600, -1);
  });

  it('takes in the few failures of the other connection', () => {
    const short = (share: number, seed: number): Truth => {
      const random = createRandom(seed);
      return (at) => at >= 180_000 && at < 186_000 && random() < share;
    };
    const outages = outagesOf(
      both([
        ['new', (at) => [180, 182, 184].includes(Math.floor(at / 1000)) && at % 1000 === 100],
        ['reused', short(0, 1)],
      ]),
    );
    expect(outages.map(({ windows }) => windows.map(({ kind }) => kind))).toEqual([['partial']]);
  });
});
