import { describe, expect, it } from 'vitest';
import { createObservation } from '../../../src/domain/run/run-state.ts';
import type { Series } from '../../../src/domain/sample.ts';
import type { Budget, Plan } from '../../../src/domain/upgrade/plan.ts';
import { compare, type Result } from '../../../src/domain/upgrade/verdict.ts';
import { failedSample, okSample, SERIES, voidSample } from '../../support/samples.ts';

describe('a budget', () => {
  it.each<[string, { min: number; estimate: number; max: number } | null, number, Result]>([
    ['the most is within', { min: 0, estimate: 1, max: 2 }, 2, 'pass'],
    ['only the most is over', { min: 0, estimate: 1, max: 2 }, 1.5, 'not-proven'],
    ['the estimate is over, the least is not', { min: 0, estimate: 1, max: 2 }, 0.5, 'not-proven'],
    ['even the least is over', { min: 1, estimate: 1.5, max: 2 }, 0.5, 'fail'],
    ['the least is just as much', { min: 1, estimate: 1, max: 1 }, 1, 'pass'],
    ['nobody could measure it', null, 1, 'not-proven'],
  ])('%s', (_what, measured, limit, result) => {
    expect(compare(measured, limit)).toBe(result);
  });
});

const series: Series = { ...SERIES, probe: 'server-list', connection: 'new' };

type Letter = 'o' | 's' | 'f' | 'v';

/** A sample a second from second 1 on: ok in 40 ms, ok in 120 ms, failed at once, void. */
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
  const observation = createObservation({ run: 'r', version: '0', overall: ['server-list'], plan });
  const session = { id: 1, startedAt: 0, aliveAt: 0, ended: false, version: '0', vantage: 'here', facts: {} };
  observation.openSession(session, [series]);
  for (const [second, name] of Object.entries(phases))
    observation.accept({ type: 'phase', phase: { name, at: Number(second) * 1000 } });
  [...letters].forEach((letter, seq) => {
    const place = { seq, at: (seq + 1) * 1000 };
    const made: Record<
      Letter,
      () => ReturnType<typeof okSample> | ReturnType<typeof failedSample> | ReturnType<typeof voidSample>
    > = {
      o: () => okSample(place, 40),
      s: () => okSample(place, 120),
      f: () => failedSample(place, { took: 0 }),
      v: () => voidSample(place, 0),
    };
    observation.accept({ type: 'sample', sample: { ...made[letter as Letter](), connection: 'new' } });
  });
  const end = (letters.length + 1) * 1000;
  observation.closeSession(end, true);
  const { verdict, windows } = observation.report(end);
  return { verdict, windows, phase: (name: string) => verdict.phases.find((one) => one.name === name) };
}

describe('a phase', () => {
  it('costs what was down while it was under way, and no more', () => {
    const { phase, windows, verdict } = judged('oooofffffooooooo', {
      phases: { 3: 'first', 7: 'second' },
      budget: { api_downtime: 2, consecutive_failures: 1 },
    });
    // down from between 4 and 5 to between 9 and 10; the phases meet at 7
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
    expect([phase('first')?.result, phase('never')?.result, phase('never')?.stretches]).toEqual(['fail', null, []]);
    expect(verdict).toMatchObject({ plan: 'plan', result: 'fail' });
  });

  it('passes what it promised when nothing failed', () => {
    const { verdict } = judged('oooooooo', { phases: { 2: 'first' }, budget: { api_downtime: 0, error_ratio: 0 } });
    expect(verdict.result).toBe('pass');
  });

  it('is not proven where nobody looked', () => {
    const { phase } = judged('ooovvvoooo', { phases: { 2: 'first' }, budget: { api_downtime: 0, error_ratio: 0 } });
    expect(phase('first')?.measures).toMatchObject({
      api_downtime: { min: 0, estimate: 0, max: 3 },
      error_ratio: { min: 0, estimate: 0, max: 3 / 9 },
    });
    expect(phase('first')?.result).toBe('not-proven');
  });

  it('is as slow as its median answer by that of the time before the first phase', () => {
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

  it('has no slowdown without a baseline, so none is proven', () => {
    const { phase } = judged('ooooooooo', { phases: { 0: 'first' }, budget: { slowdown: 2 } });
    expect(phase('first')?.measures?.slowdown).toBeNull();
    expect(phase('first')?.result).toBe('not-proven');
  });

  it('that was begun by hand without being planned costs what it likes, and is not judged', () => {
    const { phase, verdict } = judged('ooofffooo', { phases: { 2: 'lunch' }, budget: { api_downtime: 0 } });
    expect(phase('lunch')).toMatchObject({ planned: false, budgets: [], result: 'not-judged' });
    expect(verdict.phases.map(({ name }) => name)).toEqual(['first', 'second', 'never', 'lunch']);
    expect(verdict).toMatchObject({ result: 'not-judged', judged: [] });
    expect(verdict.notJudged).toContainEqual({ name: 'lunch', reason: 'not-in-plan' });
  });

  it('names what it judged and what it could not', () => {
    const { verdict } = judged('ooooooooo', { phases: { 2: 'first', 5: 'second' }, budget: { api_downtime: 0 } });
    expect(verdict).toMatchObject({
      result: 'pass',
      judged: ['first', 'second'],
      notJudged: [{ name: 'never', reason: 'never-began' }],
    });
  });

  it('is no pass where none began, whatever was down', () => {
    const budget = { api_downtime: 0 };
    expect(judged('ooofffooo', { phases: {}, budget }).verdict.result).toBe('not-judged');
    expect(judged('ooooooooo', { phases: {}, budget, outside: budget }).verdict.result).toBe('not-judged');
    expect(judged('ooofffooo', { phases: {}, budget, outside: budget }).verdict.result).toBe('fail');
    expect(judged('ooofffooo', { phases: {}, budget, run: budget }).verdict.result).toBe('fail');
  });

  it('without a budget is not judged, and neither is a plan without any', () => {
    const { verdict, phase } = judged('ooooooooo', { phases: { 2: 'first' } });
    expect(phase('first')?.result).toBe('not-judged');
    expect(verdict).toMatchObject({ result: 'not-judged', judged: [] });
  });

  it('is not proven by what nobody probed', () => {
    const { phase } = judged('ooooooooo', { phases: { 2: 'first' }, budget: { boot_downtime: 0, api_downtime: 0 } });
    expect(phase('first')?.budgets.map(({ name, measured, result }) => [name, measured?.max ?? null, result])).toEqual([
      ['api_downtime', 0, 'pass'],
      ['boot_downtime', null, 'not-proven'],
    ]);
  });

  it('leaves an outage before it, or after the last, to the time outside every phase', () => {
    const budget = { api_downtime: 0 };
    const { verdict } = judged('ooofffoooooofffoooo', {
      phases: { 8: 'first', 11: 'end' },
      budget,
      outside: { api_downtime: 1 },
      run: { api_downtime: 10 },
    });
    expect(verdict.phases[0]).toMatchObject({ name: 'first', result: 'pass' });
    expect(verdict.outside).toMatchObject({ result: 'fail', measures: { api_downtime: { min: 4, estimate: 6 } } });
    expect(verdict.outside?.windows).toHaveLength(2);
    expect(verdict.run).toMatchObject({ result: 'pass', measures: { api_downtime: { min: 4, estimate: 6 } } });
    expect(verdict).toMatchObject({ result: 'fail', judged: ['first', verdict.outside?.name, verdict.run?.name] });
  });

  it('is not held responsible outside every phase for what nobody observed', () => {
    const budget = { api_downtime: 0 };
    const { verdict } = judged('ooovvvooooo', { phases: { 8: 'first' }, budget, outside: budget });
    expect(verdict.outside?.result).toBe('pass');
  });

  it('compares latencies with those of a time without outages', () => {
    const calm = judged('oooooooooooooooooooooooooo', { phases: { 14: 'first' } });
    const broken = judged('oooooooooosfffsooooooooooo', { phases: { 16: 'first' } });
    const median = ({ phase }: typeof calm) => phase('first')?.measures?.series[0]?.before;
    expect(median(broken)).toEqual(median(calm));
    // the answer on its way when the outage ended is part of no baseline either
    const late = judged('ooosfsfsfsfsfsfsooooooooooo', { phases: { 17: 'first' } });
    expect(median(late)?.p50).toBeCloseTo(0.04, 6);
  });
});
