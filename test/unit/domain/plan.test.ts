import { describe, expect, it } from 'vitest';
import { createPhaseFinder, phaseAt } from '../../../src/domain/upgrade/phases.ts';
import type { Plan } from '../../../src/domain/upgrade/plan.ts';
import { matches, selectsTask } from '../../../src/domain/upgrade/task-selector.ts';
import { selector, task } from '../../support/tasks.ts';

describe('a pattern of a plan', () => {
  it.each([
    ['Stop nova-api', 'stop NOVA-API ', true],
    ['Stop nova-api', 'Stop nova-api now', false],
    ['*stop*nova-api*', 'Gracefully stop the nova-api service', true],
    ['*stop*nova-api*', 'nova-api: stop', false],
    ['stop*', 'stop', true],
    ['*', '', true],
    ['a*a', 'a', false],
    ['a*b*b', 'ab', false],
    ['a*b*b', 'abb', true],
    ['*.*', 'a+b', false],
    ['', '', true],
  ])('%j and %j: %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });

  it('takes no exponential time to match', () => {
    expect(matches(`${'*a'.repeat(50)}*b`, 'a'.repeat(100_000))).toBe(false);
  });
});

describe('a selector', () => {
  const stop = task({
    name: 'Stop services',
    role: 'os_nova',
    play: 'Install nova compute services',
    playbook: 'nova.yml',
    hosts: ['compute1', 'compute2'],
    groups: ['nova_compute'],
    tags: ['nova'],
  });
  it.each([
    ['a name in the play', { task: ['stop *'], play: ['*compute*'] }, true],
    ['a name in another play', { task: ['stop *'], play: ['*control-plane*'] }, false],
    ['another name in the play', { task: ['start *'], play: ['*compute*'] }, false],
    ['a tag instead of the name', { task: ['start *'], tag: ['nova'], play: ['*compute*'] }, true],
    ['any task of the role', { role: ['os_nova'] }, true],
    ['any task of another role', { role: ['os_neutron', 'os_*_x'] }, false],
    ['the playbook', { playbook: ['site.yml', 'nova.yml'] }, true],
    ['a host that has done it', { task: ['stop services'], host: ['compute2'] }, true],
    ['a group of a host that has done it', { task: ['stop services'], host: ['nova_compute'] }, true],
    ['another host', { task: ['stop services'], host: ['infra*'] }, false],
    ['all of them', { task: ['os_nova : stop*'], role: ['os_nova'], play: ['*'], host: ['nova_*'] }, true],
  ])('with %s selects the task: %s', (_what, entries, expected) => {
    expect(selectsTask([selector(entries)])(stop)).toBe(expected);
    expect(selectsTask([selector({ task: ['x'] }), selector(entries)])(stop)).toBe(expected);
  });

  it.each(['play', 'role', 'playbook', 'host'] as const)('does not select a task whose %s is unknown', (key) => {
    const unknown = task({ name: 'Stop services', hosts: [], source: 'run-upgrade' });
    expect(selectsTask([selector({ [key]: ['*'] })])(unknown)).toBe(false);
  });
});

const PLAN: Plan = {
  name: 'plan',
  description: '',
  phases: [
    { name: 'before', promise: '', begins: [selector({ task: ['expand*'] })], ends: [], budget: {} },
    {
      name: 'maintenance',
      promise: '',
      begins: [selector({ task: ['os_nova : stop*'], tag: ['control'] })],
      ends: [],
      budget: {},
    },
    { name: 'computes', promise: '', begins: [selector({ task: ['stop nova-compute*'] })], ends: [], budget: {} },
    { name: 'by-hand', promise: '', begins: [], ends: [], budget: {} },
  ],
};

const at = (second: number, name: string, facts: Parameters<typeof task>[0] = {}) =>
  task({ id: `t-${second}`, name, start: second * 1000, end: second * 1000 + 500, ...facts });
const phasesOf = (
  tasks: readonly ReturnType<typeof task>[],
  marks: readonly { readonly name: string; readonly at: number }[] = [],
) => createPhaseFinder(PLAN)({ tasks, marks }).map(({ name, from, until }) => [name, from, until]);

describe('the phases', () => {
  it.each([
    ['nothing', [], [], []],
    ['a task by its name', [at(1, 'Expand the schema')], [], [['before', 1000, null]]],
    ['a task by its role and name', [at(1, 'Stop services', { role: 'os_nova' })], [], [['maintenance', 1000, null]]],
    ['a task by its tags', [at(1, 'x', { tags: ['nova', 'control'] })], [], [['maintenance', 1000, null]]],
    ['no task', [at(1, 'Stop services')], [], []],
    [
      'one after the other, each once',
      [
        at(1, 'expand'),
        at(2, 'y', { tags: ['control'] }),
        at(3, 'expand again'),
        at(4, 'Stop nova-compute1'),
        at(5, 'Stop nova-compute2'),
      ],
      [],
      [
        ['before', 1000, 2000],
        ['maintenance', 2000, 4000],
        ['computes', 4000, null],
      ],
    ],
    [
      'a task that every host skipped, once a host runs it',
      [at(1, 'expand', { hosts: [] }), at(2, 'expand', { hosts: ['b'] })],
      [],
      [['before', 2000, null]],
    ],
    ['a task that is only announced', [at(1, 'expand', { hosts: [], status: 'running', end: null })], [], []],
    ['a task that was interrupted before a host ran it', [at(1, 'expand', { hosts: [], status: 'unknown' })], [], []],
    [
      'a running task that one host has finished',
      [at(1, 'expand', { status: 'running', end: null })],
      [],
      [['before', 1000, null]],
    ],
    ['a task that failed on a host', [at(1, 'expand', { status: 'failed' })], [], [['before', 1000, null]]],
    [
      'the real run after a dry run',
      [at(1, 'expand', { status: 'dry-run' }), at(2, 'expand')],
      [],
      [['before', 2000, null]],
    ],
    [
      'a task from the command line, which has no hosts',
      [at(1, 'expand', { source: 'shell', hosts: [], status: 'running', end: null })],
      [],
      [['before', 1000, null]],
    ],
    ['no skipped phase', [at(1, 'Stop nova-compute1'), at(2, 'expand')], [], [['computes', 1000, null]]],
    [
      'by hand, planned or not, back and forth',
      [at(2, 'expand')],
      [
        { name: 'maintenance', at: 1000 },
        { name: 'lunch', at: 3000 },
        { name: 'before', at: 4000 },
      ],
      [
        ['maintenance', 1000, 3000],
        ['lunch', 3000, 4000],
        ['before', 4000, null],
      ],
    ],
    ['a mark named end, which ends them', [at(1, 'expand')], [{ name: 'end', at: 3000 }], [['before', 1000, 3000]]],
    [
      'the same mark twice',
      [],
      [
        { name: 'x', at: 1000 },
        { name: 'x', at: 2000 },
      ],
      [['x', 1000, null]],
    ],
  ])('start with %s', (_what, tasks, marks, expected) => {
    expect(phasesOf(tasks, marks)).toEqual(expected);
  });

  it('begin with the task on the right hosts, once one of them has done it', () => {
    const plan = { ...PLAN, phases: PLAN.phases.map((phase) => ({ ...phase, begins: [selector({ host: ['db*'] })] })) };
    const on = (...hosts: readonly string[]) => [at(1, 'x', { hosts, status: 'running', end: null })];
    const find = createPhaseFinder(plan);
    expect(find({ tasks: on('web1'), marks: [] })).toEqual([]);
    expect(find({ tasks: on('web1', 'db1'), marks: [] })).toMatchObject([{ name: 'before', from: 1000 }]);
  });

  const stop = selector({ task: ['stop'] });
  const ROLL: Plan = {
    name: 'plan',
    description: '',
    phases: [
      { name: 'maintenance', promise: '', begins: [stop], ends: [selector({ task: ['start'] })], budget: {} },
      {
        name: 'finish',
        promise: '',
        begins: [selector({ play: ['finish'] })],
        ends: [selector({ play: ['finish'] })],
        budget: {},
      },
    ],
  };
  const finish = (second: number, facts: Parameters<typeof task>[0] = {}) =>
    at(second, `f${second}`, { play: 'finish', ...facts });

  it.each([
    ['the end of a task', [at(1, 'stop'), at(3, 'start')], [], [['maintenance', 1000, 3500]]],
    [
      'the end of a task that still runs, not yet',
      [at(1, 'stop'), at(3, 'start', { status: 'running', end: null })],
      [],
      [['maintenance', 1000, null]],
    ],
    [
      'no task that every host skipped, and no dry run',
      [at(1, 'stop'), at(3, 'start', { hosts: [] }), at(5, 'start', { status: 'dry-run' })],
      [],
      [['maintenance', 1000, null]],
    ],
    [
      'the next phase, if it starts earlier',
      [at(1, 'stop'), at(3, 'start', { end: 9000 }), finish(5)],
      [],
      [
        ['maintenance', 1000, 5000],
        ['finish', 5000, 5500],
      ],
    ],
    [
      'each batch of a serial play',
      [at(1, 'stop'), at(3, 'start'), at(4, 'wait'), at(5, 'stop'), at(7, 'start'), at(9, 'other')],
      [],
      [
        ['maintenance', 1000, 3500],
        ['maintenance', 5000, 7500],
      ],
    ],
    [
      'the last of several tasks without another between them',
      [at(1, 'stop'), finish(3), finish(4), finish(5), at(6, 'other'), finish(7)],
      [],
      [
        ['maintenance', 1000, 3000],
        ['finish', 3000, 5500],
        ['finish', 7000, 7500],
      ],
    ],
    [
      'a mark, after which its tasks do not begin it again',
      [at(1, 'stop'), at(5, 'stop'), at(6, 'start')],
      [{ name: 'end', at: 2000 }],
      [['maintenance', 1000, 2000]],
    ],
    [
      'its tasks if it was started by hand',
      [at(3, 'start'), at(4, 'other')],
      [{ name: 'maintenance', at: 1000 }],
      [['maintenance', 1000, 3500]],
    ],
    [
      'its tasks before a mark starts it again',
      [at(1, 'stop'), at(3, 'start')],
      [{ name: 'maintenance', at: 8000 }],
      [
        ['maintenance', 1000, 3500],
        ['maintenance', 8000, null],
      ],
    ],
  ])('end with %s', (_what, tasks, marks, expected) => {
    const found = createPhaseFinder(ROLL)({ tasks, marks });
    expect(found.map(({ name, from, until }) => [name, from, until])).toEqual(expected);
  });

  it('are found by time', () => {
    const intervals = createPhaseFinder(PLAN)({ tasks: [at(1, 'expand')], marks: [{ name: 'end', at: 3000 }] });
    expect([999, 1000, 2999, 3000].map((time) => phaseAt(intervals, time))).toEqual([null, 'before', 'before', null]);
    expect(phaseAt([], 5)).toBeNull();
  });
});
