import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createChart } from '../../../src/api/chart.ts';
import { FAILURE_KINDS } from '../../../src/domain/cause.ts';
import { createSeriesState } from '../../../src/domain/downtime/series-state.ts';
import {
  couldBeCausedByStall,
  type Interruption,
  judgeInterrupted,
  stalledFor,
} from '../../../src/domain/downtime/stalls.ts';
import type { ProbeResult } from '../../../src/domain/probe.ts';
import type { FailedSample, Sample } from '../../../src/domain/sample.ts';
import { failedSample, okSample, SERIES } from '../../support/samples.ts';

const common = { stages: { first_byte: 0.4 }, requestId: 'req-1', serverId: null };
const DURING = { from: 1000, until: 9000 };

const ok: ProbeResult = { ...common, outcome: 'ok', cause: null, lastKnownUpAt: 1000, settledAt: 8000 };
const failed = (kind: FailedSample['cause']['kind'], timedOut = false): ProbeResult => ({
  ...common,
  outcome: 'failed',
  cause: { kind, service: 'nova-api', message: kind },
  lastKnownUpAt: null,
  failureStartedAt: 1000,
  settledAt: 8000,
  timedOut,
});
const interruption = (kind: Interruption['kind'], from = 2000, until = 2400): Interruption => ({ kind, from, until });

const summary = ({ outcome, cause }: ProbeResult) => (cause === null ? outcome : `${outcome} ${cause.kind}`);

const anyStalls = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 1, max: 10_000 })), { maxLength: 8 })
  .map((list) => list.map(([from, lasting]) => interruption('stalled', from, from + lasting)));

describe('a result', () => {
  it.each([
    { found: ok, stalled: 'ok', suspended: 'ok' },
    { found: failed('http-500'), stalled: 'failed http-500', suspended: 'failed http-500' },
    { found: failed('no-valid-host'), stalled: 'failed no-valid-host', suspended: 'failed no-valid-host' },
    { found: failed('connection-refused'), stalled: 'failed connection-refused', suspended: 'void suspended' },
    { found: failed('dns'), stalled: 'failed dns', suspended: 'void suspended' },
    { found: failed('connection-reset'), stalled: 'failed connection-reset', suspended: 'void suspended' },
    { found: failed('response-timeout', true), stalled: 'failed response-timeout', suspended: 'void suspended' },
    { found: failed('spin-up-timeout', true), stalled: 'failed spin-up-timeout', suspended: 'void suspended' },
  ])('$found.outcome $found.cause.kind becomes $stalled by a stall, $suspended by a suspended host', (row) => {
    const { found, stalled, suspended } = row;
    expect(summary(judgeInterrupted(found, [], DURING))).toBe(summary(found));
    expect(summary(judgeInterrupted(found, [interruption('stalled')], DURING))).toBe(stalled);
    expect(summary(judgeInterrupted(found, [interruption('stalled'), interruption('suspended')], DURING))).toBe(
      suspended,
    );
    expect(summary(judgeInterrupted(found, [interruption('clock-step')], DURING))).toBe('void clock-step');
  });

  it('is not changed by stalls, except that it contains their duration', () => {
    const any = fc.constantFrom(ok, ...FAILURE_KINDS.map((kind) => failed(kind)));
    fc.assert(
      fc.property(any, anyStalls, (found, stalls) => {
        const { stages, ...judged } = judgeInterrupted(found, stalls, DURING);
        const { stages: before, ...rest } = found;
        expect(judged).toEqual(rest);
        const inside = stalls.some(({ from, until }) => from < DURING.until && until > DURING.from);
        expect(stalledFor({ stages }) > 0).toBe(inside);
        expect(stalledFor({ stages })).toBeLessThanOrEqual(8000);
        expect(stages).toMatchObject(before);
      }),
    );
  });

  it.each([
    ['connection-refused', 60_000, false],
    ['http-500', 60_000, false],
    ['invalid-body', 60_000, false],
    ['connection-reset', 400, false],
    ['connection-reset', 5000, true],
    ['truncated-body', 4999, false],
    ['truncated-body', 60_000, true],
    ['connect-timeout', 0, false],
    ['connect-timeout', 400, true],
  ] as const)('%s with a stall of %d ms could be caused by it: %s', (kind, stalledMs, expected) => {
    expect(couldBeCausedByStall(kind, stalledMs)).toBe(expected);
  });
});

const stalled = (sample: Sample, millis: number): Sample => ({
  ...sample,
  stages: { ...sample.stages, stalled: millis / 1000 },
});

/** Any samples, each with and without a stall. */
const anySamples = fc
  .array(
    fc.record({
      ok: fc.boolean(),
      took: fc.integer({ min: 0, max: 3000 }),
      stalledMs: fc.option(fc.integer({ min: 1, max: 3000 }), { nil: 0 }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((list) =>
    list.map(({ ok: isOk, took, stalledMs }, seq) => {
      const place = { seq, at: (seq + 1) * 1000 };
      const [fast, slow] = [took, took + stalledMs].map((millis) =>
        isOk ? okSample(place, millis) : failedSample(place, { took: millis }),
      );
      if (fast === undefined || slow === undefined) throw new Error('expected two samples');
      return { calm: fast, stalled: stalledMs === 0 ? slow : stalled(slow, stalledMs) };
    }),
  );

describe('a series with stalled samples', () => {
  const replay = (samples: readonly Sample[]) => {
    const state = createSeriesState(SERIES, 0);
    for (const sample of samples) state.accept(sample);
    return state;
  };

  it('has the same samples, outages and unobserved time as without stalls, and wider brackets', () => {
    fc.assert(
      fc.property(anySamples, (list) => {
        const [calm, disturbed] = [replay(list.map((one) => one.calm)), replay(list.map((one) => one.stalled))];
        const [before, after] = [calm.totals(100_000), disturbed.totals(100_000)];
        expect(after.samples).toEqual(before.samples);
        expect(after.windows).toBe(before.windows);
        expect(after.gaps).toEqual(before.gaps);
        const down = (state: typeof calm) => state.windows(100_000).filter(({ kind }) => kind === 'down');
        for (const [index, window] of down(disturbed).entries()) {
          const { start, end } = down(calm)[index] ?? window;
          expect(window.start.earliest).toBeLessThanOrEqual(start.earliest);
          expect(window.start.latest).toBeGreaterThanOrEqual(start.latest);
          expect(window.end?.earliest ?? 0).toBeLessThanOrEqual(end?.earliest ?? 0);
          expect(window.end?.latest ?? 0).toBeGreaterThanOrEqual(end?.latest ?? 0);
        }
      }),
    );
  });

  it('does not count stalls as latency', () => {
    const state = replay([
      okSample({ seq: 0, at: 1000 }, 500),
      stalled(okSample({ seq: 1, at: 2000 }, 1500), 1400),
      okSample({ seq: 2, at: 3000 }, 750),
    ]);
    expect(state.windows(4000)).toEqual([]);
    expect(state.totals(4000)).toMatchObject({ samples: { ok: 3, void: 0 } });
    expect(state.latency()).toMatchObject({ p50: 0.5, max: 0.75 });
    const traced = state.trace.during([{ from: 0, until: 4000 }]);
    expect({ ...traced, seconds: [...traced.seconds] }).toMatchObject({ ok: 3, void: 0, seconds: [0.5, 0.75] });
  });

  it('is degraded by a sample that is slow even without its stall', () => {
    const state = replay([stalled(okSample({ seq: 0, at: 1000 }, 3000), 400), okSample({ seq: 1, at: 5000 }, 40)]);
    expect(state.windows(6000)).toMatchObject([{ kind: 'degraded' }]);
  });

  it('neither closes nor extends a degraded window by a sample that may have been slow', () => {
    const state = replay([
      okSample({ seq: 0, at: 1000 }, 40),
      okSample({ seq: 1, at: 2000 }, 2000),
      stalled(okSample({ seq: 2, at: 3000 }, 1300), 400),
      okSample({ seq: 3, at: 4000 }, 2000),
      okSample({ seq: 4, at: 5000 }, 40),
    ]);
    expect(state.windows(6000)).toMatchObject([{ kind: 'degraded', failedSamples: 2, end: { earliest: 4000 } }]);
  });

  it('takes no exact time from a request that was cut off during a stall', () => {
    const cut = failedSample({ seq: 1, at: 2000 }, { took: 800, kind: 'truncated-body' });
    const rest = [failedSample({ seq: 2, at: 3000 }, { took: 5 }), okSample({ seq: 3, at: 4000 })];
    const first = okSample({ seq: 0, at: 1000 }, 20);
    const startOf = (samples: readonly Sample[]) => replay(samples).windows(6000)[0]?.start;
    expect(startOf([first, cut, ...rest])).toEqual({ earliest: 1000, estimate: 2800, latest: 2800 });
    expect(startOf([first, stalled(cut, 400), ...rest])).toEqual({ earliest: 1000, estimate: 1500, latest: 2800 });
  });

  it('has a chart without stalls', () => {
    const chart = createChart(0, [SERIES]);
    chart.add(stalled(okSample({ seq: 0, at: 1000 }, 1500), 1400));
    expect(chart.toApi().series[0]).toMatchObject({ took: [100], outcomes: 'o' });
  });
});

describe('unobserved time after a boot', () => {
  it('starts at the last time at which the boot proves the service up', () => {
    const state = createSeriesState({ ...SERIES, validFor: 30_000 }, 0);
    state.accept({
      ...okSample({ seq: 0, at: 0 }, 6000),
      outcome: 'ok',
      cause: null,
      lastKnownUpAt: 5900,
      settledAt: 6000,
    });
    state.endSession(8000);
    state.beginSession(SERIES);
    state.accept(okSample({ seq: 0, at: 20_000, session: 2 }));
    expect(state.gaps(20_100)).toEqual([{ from: 5900, until: 20_000 }]);
  });
});
