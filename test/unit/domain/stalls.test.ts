import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createChart } from '../../../src/api/chart.ts';
import { FAILURE_KINDS } from '../../../src/domain/cause.ts';
import { createAccount } from '../../../src/domain/downtime/series-state.ts';
import { couldBeOurs, type Interruption, judgeInterrupted, stalledFor } from '../../../src/domain/downtime/stalls.ts';
import type { ProbeResult } from '../../../src/domain/ports.ts';
import type { FailedSample, Sample } from '../../../src/domain/sample.ts';
import { failedSample, okSample, SERIES } from '../../support/samples.ts';

const nothing = { stages: { first_byte: 0.4 }, requestId: 'req-1', serverId: null };
const DURING = { from: 1000, until: 9000 };

const ok: ProbeResult = { ...nothing, outcome: 'ok', cause: null, upUntil: 1000, settledAt: 8000 };
const failed = (kind: FailedSample['cause']['kind'], hung = false): ProbeResult => ({
  ...nothing,
  outcome: 'failed',
  cause: { kind, service: 'nova-api', message: kind },
  upUntil: null,
  brokeAt: 1000,
  settledAt: 8000,
  hung,
});
const over = (kind: Interruption['kind'], from = 2000, until = 2400): Interruption => ({ kind, from, until });

const brief = ({ outcome, cause }: ProbeResult) => (cause === null ? outcome : `${outcome} ${cause.kind}`);

const anyStalls = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 10_000 }), fc.integer({ min: 1, max: 10_000 })), { maxLength: 8 })
  .map((list) => list.map(([from, lasting]) => over('stalled', from, from + lasting)));

describe('a finding', () => {
  it.each([
    { found: ok, stalled: 'ok', suspended: 'ok' },
    { found: failed('http-500'), stalled: 'failed http-500', suspended: 'failed http-500' },
    { found: failed('no-valid-host'), stalled: 'failed no-valid-host', suspended: 'failed no-valid-host' },
    { found: failed('connection-refused'), stalled: 'failed connection-refused', suspended: 'void suspended' },
    { found: failed('dns'), stalled: 'failed dns', suspended: 'void suspended' },
    { found: failed('connection-reset'), stalled: 'failed connection-reset', suspended: 'void suspended' },
    { found: failed('response-timeout', true), stalled: 'failed response-timeout', suspended: 'void suspended' },
    { found: failed('spin-up-timeout', true), stalled: 'failed spin-up-timeout', suspended: 'void suspended' },
  ])('of $found.outcome $found.cause.kind is $stalled after a stall, $suspended after a sleep', (row) => {
    const { found, stalled, suspended } = row;
    expect(brief(judgeInterrupted(found, [], DURING))).toBe(brief(found));
    expect(brief(judgeInterrupted(found, [over('stalled')], DURING))).toBe(stalled);
    expect(brief(judgeInterrupted(found, [over('stalled'), over('suspended')], DURING))).toBe(suspended);
    expect(brief(judgeInterrupted(found, [over('clock-step')], DURING))).toBe('void clock-step');
  });

  it('is what it was, whatever the stalls, and says for how long of it our loop stood still', () => {
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
  ] as const)('of %s with a stall of %d ms could be ours: %s', (kind, stood, ours) => {
    expect(couldBeOurs(kind, stood)).toBe(ours);
  });
});

const stalled = (sample: Sample, millis: number): Sample => ({
  ...sample,
  stages: { ...sample.stages, stalled: millis / 1000 },
});

/** Any samples, and how long of each our loop stood still. */
const anySamples = fc
  .array(
    fc.record({
      good: fc.boolean(),
      took: fc.integer({ min: 0, max: 3000 }),
      stood: fc.option(fc.integer({ min: 1, max: 3000 }), { nil: 0 }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((list) =>
    list.map(({ good, took, stood }, seq) => {
      const place = { seq, at: (seq + 1) * 1000 };
      const [fast, slow] = [took, took + stood].map((millis) =>
        good ? okSample(place, millis) : failedSample(place, { took: millis }),
      );
      if (fast === undefined || slow === undefined) throw new Error('two samples');
      return { calm: fast, stalled: stood === 0 ? slow : stalled(slow, stood) };
    }),
  );

describe('the account of a series whose samples were stalled', () => {
  const book = (samples: readonly Sample[]) => {
    const account = createAccount(SERIES, 0);
    for (const sample of samples) account.accept(sample);
    return account;
  };

  it('counts the same samples, outages and unobserved time as without the stalls, in wider brackets', () => {
    fc.assert(
      fc.property(anySamples, (list) => {
        const [calm, disturbed] = [book(list.map((one) => one.calm)), book(list.map((one) => one.stalled))];
        const [before, after] = [calm.summary(100_000), disturbed.summary(100_000)];
        expect(after.samples).toEqual(before.samples);
        expect(after.windows).toBe(before.windows);
        expect(after.gaps).toEqual(before.gaps);
        const down = (account: typeof calm) => account.windows(100_000).filter(({ kind }) => kind === 'down');
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

  it('does not take the stalls for slow answers', () => {
    const account = book([
      okSample({ seq: 0, at: 1000 }, 500),
      stalled(okSample({ seq: 1, at: 2000 }, 1500), 1400),
      okSample({ seq: 2, at: 3000 }, 750),
    ]);
    expect(account.windows(4000)).toEqual([]);
    expect(account.summary(4000)).toMatchObject({ samples: { ok: 3, void: 0 }, latency: { p50: 0.5, max: 0.75 } });
    const traced = account.trace.during([{ from: 0, until: 4000 }]);
    expect({ ...traced, seconds: [...traced.seconds] }).toMatchObject({ ok: 3, void: 0, seconds: [0.5, 0.75] });
  });

  it('knows an answer as slow that was so without the stall, too', () => {
    const account = book([stalled(okSample({ seq: 0, at: 1000 }, 3000), 400), okSample({ seq: 1, at: 5000 }, 40)]);
    expect(account.windows(6000)).toMatchObject([{ kind: 'degraded' }]);
  });

  it('neither ends nor prolongs slowness by an answer that may or may not have been slow', () => {
    const account = book([
      okSample({ seq: 0, at: 1000 }, 40),
      okSample({ seq: 1, at: 2000 }, 2000),
      stalled(okSample({ seq: 2, at: 3000 }, 1300), 400),
      okSample({ seq: 3, at: 4000 }, 2000),
      okSample({ seq: 4, at: 5000 }, 40),
    ]);
    expect(account.windows(6000)).toMatchObject([{ kind: 'degraded', failedSamples: 2, end: { earliest: 4000 } }]);
  });

  it('takes no moment from a request that was cut off while our loop stood still', () => {
    const cut = failedSample({ seq: 1, at: 2000 }, { took: 800, kind: 'truncated-body' });
    const rest = [failedSample({ seq: 2, at: 3000 }, { took: 5 }), okSample({ seq: 3, at: 4000 })];
    const first = okSample({ seq: 0, at: 1000 }, 20);
    const startOf = (samples: readonly Sample[]) => book(samples).windows(6000)[0]?.start;
    expect(startOf([first, cut, ...rest])).toEqual({ earliest: 1000, estimate: 2800, latest: 2800 });
    expect(startOf([first, stalled(cut, 400), ...rest])).toEqual({ earliest: 1000, estimate: 1500, latest: 2800 });
  });

  it('is drawn without them', () => {
    const chart = createChart(0, [SERIES]);
    chart.add(stalled(okSample({ seq: 0, at: 1000 }, 1500), 1400));
    expect(chart.face().series[0]).toMatchObject({ took: [100], outcomes: 'o' });
  });
});

describe('unobserved time after a boot', () => {
  it('begins where the boot proves the service up no more', () => {
    const account = createAccount({ ...SERIES, cover: 30_000 }, 0);
    account.accept({
      ...okSample({ seq: 0, at: 0 }, 6000),
      outcome: 'ok',
      cause: null,
      upUntil: 5900,
      settledAt: 6000,
    });
    account.endSession(8000);
    account.beginSession(SERIES);
    account.accept(okSample({ seq: 0, at: 20_000, session: 2 }));
    expect(account.gaps(20_100)).toEqual([{ from: 5900, until: 20_000 }]);
  });
});
