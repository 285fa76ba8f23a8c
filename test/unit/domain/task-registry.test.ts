import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TASK_SOURCES, type Task } from '../../../src/domain/upgrade/task.ts';
import { createTaskRegistry } from '../../../src/domain/upgrade/task-registry.ts';
import { task } from '../../support/tasks.ts';

function registryOf(...tasks: readonly Task[]) {
  const registry = createTaskRegistry();
  for (const one of tasks) registry.report(one);
  return registry;
}

describe('the task registry', () => {
  it('keeps the latest report of each task, in order of their start', () => {
    const registry = registryOf(
      task({ id: 'b', start: 30_000, end: null, status: 'running' }),
      task({ id: 'a' }),
      task({ id: 'b', start: 30_000, end: 31_000, status: 'failed' }),
    );
    expect(registry.all().map(({ id, status, end }) => [id, status, end])).toEqual([
      ['a', 'ok', 20_000],
      ['b', 'failed', 31_000],
    ]);
    expect(registry.running()).toEqual([]);
  });

  it('merges the reports of several sources for the same task', () => {
    const registry = registryOf(
      task({
        id: 'log-1',
        source: 'log',
        play: 'Control plane',
        hosts: ['controller'],
        start: 10_120,
        end: null,
        status: 'unknown',
      }),
      task({ id: 'callback-1', role: 'os_nova', hosts: ['compute'], playbook: 'upgrade.yml' }),
      task({ id: 'ara-7', source: 'ara', name: 'os_nova : Stop services', role: 'os_nova', start: 9_200, end: 20_400 }),
    );
    expect(registry.all()).toEqual([
      {
        ...task({ id: 'callback-1', role: 'os_nova', play: 'Control plane', playbook: 'upgrade.yml' }),
        hosts: ['compute', 'controller'],
        sources: ['callback', 'log', 'ara'],
        lastedUntil: 20_000,
      },
    ]);
  });

  it.each([
    ['from the same source', { id: 'other' }],
    ['with another kind', { id: 'other', source: 'log', kind: 'handler' }],
    ['with another name', { id: 'other', source: 'log', name: 'Start services' }],
    ['with another role', { id: 'other', source: 'log', role: 'os_glance' }],
    ['that starts two seconds later', { id: 'other', source: 'log', start: 12_000 }],
  ] as const)('does not merge a task %s', (_what, facts) => {
    expect(registryOf(task({ role: 'os_nova' }), task({ role: 'os_nova', ...facts })).all()).toHaveLength(2);
  });

  it('assumes that a task without a reported end lasted until the next one started', () => {
    const registry = registryOf(
      task({ id: 'a', end: null, status: 'unknown' }),
      task({ id: 'b', name: 'next', start: 15_000, end: null, status: 'running' }),
    );
    expect(registry.all().map((one) => one.lastedUntil)).toEqual([15_000, Infinity]);
    expect(registry.running().map((one) => one.id)).toEqual(['b']);
  });

  it('excludes dry runs and tasks that every host skipped from searches by time', () => {
    const registry = registryOf(
      task({ id: 'dry', name: 'a', status: 'dry-run' }),
      task({ id: 'skipped', name: 'b', hosts: [] }),
      task({ id: 'meta', name: 'c', hosts: [], status: 'unknown' }),
      task({ id: 'announced', name: 'd', hosts: [], status: 'running', end: null }),
      task({ id: 'shell', name: 'e', hosts: [], source: 'shell' }),
      task({ id: 'log', name: 'f', hosts: [], source: 'log' }),
    );
    const ids = (tasks: readonly Task[]): readonly string[] => tasks.map(({ id }) => id);
    expect(ids(registry.during({ from: 11_000, until: 12_000 }))).toEqual(['announced', 'meta', 'shell']);
    expect(ids(registry.startedIn({ from: 0, until: 20_000, limit: 9 }))).toEqual(['announced', 'meta', 'shell']);
    expect(ids(registry.all())).toHaveLength(6);
  });

  it('takes the end from a source that reported it, not from one that fell silent', () => {
    const silent = task({ status: 'unknown', end: 17_000 });
    expect(registryOf(silent, task({ id: 'log', source: 'log', end: 15_000 })).all()).toMatchObject([
      { status: 'ok', end: 15_000, lastedUntil: 15_000 },
    ]);
    const running = task({ status: 'running', end: null });
    expect(registryOf(running, task({ id: 'log', source: 'log', status: 'unknown' })).all()).toMatchObject([
      { status: 'running', end: null, lastedUntil: Infinity },
    ]);
  });

  it('recognises a dry run if only one source reports it', () => {
    const registry = registryOf(task({ status: 'dry-run' }), task({ id: 'log', source: 'log', play: 'Nova' }));
    expect(registry.all()).toMatchObject([{ status: 'dry-run', sources: ['callback', 'log'] }]);
  });

  it('finds exactly the tasks that were running within an interval', () => {
    const time = fc.integer({ min: 0, max: 200 });
    const tasks = fc.array(fc.tuple(time, time), { maxLength: 40 });
    fc.assert(
      fc.property(tasks, time, time, (spans, one, other) => {
        const registry = registryOf(
          ...spans.map(([start, length], index) =>
            task({ id: `${index}`, name: `${index}`, start, end: start + length }),
          ),
        );
        const [from, until] = [Math.min(one, other), Math.max(one, other)];
        const expected = registry.all().filter(({ start, end }) => start <= until && (end ?? Infinity) >= from);
        expect(registry.during({ from, until })).toEqual(expected);
      }),
    );
  });

  const anyTask = fc.record({
    id: fc.integer({ min: 0, max: 30 }).map(String),
    name: fc.constantFrom('a', 'b', 'r : a'),
    role: fc.constantFrom(null, 'r'),
    source: fc.constantFrom('callback', 'log', 'shell'),
    start: fc.integer({ min: 0, max: 20 }).map((tick) => tick * 500),
    duration: fc.option(fc.integer({ min: 0, max: 4000 })),
    running: fc.boolean(),
  });

  it('does not depend on the order of reports, nor on tasks that were forgotten', () => {
    fc.assert(
      fc.property(fc.array(anyTask, { maxLength: 40 }), fc.array(anyTask, { maxLength: 10 }), (reports, before) => {
        const created = [...reports, ...before].map(({ duration, running, ...facts }) =>
          task({
            ...facts,
            end: duration === null ? null : facts.start + duration,
            status: running && duration === null ? 'running' : 'ok',
          }),
        );
        const [tasks, forgotten] = [created.slice(0, reports.length), created.slice(reports.length)];
        const latest = [...new Map(tasks.map((one) => [one.id, one])).values()];
        const changed = createTaskRegistry();
        for (const one of forgotten) changed.report({ ...one, id: `f${one.id}` });
        for (const one of tasks) changed.report(one);
        for (const one of forgotten) changed.forget(`f${one.id}`);
        const sorted = registryOf(...latest.toReversed());
        expect(changed.all()).toEqual(sorted.all());
        for (const at of [0, 2500, 7000]) {
          const interval = { from: at, until: at + 400 };
          const expected = sorted
            .all()
            .filter(({ start, lastedUntil }) => start <= interval.until && lastedUntil >= at);
          expect(changed.during(interval)).toEqual(expected);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('merges reports exactly like a linear search for the first group that fits', () => {
    const anyReport = fc.record({
      name: fc.constantFrom('a', 'b', 'r : a'),
      kind: fc.constantFrom('task', 'handler'),
      role: fc.constantFrom(null, 'r', 's'),
      play: fc.constantFrom(null, 'p', 'q', 'null'),
      source: fc.constantFrom(...TASK_SOURCES),
      start: fc.integer({ min: 0, max: 60 }).map((tick) => tick * 250),
    });
    fc.assert(
      fc.property(fc.array(anyReport, { maxLength: 80 }), (reports) => {
        const tasks = reports.map((one, index) => task({ ...one, id: `${index}`, hosts: [`${index}`] }));
        expect(
          registryOf(...tasks)
            .all()
            .map(({ hosts }) => hosts)
            .toSorted(),
        ).toEqual(groupsOneByOne(tasks).toSorted());
      }),
      { numRuns: 1000 },
    );
  });

  it('returns the same object for a task that did not change', () => {
    const registry = registryOf(task({ id: 'a' }), task({ id: 'b', name: 'other', start: 30_000, end: 31_000 }));
    const [before] = registry.all();
    registry.report(task({ id: 'c', name: 'third', start: 40_000, end: 41_000 }));
    expect(registry.all()[0]).toBe(before);
  });

  it('returns the latest tasks if there are more than the limit', () => {
    const running = ['a', 'b', 'c', 'd'].map((id, index) =>
      task({ id, name: id, start: index * 1000, end: null, status: 'running' }),
    );
    const found = registryOf(...running).during({ from: 2500, until: 2600, limit: 2 });
    expect(found.map(({ id }) => id)).toEqual(['b', 'c']);
  });
});

/** The reference for `mergeReports`, without its indexes: the ids of each group. Every task has its id as its host. */
function groupsOneByOne(tasks: readonly Task[]): readonly (readonly string[])[] {
  const groups: Task[][] = [];
  const isCompatible = (a: string | null, b: string | null) => a === null || b === null || a === b;
  const nameOf = ({ kind, name, role }: Task) => `${kind} ${role === 'r' ? name.replace('r : ', '') : name}`;
  for (const one of tasks.toSorted((a, b) => a.start - b.start || (a.id < b.id ? -1 : 1))) {
    const fitting = groups.find(
      ([first, ...others]) =>
        first !== undefined &&
        one.start - first.start <= 1500 &&
        [first, ...others].every(
          (member) =>
            nameOf(member) === nameOf(one) &&
            member.source !== one.source &&
            isCompatible(member.play, one.play) &&
            isCompatible(member.role, one.role),
        ),
    );
    if (fitting === undefined) groups.push([one]);
    else fitting.push(one);
  }
  return groups.map((group) => group.map(({ id }) => id).toSorted());
}
