import { expect, it } from 'vitest';
import { createRunState } from '../../../src/domain/run/run-state.ts';
import type { Plan } from '../../../src/domain/upgrade/plan.ts';
import type { Task } from '../../../src/domain/upgrade/task.ts';
import { describeProbes } from '../../../src/probes/registry.ts';
import { selector, task } from '../../support/tasks.ts';

const phase = { name: 'maintenance', promise: '', begins: [selector({ task: ['stop*'] })], ends: [], budget: {} };
const PLAN: Plan = { name: 'our', description: '', phases: [phase] };

/** As many tasks as given, evenly over a time in seconds. */
const upgrade = (count: number, seconds: number, facts: Partial<Task> = {}): readonly Task[] =>
  Array.from({ length: count }, (_, index) => {
    const start = (index * seconds * 1000) / (count - 1);
    return task({ id: `t-${index}`, name: `Task ${index}`, start, end: start + 100, ...facts });
  });

function unrecognised(tasks: readonly Task[], { plan = PLAN, marked = false } = {}) {
  const state = createRunState({ run: 'r', version: '0', overall: ['server-list'], probes: describeProbes(), plan });
  for (const reported of tasks) state.accept({ type: 'task', task: reported });
  if (marked) state.accept({ type: 'phase', phase: { name: 'maintenance', at: 1000 } });
  return state.unrecognisedUpgrade();
}

it('an upgrade is unrecognised after 50 tasks in 5 minutes, if no phase has begun', () => {
  expect(unrecognised(upgrade(50, 300))).toEqual({ plan: 'our', tasks: 50, millis: 300_000 });
  expect(unrecognised([...upgrade(50, 300), task({ id: 'x', name: 'stop it', start: 900_000 })])).toBeNull();
});

it.each([
  ['with fewer tasks', upgrade(49, 900), {}],
  ['in less time', upgrade(500, 299), {}],
  ['whose tasks every host skipped', upgrade(100, 900, { hosts: [] }), {}],
  ['that is a dry run', upgrade(100, 900, { status: 'dry-run' }), {}],
  ['with a phase that was begun by hand', upgrade(100, 900), { marked: true }],
  ['whose phases are all begun by hand', upgrade(100, 900), { plan: { ...PLAN, phases: [{ ...phase, begins: [] }] } }],
] as const)('an upgrade %s is not unrecognised', (_what, tasks, options) => {
  expect(unrecognised(tasks, options)).toBeNull();
});
