import { describe, expect, it } from 'vitest';
import { planText } from '../../../src/config/plan-text.ts';
import type { Plan, PlannedPhase } from '../../../src/domain/upgrade/plan.ts';
import { checkPlan } from '../../../src/domain/upgrade/plan-check.ts';
import { planFromTasks } from '../../../src/domain/upgrade/plan-from-tasks.ts';
import type { Task } from '../../../src/domain/upgrade/task.ts';
import { selector, task } from '../../support/tasks.ts';

const phase = (name: string, facts: Partial<PlannedPhase> = {}): PlannedPhase => ({
  name,
  promise: '',
  begins: [],
  ends: [],
  budget: {},
  ...facts,
});
const planOf = (name: string, ...phases: readonly PlannedPhase[]): Plan => ({ name, description: '', phases });

const PLAN = planOf(
  'plan',
  phase('maintenance', { begins: [selector({ task: ['Stop services'], play: ['Control*'] })] }),
  phase('computes', { begins: [selector({ task: ['Stop services'], play: ['Compute*'] })] }),
  phase('acceptance'),
);

const at = (second: number, name: string, facts: Partial<Task> = {}): Task =>
  task({ id: `t-${second}`, name, start: second * 1000, end: second * 1000 + 500, ...facts });

describe('the check of a plan', () => {
  it('names the task and the time that each phase begins with', () => {
    const tasks = [
      at(1, 'Stop services', { play: 'Control plane' }),
      at(3, 'Other'),
      at(5, 'Stop services', { play: 'Compute nodes' }),
    ];
    const { phases, isComplete } = checkPlan(PLAN, tasks);
    expect(phases.map(({ task: found, intervals, isByHand }) => [found?.id, intervals[0]?.from, isByHand])).toEqual([
      ['t-1', 1000, false],
      ['t-5', 5000, false],
      [undefined, undefined, true],
    ]);
    expect(isComplete).toBe(true);
  });

  it.each([
    ['its play differs', at(2, 'Stop services', { play: 'Roll' }), 'play'],
    ['its name differs slightly', at(2, 'Stop servcies', { play: 'Compute nodes' }), 'task'],
    ['its name has more words', at(2, 'Stop the services of Nova', { play: 'Compute nodes' }), 'task'],
    ['every host skipped it', at(2, 'Stop services', { play: 'Compute nodes', hosts: [] }), 'skipped'],
    ['it was a dry run', at(2, 'Stop services', { play: 'Compute nodes', status: 'dry-run' }), 'dry-run'],
  ])('names a task that nearly begins a phase: %s', (_what, near, obstacle) => {
    const { phases, isComplete } = checkPlan(PLAN, [at(1, 'Stop services', { play: 'Control plane' }), near]);
    expect(phases[1]?.near.find(({ task: found }) => found.id === 't-2')).toEqual({ task: near, obstacle });
    expect(isComplete).toBe(false);
  });

  it('says if a task came too late, after a phase that follows', () => {
    const tasks = [
      at(1, 'Stop services', { play: 'Compute nodes' }),
      at(2, 'Stop services', { play: 'Control plane' }),
    ];
    const [maintenance] = checkPlan(PLAN, tasks).phases;
    expect(maintenance?.near[0]).toEqual({ task: tasks[1], obstacle: 'order' });
  });

  it('names no task that has little in common with a phase', () => {
    const names = ['Gather facts', 'Start services', 'Send SIGHUP to all nova services', 'Copy the configuration'];
    const tasks = names.map((name, index) => at(index, name));
    expect(checkPlan(PLAN, tasks).phases.map(({ near }) => near)).toEqual([[], [], []]);
  });

  it('names no task for a phase that begins with a tag that no task has', () => {
    const tagged = planOf('plan', phase('a', { begins: [selector({ tag: ['nova'] })] }));
    expect(checkPlan(tagged, [at(1, 'Stop services')]).phases[0]?.near).toEqual([]);
  });
});

describe('a plan from the tasks of an upgrade', () => {
  const tasks = [
    at(1, 'Expand', { role: 'db' }),
    at(2, 'Stop services', { role: 'os_nova', play: 'Control plane' }),
    at(5, 'Stop services', { role: 'os_nova', play: 'Compute nodes' }),
  ];
  const start = phase('pre-maintenance', { begins: [selector({ task: ['exp*'] })] });
  const other = planOf('other', start, phase('maintenance', { begins: [selector({ task: ['Never'] })] }));
  const nameless = phase('pre-maintenance', { begins: [selector({ task: ['migrate'] })] });

  it('is the known plan that recognises the most, with the tasks that began its phases', () => {
    const known = planOf('known', nameless, ...PLAN.phases);
    const { plan, base } = planFromTasks(tasks, { name: 'our', plans: [other, known] });
    expect([plan.name, base.name]).toEqual(['our', 'known']);
    expect(plan.phases.map(({ name, begins }) => [name, begins])).toEqual([
      ['pre-maintenance', [selector({ task: ['Expand'], role: ['db'] })]],
      ['maintenance', [selector({ task: ['Stop services'], role: ['os_nova'], play: ['Control plane'] })]],
      ['computes', [selector({ task: ['Stop services'], role: ['os_nova'], play: ['Compute nodes'] })]],
      ['acceptance', []],
    ]);
    expect(checkPlan(plan, tasks).isComplete).toBe(true);
  });

  it('keeps the beginning of a phase that no task began', () => {
    const { plan } = planFromTasks(tasks.slice(1), { name: 'our', plans: [planOf('known', nameless, ...PLAN.phases)] });
    expect(plan.phases[0]).toEqual(nameless);
  });

  it('leaves out what would begin an earlier phase as well', () => {
    const late = phase('finish', { begins: [selector({ task: ['stop *'] }), selector({ task: ['unpin'] })] });
    const known = planOf('known', nameless, ...PLAN.phases, late);
    const { plan } = planFromTasks(tasks, { name: 'our', plans: [known, other] });
    expect(plan.phases.map(({ name, begins }) => [name, begins.flatMap((begin) => begin.task)])).toEqual([
      ['pre-maintenance', ['Expand']],
      ['maintenance', ['Stop services']],
      ['computes', ['Stop services']],
      ['acceptance', []],
      ['finish', ['unpin']],
    ]);
  });

  it('is written with its budgets as a plan file has them', () => {
    const budget = { api_downtime: 90, boot_downtime: 240, error_ratio: 0.005, slowdown: 2.5, consecutive_failures: 0 };
    const plan = planOf('our', phase('a', { budget, begins: [selector({ task: ['x: y', '*'], role: ['r'] })] }));
    const text = planText(plan, { comment: 'Two\nlines.', phaseComments: new Map([['a', 'Why.']]) });
    expect(text).toBe(`# Two
# lines.

name: our
phases:
  # Why.
  - name: a
    begins:
      task:
        - "x: y"
        - "*"
      role:
        - r
    budget:
      api_downtime: 90s
      boot_downtime: 4m
      consecutive_failures: 0
      error_ratio: 0.5%
      slowdown: 2.5
`);
  });
});
