import { describe, expect, it } from 'vitest';
import { createPhaseFinder, phaseAt } from '../../../src/domain/upgrade/phases.ts';
import { matches, type Plan } from '../../../src/domain/upgrade/plan.ts';
import { task } from '../../support/tasks.ts';

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

const PLAN: Plan = {
  name: 'plan',
  description: '',
  phases: [
    { name: 'before', promise: '', begins: { task: ['expand*'], tag: [] }, budget: {} },
    { name: 'maintenance', promise: '', begins: { task: ['os_nova : stop*'], tag: ['control'] }, budget: {} },
    { name: 'computes', promise: '', begins: { task: ['stop nova-compute*'], tag: [] }, budget: {} },
    { name: 'by-hand', promise: '', begins: { task: [], tag: [] }, budget: {} },
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

  it('are found by time', () => {
    const intervals = createPhaseFinder(PLAN)({ tasks: [at(1, 'expand')], marks: [{ name: 'end', at: 3000 }] });
    expect([999, 1000, 2999, 3000].map((time) => phaseAt(intervals, time))).toEqual([null, 'before', 'before', null]);
    expect(phaseAt([], 5)).toBeNull();
  });
});
