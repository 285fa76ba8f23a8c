/** The report of a run is computed once for each change and moment, and only by those who need it. */

import { describe, expect, it } from 'vitest';
import { isMuchUnobserved } from '../../../src/domain/run/report.ts';
import { createRunState, type RunState } from '../../../src/domain/run/run-state.ts';
import type { Plan } from '../../../src/domain/upgrade/plan.ts';
import { createMetrics } from '../../../src/metrics/metrics.ts';
import { describeProbes } from '../../../src/probes/registry.ts';
import { REPORT_FORMATS } from '../../../src/report/formats.ts';
import { readerOfState } from '../../support/live.ts';
import { failedSample, okSample, SERIES } from '../../support/samples.ts';
import { serve } from '../../support/served.ts';

const NOW = 10_000;
const PHASES = ['first', 'second', 'third'];

/** A run with an outage in the first of three phases, and how often it has been judged. */
function countedRun(): { readonly state: RunState; judged(): number } {
  let judged = 0;
  const budget = { api_downtime: 0 };
  const plan: Plan = {
    name: 'plan',
    description: '',
    phases: PHASES.map((name) => ({ name, promise: '', begins: [], ends: [], budget })),
    // Read once for each judgement, and by nothing else.
    get outside() {
      judged++;
      return { api_downtime: 0 };
    },
  };
  const state = createRunState({ run: 'r', version: '0', overall: ['server-list'], probes: describeProbes(), plan });
  const session = { id: 1, startedAt: 0, aliveAt: 0, ended: false, version: '0', vantage: 'here', facts: {} };
  state.openSession(session, [SERIES]);
  for (const [index, name] of PHASES.entries()) state.accept({ type: 'phase', phase: { name, at: index * 3000 } });
  for (let seq = 0; seq < 10; seq++) {
    const place = { seq, at: seq * 1000 };
    state.accept({ type: 'sample', sample: seq === 1 ? failedSample(place) : okSample(place, 40) });
  }
  return { state, judged: () => judged };
}

/** The members of an object and of all within it that compute a value when they are read. */
const getters = (value: unknown, path = ''): readonly string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(Object.getOwnPropertyDescriptors(value)).flatMap(([name, { get, value: member }]) =>
        get === undefined ? getters(member, `${path}.${name}`) : [`${path}.${name}`],
      );

describe('a report', () => {
  it.each(REPORT_FORMATS.filter(({ draws }) => draws !== true))('is judged once for the format $name', ({ write }) => {
    const { state, judged } = countedRun();
    const report = state.report(NOW);
    write(report, { width: 100, colour: false, strict: false, zone: 'utc', tasks: 'all' });
    expect(judged()).toBe(1);
  });

  it('is made of plain values', () => {
    const { state } = countedRun();
    expect(getters(state.report(NOW))).toEqual([]);
    expect(state.report(NOW).verdict.result).toBe('not-proven');
  });

  it('is computed again after a change and for another moment, and otherwise is the same', () => {
    const { state, judged } = countedRun();
    const first = state.report(NOW);
    expect(state.report(NOW)).toBe(first);
    expect(state.report(NOW + 1)).not.toBe(first);
    const before = state.report(NOW);
    state.accept({ type: 'sample', sample: failedSample({ seq: 10, at: NOW }) });
    expect(before.probes.map(({ samples }) => samples.failed)).toEqual([1]);
    expect(state.report(NOW).probes.map(({ samples }) => samples.failed)).toEqual([2]);
    expect(judged()).toBe(4);
  });
});

describe('a run is not judged', () => {
  it.each([
    ['status', '/api/v1/status'],
    ['windows', '/api/v1/windows'],
    ['readiness', '/readyz'],
    ['tasks', '/api/v1/tasks'],
    ['the chart of tasks', '/api/v1/chart/tasks'],
  ])('for %s', async (_what, path) => {
    const { state, judged } = countedRun();
    await using served = await serve({ run: readerOfState(state, () => NOW) });
    expect((await fetch(`${served.url}${path}`)).status).toBe(path === '/readyz' ? 503 : 200);
    expect(judged()).toBe(0);
  });

  it('more than once for a scrape, whose windows are those of the status', async () => {
    const { state, judged } = countedRun();
    const metrics = createMetrics({ version: '0', probes: describeProbes() });
    let clock = NOW;
    await using served = await serve({ metrics, run: readerOfState(state, () => clock++) });
    expect(await (await fetch(`${served.url}/metrics`)).text()).toContain('rollwatch_budget_result{');
    expect([judged(), clock]).toEqual([1, NOW + 1]);
  });

  it('for an annotation, for which only the time is read', async () => {
    const { state } = countedRun();
    const reader = readerOfState(state, () => NOW);
    const unread = () => {
      throw new Error('read');
    };
    await using served = await serve({ run: { ...reader, live: unread, report: unread, sampling: unread } });
    const answer = await fetch(`${served.url}/api/annotations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'deployed' }),
    });
    expect(answer.status).toBe(200);
  });
});

it.each([
  [1.9, 20, false],
  [2, 20, true],
  // A boot that could not be sent in time.
  [2.5, 66, false],
  [3.3, 66, true],
  [4.9, 600, false],
  [5, 600, true],
  [5, 6000, false],
  [6, 6000, true],
])('%d s of %d s unobserved is worth a remark: %s', (unobserved, total, expected) => {
  expect(isMuchUnobserved({ unobserved, total })).toBe(expected);
});
