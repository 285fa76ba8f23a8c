import { describe, expect, it } from 'vitest';
import { outagesOf } from '../../../src/domain/downtime/outages.ts';
import { createSeriesState } from '../../../src/domain/downtime/series-state.ts';
import { totalDowntime, totalDuration } from '../../../src/domain/downtime/total.ts';
import { worstMoments } from '../../../src/domain/downtime/worst-moments.ts';
import { zeroProof } from '../../../src/domain/downtime/zero-proof.ts';
import { clipTo } from '../../../src/domain/interval.ts';
import { proofText } from '../../../src/format/budgets.ts';
import { failedSample, okSample, SERIES, voidSample } from '../../support/samples.ts';

/** Samples one series once a second: o ok, f failed, s slow, v void. */
function observe(letters: string, offset = 0) {
  const state = createSeriesState(SERIES, 0);
  for (const [seq, letter] of [...letters].entries()) {
    const place = { seq, at: seq * 1000 + offset };
    if (letter === 'f') state.accept(failedSample(place));
    else if (letter === 'v') state.accept(voidSample(place));
    else state.accept(okSample(place, letter === 's' ? 1500 : 0));
  }
  const now = letters.length * 1000;
  return {
    state,
    series: SERIES,
    trace: state.trace,
    windows: state.windows(now),
    gaps: [],
    watched: { from: 0, until: now },
  };
}

const outages = (letters: string) => outagesOf([observe(letters)]);
const closeTo = ({ min, estimate, max }: { min: number; estimate: number; max: number }) => ({
  min: expect.closeTo(min, 9),
  estimate: expect.closeTo(estimate, 9),
  max: expect.closeTo(max, 9),
});

describe('the total of outages', () => {
  it('is the bracket of a single one', () => {
    expect(totalDowntime(outages('oofffoo'))).toEqual({ min: 2, estimate: 3, max: 4 });
  });

  it('has a 95 % interval if there are several: 1.96 sqrt(k (T^2 + f^2) / 12)', () => {
    // Far enough apart not to be a partial outage.
    const letters = `oo${`ffff${'o'.repeat(70)}`.repeat(3)}`;
    const spread = 1.96 * Math.sqrt((3 * (1 + 1)) / 12);
    expect(totalDowntime(outages(letters))).toEqual(closeTo({ min: 12 - spread, estimate: 12, max: 12 + spread }));
  });

  it('counts an interval for a single failed slot, with the interval of a Poisson count', () => {
    const [centre, half] = [2 + 1.96 ** 2 / 2, 1.96 * Math.sqrt(2 + 1.96 ** 2 / 4)];
    const total = totalDowntime(outages(`oof${'o'.repeat(90)}foo`));
    expect(total).toEqual(closeTo({ min: centre - half, estimate: 2, max: centre + half }));
  });

  it('counts the whole of an outage in which a closed loop sent one sample only', () => {
    // The next boot starts once the failed server is deleted.
    const series = { ...SERIES, validFor: 600_000 };
    const state = createSeriesState(series, 0);
    const boots = [
      { at: 0, ok: true },
      { at: 1000, ok: false },
      { at: 14_000, ok: true },
      { at: 200_000, ok: true },
      { at: 201_000, ok: false },
      { at: 214_000, ok: true },
    ];
    for (const [seq, { at, ok }] of boots.entries()) state.accept((ok ? okSample : failedSample)({ seq, at }));
    const observed = { series, windows: state.windows(300_000), gaps: [], watched: { from: 0, until: 300_000 } };
    expect(totalDowntime(outagesOf([observed])).estimate).toBeCloseTo(14, 9);
  });

  it('within some intervals has the spread of the edges in them alone', () => {
    const both = outages('ooffffooooffffoooo');
    const first = clipTo([{ from: 0, until: 8000 }]);
    expect(totalDowntime(both, first)).toEqual({ min: 3, estimate: 4, max: 5 });
    // From the middle of the first outage on.
    const spread = 1.96 * Math.sqrt(3 / 12);
    const total = totalDowntime(both, clipTo([{ from: 4000, until: 18_000 }]));
    expect(total).toEqual(closeTo({ min: 5.5 - spread, estimate: 5.5, max: 5.5 + spread }));
  });

  it('is 0 without any', () => {
    expect(totalDowntime([])).toEqual({ min: 0, estimate: 0, max: 0 });
  });
});

describe('the total duration of slow windows', () => {
  it('is the bracket of one, and has a 95 % interval for several', () => {
    const slow = (letters: string) => observe(letters).windows.filter(({ kind }) => kind === 'degraded');
    expect(totalDuration(slow('oossoo'), 6000)).toEqual({ min: 0, estimate: 2, max: 3 });
    const { min, estimate, max } = totalDuration(slow('oossoossoossoossoo'), 18_000);
    const spread = 1.96 * Math.sqrt(8 / 12);
    expect([min, estimate, max]).toEqual([8 - spread, 8, 8 + spread].map((value) => expect.closeTo(value, 9)));
  });
});

describe('the proof of zero', () => {
  const whole = [{ from: 0, until: 20_000 }];
  it('is that of the longest pause between samples over all connections', () => {
    const [a, b] = [observe('o'.repeat(20)), observe('o'.repeat(20), 500)];
    expect(zeroProof([a], whole)).toEqual({ outage: 1, total: expect.closeTo(-Math.log(0.05), 9) });
    expect(zeroProof([a, b], whole)).toEqual({ outage: 0.5, total: expect.closeTo(-Math.log(0.05) / 2, 9) });
    expect(proofText({ outage: 0.5012, total: 1.5015 })).toBe(
      'no outage of 0.51 s or longer; shorter ones together below 1.6 s (95 %)',
    );
  });

  it('does not exist if a sample failed, or if there is none', () => {
    expect(zeroProof([observe(`${'o'.repeat(10)}f${'o'.repeat(9)}`)], whole)).toBeNull();
    expect(zeroProof([observe('v'.repeat(20))], whole)).toBeNull();
    expect(zeroProof([], whole)).toBeNull();
  });

  it('says nothing about unobserved time', () => {
    expect(zeroProof([observe(`${'o'.repeat(10)}vvv${'o'.repeat(7)}`)], whole)?.outage).toBe(1);
  });
});

describe('the worst moments', () => {
  const down = [
    { from: 10_000, until: 13_000 },
    { from: 15_000, until: 16_000 },
  ];

  it('are the lowest availability of any second, ten seconds, minute and ten minutes', () => {
    expect(worstMoments(down, [{ from: 0, until: 700_000 }])).toEqual([
      { seconds: 1, availability: 0 },
      { seconds: 10, availability: 0.6 },
      { seconds: 60, availability: 1 - 4 / 60 },
      { seconds: 600, availability: 1 - 4 / 600 },
    ]);
  });

  it('leave out what is longer than the phase, and do not look beyond it', () => {
    expect(worstMoments(down, [{ from: 12_000, until: 40_000 }])).toEqual([
      { seconds: 1, availability: 0 },
      { seconds: 10, availability: 0.8 },
    ]);
    expect(worstMoments([], [{ from: 0, until: 2000 }])).toEqual([{ seconds: 1, availability: 1 }]);
  });
});
