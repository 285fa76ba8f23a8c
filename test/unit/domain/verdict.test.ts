import { describe, expect, it } from 'vitest';
import { createRunState } from '../../../src/domain/run/run-state.ts';
import type { Series } from '../../../src/domain/sample.ts';
import type { Budget, Plan } from '../../../src/domain/upgrade/plan.ts';
import { compareWithLimit, type VerdictResult } from '../../../src/domain/upgrade/verdict.ts';
import { describeProbes } from '../../../src/probes/registry.ts';
import { failedSample, okSample, SERIES, voidSample } from '../../support/samples.ts';

describe('the result of a budget if', () => {
  it.each<[string, { min: number; estimate: number; max: number } | null, number, VerdictResult]>([
    ['the maximum is within the limit', { min: 0, estimate: 1, max: 2 }, 2, 'pass'],
    ['only the maximum exceeds it', { min: 0, estimate: 1, max: 2 }, 1.5, 'not-proven'],
    ['the estimate exceeds it, the minimum does not', { min: 0, estimate: 1, max: 2 }, 0.5, 'not-proven'],
    ['even the minimum exceeds it', { min: 1, estimate: 1.5, max: 2 }, 0.5, 'fail'],
    ['the minimum is equal to it', { min: 1, estimate: 1, max: 1 }, 1, 'pass'],
    ['it could not be measured', null, 1, 'not-proven'],
  ])('%s', (_what, measured, limit, result) => {
    expect(compareWithLimit(measured, limit)).toBe(result);
  });
});

const series: Series = { ...SERIES, probe: 'server-list', connection: 'new' };

type Letter = 'o' | 's' | 'f' | 'v';

/** One sample per second from second 1: o ok in 40 ms, s ok in 120 ms, f failed at once, v void. */
function judged(
  letters: string,
  {
    phases,
    budget = {},
    ...whole
  }: { phases: Readonly<Record<number, string>>; budget?: Budget; run?: Budget; outside?: Budget },
) {
  const plan: Plan = {
    name: 'plan',
    description: '',
    ...whole,
    phases: ['first', 'second', 'never'].map((name) => ({ name, promise: '', begins: { task: [], tag: [] }, budget })),
  };
  const state = createRunState({ run: 'r', version: '0', overall: ['server-list'], probes: describeProbes(), plan });
  const session = { id: 1, startedAt: 0, aliveAt: 0, ended: false, version: '0', vantage: 'here', facts: {} };
  state.openSession(session, [series]);
  for (const [second, name] of Object.entries(phases))
    state.accept({ type: 'phase', phase: { name, at: Number(second) * 1000 } });
  [...letters].forEach((letter, seq) => {
    const place = { seq, at: (seq + 1) * 1000 };
    const create: Record<
      Letter,
      () => ReturnType<typeof okSample> | ReturnType<typeof failedSample> | ReturnType<typeof voidSample>
    > = {
      o: () => okSample(place, 40),
      s: () => okSample(place, 120),
      f: () => failedSample(place, { took: 0 }),
      v: () => voidSample(place, 0),
    };
    state.accept({ type: 'sample', sample: { ...create[letter as Letter](), connection: 'new' } });
  });
  const end = (letters.length + 1) * 1000;
  state.closeSession(end, true);
  const { verdict, windows } = state.report(end);
  return { verdict, windows, phase: (name: string) => verdict.phases.find((one) => one.name === name) };
}

describe('a phase', () => {
  it('is judged by the downtime while it was under way only', () => {
    const { phase, windows, verdict } = judged('oooofffffooooooo', {
      phases: { 3: 'first', 7: 'second' },
      budget: { api_downtime: 2, consecutive_failures: 1 },
    });
    // Down from between 4 and 5 to between 9 and 10; the second phase starts at 7.
    expect(windows.map((one) => one.phase)).toEqual(['first']);
    expect(phase('first')?.measures).toMatchObject({
      elapsed: 4,
      api_downtime: { min: 2, estimate: 2.5, max: 3 },
      consecutive_failures: { min: 2, estimate: 2, max: 2 },
      error_ratio: { min: 0.5, estimate: 0.5, max: 0.5 },
      recovery: { min: 2, estimate: 2.5, max: 3.04 },
    });
    expect(phase('second')?.measures).toMatchObject({
      elapsed: 10,
      api_downtime: { min: 2, estimate: 2.5, max: 3.04 },
      longest_window: { min: 2, estimate: 2.5, max: 3.04 },
      recovery: { min: 0, estimate: 0, max: 0 },
    });
    expect(phase('first')?.budgets.map(({ name, result }) => [name, result])).toEqual([
      ['api_downtime', 'not-proven'],
      ['consecutive_failures', 'fail'],
    ]);
    expect([phase('first')?.result, phase('never')?.result, phase('never')?.intervals]).toEqual(['fail', null, []]);
    expect(verdict).toMatchObject({ plan: 'plan', result: 'fail' });
  });

  it('passes if nothing failed', () => {
    const { verdict } = judged('oooooooo', { phases: { 2: 'first' }, budget: { api_downtime: 0, error_ratio: 0 } });
    expect(verdict.result).toBe('pass');
  });

  it('is not proven if part of it was unobserved', () => {
    const { phase } = judged('ooovvvoooo', { phases: { 2: 'first' }, budget: { api_downtime: 0, error_ratio: 0 } });
    expect(phase('first')?.measures).toMatchObject({
      api_downtime: { min: 0, estimate: 0, max: 0 },
      unobserved: { api_downtime: 3, error_ratio: 0 },
      error_ratio: { min: 0, estimate: 0, max: 3 / 9 },
    });
    expect(phase('first')?.result).toBe('not-proven');
  });

  it('has the slowdown of its median latency against the time before the first phase', () => {
    const { phase } = judged(`${'o'.repeat(20)}${'s'.repeat(20)}`, {
      phases: { 21: 'first' },
      budget: { slowdown: 2 },
    });
    const slowdown = phase('first')?.measures?.slowdown;
    expect([slowdown?.min, slowdown?.estimate, slowdown?.max].map((one) => one?.toFixed(3))).toEqual([
      '3.000',
      '3.000',
      '3.000',
    ]);
    expect(phase('first')?.result).toBe('fail');
    expect(phase('first')?.measures?.series).toMatchObject([
      { before: { p50: expect.closeTo(0.04) }, during: { p99: expect.closeTo(0.12) } },
    ]);
  });

  it('has no slowdown without a baseline, which is not proven', () => {
    const { phase } = judged('ooooooooo', { phases: { 0: 'first' }, budget: { slowdown: 2 } });
    expect(phase('first')?.measures?.slowdown).toBeNull();
    expect(phase('first')?.result).toBe('not-proven');
  });

  it('is not judged if it was started by hand and is not in the plan', () => {
    const { phase, verdict } = judged('ooofffooo', { phases: { 2: 'lunch' }, budget: { api_downtime: 0 } });
    expect(phase('lunch')).toMatchObject({ planned: false, budgets: [], result: 'not-judged' });
    expect(verdict.phases.map(({ name }) => name)).toEqual(['first', 'second', 'never', 'lunch']);
    expect(verdict).toMatchObject({ result: 'not-judged', judged: [] });
    expect(verdict.notJudged).toContainEqual({ name: 'lunch', reason: 'not-in-plan' });
  });

  it('is listed as judged, or with the reason why not', () => {
    const { verdict } = judged('ooooooooo', { phases: { 2: 'first', 5: 'second' }, budget: { api_downtime: 0 } });
    expect(verdict).toMatchObject({
      result: 'pass',
      judged: ['first', 'second'],
      notJudged: [{ name: 'never', reason: 'never-started' }],
    });
  });

  it('is not judged if none started, and the time outside decides only if it fails', () => {
    const budget = { api_downtime: 0 };
    expect(judged('ooofffooo', { phases: {}, budget }).verdict.result).toBe('not-judged');
    expect(judged('ooooooooo', { phases: {}, budget, outside: budget }).verdict.result).toBe('not-judged');
    expect(judged('ooofffooo', { phases: {}, budget, outside: budget }).verdict.result).toBe('fail');
    expect(judged('ooofffooo', { phases: {}, budget, run: budget }).verdict.result).toBe('fail');
  });

  it('is not judged without a budget', () => {
    const { verdict, phase } = judged('ooooooooo', { phases: { 2: 'first' } });
    expect(phase('first')?.result).toBe('not-judged');
    expect(verdict).toMatchObject({ result: 'not-judged', judged: [] });
  });

  it('is not proven for a budget whose probe did not run', () => {
    const { phase } = judged('ooooooooo', { phases: { 2: 'first' }, budget: { boot_downtime: 0, api_downtime: 0 } });
    expect(phase('first')?.budgets.map(({ name, measured, result }) => [name, measured?.max ?? null, result])).toEqual([
      ['api_downtime', 0, 'pass'],
      ['boot_downtime', null, 'not-proven'],
    ]);
  });

  it('does not include outages before or after it, which belong to the time outside every phase', () => {
    const budget = { api_downtime: 0 };
    const { verdict } = judged('ooofffoooooofffoooo', {
      phases: { 8: 'first', 11: 'end' },
      budget,
      outside: { api_downtime: 1 },
      run: { api_downtime: 10 },
    });
    expect(verdict.phases[0]).toMatchObject({ name: 'first', result: 'pass' });
    const measures = { api_downtime: { min: expect.closeTo(6 - 1.96 * Math.sqrt(4 / 12), 9), estimate: 6 } };
    expect(verdict.outside).toMatchObject({ result: 'fail', measures });
    expect(verdict.outside?.windows).toHaveLength(2);
    expect(verdict.run).toMatchObject({ result: 'pass', measures });
    expect(verdict).toMatchObject({ result: 'fail', judged: ['first', verdict.outside?.name, verdict.run?.name] });
  });

  it('is not affected by unobserved time outside every phase', () => {
    const budget = { api_downtime: 0 };
    const { verdict } = judged('ooovvvooooo', { phases: { 8: 'first' }, budget, outside: budget });
    expect(verdict.outside?.result).toBe('pass');
  });

  it('has a baseline without outages', () => {
    const calm = judged('oooooooooooooooooooooooooo', { phases: { 14: 'first' } });
    const broken = judged('oooooooooosfffsooooooooooo', { phases: { 16: 'first' } });
    const median = ({ phase }: typeof calm) => phase('first')?.measures?.series[0]?.before;
    expect(median(broken)).toEqual(median(calm));
    // Nor is an answer in flight when an outage ended part of the baseline.
    const late = judged(`${'o'.repeat(10)}sfsfsfsfsfsfsooooooooooo`, { phases: { 24: 'first' } });
    expect(median(late)?.p50).toBeCloseTo(0.04, 6);
  });
});
