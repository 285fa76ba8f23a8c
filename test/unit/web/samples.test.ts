import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createChart } from '../../../src/api/chart.ts';
import type { Sample } from '../../../src/domain/sample.ts';
import {
  addSamples,
  emptyStore,
  FAILED,
  firstFrom,
  isExtra,
  nearest,
  OK,
  outcomeOf,
  type SampleColumns,
  VOID,
} from '../../../src/web/samples.ts';
import { failedSample, okSample, SERIES, voidSample } from '../../support/samples.ts';

const T0 = Date.UTC(2026, 10, 23);
const BOOT = { ...SERIES, probe: 'server-boot', connection: '' } as const;

const chartOf = (samples: readonly Sample[], { origin = T0, series = [SERIES] as readonly (typeof SERIES)[] } = {}) => {
  const chart = createChart(origin, series);
  for (const sample of samples) chart.add(sample);
  return chart.toApi();
};

function only(store: ReturnType<typeof emptyStore>): SampleColumns {
  const [own] = store.series.values();
  if (own === undefined) throw new Error('no series');
  return own;
}

const times = (own: SampleColumns) => [...own.at.subarray(0, own.count)].map((at) => at - T0);

describe('samples in columns', () => {
  it('are read as they were written', () => {
    const store = emptyStore();
    const samples = [
      okSample({ seq: 0, at: T0 + 0.4 }, 42.4),
      failedSample({ seq: 1, at: T0 + 1000 }, { took: 5, kind: 'http-503' }),
      failedSample({ seq: 2, at: T0 + 1100, extra: true }),
      voidSample({ seq: 3, at: T0 + 2000 }, 1500),
    ];
    addSamples(store, chartOf(samples));
    const own = only(store);
    expect(times(own)).toEqual([0, 1000, 1100, 2000]);
    expect([...own.took.subarray(0, 4)].map((seconds) => Math.round(seconds * 1000))).toEqual([42, 5, 0, 1500]);
    expect([...own.marks.subarray(0, 4)].map((mark) => [outcomeOf(mark), isExtra(mark)])).toEqual([
      [OK, false],
      [FAILED, false],
      [FAILED, true],
      [VOID, false],
    ]);
    expect([...own.causes.subarray(0, 4)].map((index) => store.causes[index]?.kind)).toEqual([
      undefined,
      'http-503',
      'connection-refused',
      undefined,
    ]);
  });

  it('contain the stages of a boot, as far as it got', () => {
    const store = emptyStore();
    const boot = (sample: Sample, stages: Sample['stages']): Sample => ({ ...sample, ...BOOT, stages });
    const stages = { accepted: 0.2, active: 1.5, delete_accepted: 0.1, gone: 2 };
    const boots = [
      boot(okSample({ seq: 0, at: T0 }), stages),
      boot(failedSample({ seq: 1, at: T0 + 4000 }), { accepted: 0.2 }),
    ];
    addSamples(store, chartOf(boots, { series: [BOOT] }));
    const seconds = [...only(store).stages.subarray(0, 8)].map((took) => Math.round(took * 10) / 10);
    expect(seconds).toEqual([0.2, 1.5, 0.1, 2, 0.2, Number.NaN, Number.NaN, Number.NaN]);
  });

  it('are the same however they are split, repeated or ordered', () => {
    const places = fc.uniqueArray(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 60 });
    const cuts = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 5 });
    fc.assert(
      fc.property(places, cuts, (ats, where) => {
        const samples = ats.map((at, seq) =>
          at % 3 === 0 ? failedSample({ seq, at: T0 + at }) : okSample({ seq, at: T0 + at }, at),
        );
        const store = emptyStore();
        for (const cut of [...where, 0]) addSamples(store, chartOf(samples.slice(cut), { origin: T0 + cut }));
        const own = only(store);
        const sorted = ats.toSorted((a, b) => a - b);
        expect(times(own)).toEqual(sorted);
        expect([...own.marks.subarray(0, own.count)].map(outcomeOf)).toEqual(
          sorted.map((at) => (at % 3 === 0 ? FAILED : OK)),
        );
        expect([...own.causes.subarray(0, own.count)]).toEqual(sorted.map((at) => (at % 3 === 0 ? 0 : -1)));
      }),
    );
  });

  it('are found by the time they were sent', () => {
    const store = emptyStore();
    addSamples(store, chartOf([0, 1000, 2000].map((at, seq) => okSample({ seq, at: T0 + at }))));
    const own = only(store);
    expect([-1, 0, 1, 1000, 2001].map((at) => firstFrom(own, T0 + at))).toEqual([0, 0, 1, 1, 3]);
    expect([-500, 400, 600, 9000].map((at) => nearest(own, T0 + at))).toEqual([0, 0, 1, 2]);
  });
});
