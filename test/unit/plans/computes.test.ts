/** What a phase of their own for the computes changes in the verdict. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadPlan } from '../../../src/config/plan-file.ts';
import type { FailureKind } from '../../../src/domain/cause.ts';
import { createRunState } from '../../../src/domain/run/run-state.ts';
import type { Sample, Series } from '../../../src/domain/sample.ts';
import type { Plan } from '../../../src/domain/upgrade/plan.ts';
import { describeProbes } from '../../../src/probes/registry.ts';
import { readTaskList } from '../../../src/task-sources/task-list.ts';
import { failedSample, okSample, SERIES, voidSample } from '../../support/samples.ts';

const LISTS: Series = { ...SERIES, probe: 'server-list' };
const BOOTS: Series = { ...SERIES, probe: 'server-boot', connection: '', interval: 5000, validFor: 20_000 };

const UPGRADE = join(import.meta.dirname, 'tasks/openstack-ansible-2026.1.tasks');
const PLAN = loadPlan('openstack-ansible', 'plan', (path) => path);

/** When the tasks run that a user notices, in seconds. Every other task runs in the second after the one before it. */
const CONTROL_PLANE_STOPS = 600;
const COMPUTES_STOP = 1200;
const END = 2000;

const tasks = readTaskList(readFileSync(UPGRADE, 'utf8'), UPGRADE).tasks.flatMap((task) => {
  const isStop = task.role === 'os_nova' && task.name === 'Stop services';
  const isCompute = task.play === 'Install nova compute services';
  if (task.name === 'Restart nova-compute service') return [];
  const start = isStop ? (isCompute ? COMPUTES_STOP : CONTROL_PLANE_STOPS) : task.start;
  const offset = task.play === 'Finalize nova setup' ? 1000 : 0;
  return isStop || !/^Install nova/.test(task.play ?? '') || start < CONTROL_PLANE_STOPS
    ? [{ ...task, start: (start + offset) * 1000, end: (start + offset + 1) * 1000 }]
    : [];
});

type Boots = Readonly<Record<number, FailureKind | 'void'>>;

/** Judges an upgrade whose API is down for 30 s in the maintenance, and during the roll of the computes for `down` s. */
function judged(plan: Plan, { boots = {}, down = 0 }: { readonly boots?: Boots; readonly down?: number }) {
  const state = createRunState({ run: 'r', version: '0', overall: ['server-list'], probes: describeProbes(), plan });
  const session = { id: 1, startedAt: 0, aliveAt: 0, ended: false, version: '0', vantage: 'here', facts: {} };
  state.openSession(session, [LISTS, BOOTS]);
  for (const task of tasks) state.accept({ type: 'task', task });
  const accept = (sample: Sample, { probe, connection }: Series) =>
    state.accept({ type: 'sample', sample: { ...sample, probe, connection } });
  for (let second = 1; second < END; second++) {
    const place = { seq: second - 1, at: second * 1000 };
    const isDown =
      (second >= CONTROL_PLANE_STOPS + 10 && second < CONTROL_PLANE_STOPS + 40) ||
      (second >= COMPUTES_STOP + 20 && second < COMPUTES_STOP + 20 + down);
    accept(isDown ? failedSample(place) : okSample(place, 40), LISTS);
    if (second % 5 !== 0) continue;
    const boot = { ...place, seq: second / 5 - 1 };
    const kind = boots[second];
    const timedOut = kind === 'spin-up-timeout' || kind === 'response-timeout';
    if (kind === 'void') accept(voidSample(boot), BOOTS);
    else accept(kind === undefined ? okSample(boot, 3000) : failedSample(boot, { took: 3000, kind, timedOut }), BOOTS);
  }
  state.closeSession(END * 1000, true);
  const { verdict } = state.report(END * 1000);
  return {
    result: verdict.result,
    phases: verdict.phases.map(({ name, result }) => [name, result]),
    computes: verdict.phases.find(({ name }) => name === 'computes'),
  };
}

describe('the roll of the computes in openstack-ansible', () => {
  const roll = { boots: { [COMPUTES_STOP + 10]: 'server-error' }, down: 5 } as const;

  it('is swallowed by the maintenance, and passes, if the play does not tell them apart', () => {
    const apart = PLAN.phases.map((phase) => ({
      ...phase,
      begins: phase.name === 'maintenance' ? phase.begins.map((selector) => ({ ...selector, play: [] })) : phase.begins,
    }));
    const nameOnly = { ...PLAN, phases: apart.filter(({ name }) => name !== 'computes') };
    expect(judged(nameOnly, roll)).toMatchObject({
      result: 'pass',
      phases: [
        ['pre-maintenance', 'pass'],
        ['maintenance', 'pass'],
        ['finish', 'pass'],
      ],
    });
  });

  it('fails as a phase of its own: the API was down, and a boot ended in ERROR', () => {
    const { result, phases, computes } = judged(PLAN, roll);
    expect([result, phases]).toEqual([
      'fail',
      [
        ['pre-maintenance', 'pass'],
        ['maintenance', 'pass'],
        ['computes', 'fail'],
        ['finish', 'pass'],
      ],
    ]);
    expect(computes?.budgets.map((budget) => [budget.name, budget.result])).toEqual([
      ['api_downtime', 'fail'],
      ['boot_downtime', 'pass'],
      ['failed_boots', 'fail'],
      ['error_ratio', 'fail'],
    ]);
  });

  it.each([
    ['ended in ERROR', 'server-error', 'fail', { min: 1, estimate: 1, max: 1 }],
    ['found no host', 'no-valid-host', 'fail', { min: 1, estimate: 1, max: 1 }],
    ['was refused', 'http-503', 'fail', { min: 1, estimate: 1, max: 1 }],
    ['vanished', 'server-vanished', 'fail', { min: 1, estimate: 1, max: 1 }],
    ['was late', 'spin-up-timeout', 'pass', { min: 0, estimate: 0, max: 0 }],
    ['was deleted late', 'delete-timeout', 'pass', { min: 0, estimate: 0, max: 0 }],
    ['got no answer', 'response-timeout', 'not-proven', { min: 0, estimate: 0, max: 1 }],
    ['is void', 'void', 'not-proven', { min: 0, estimate: 0, max: 1 }],
  ] as const)('is judged by a boot that %s', (_what, kind, result, measured) => {
    const { computes } = judged(PLAN, { boots: { [COMPUTES_STOP + 10]: kind } });
    expect(computes?.budgets.find(({ name }) => name === 'failed_boots')).toMatchObject({
      name: 'failed_boots',
      limit: 0,
      measured,
      result,
    });
  });
});
