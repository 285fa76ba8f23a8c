import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TASK_SOURCES, type Task } from '../../../src/domain/upgrade/task.ts';
import { createTaskBook } from '../../../src/domain/upgrade/task-registry.ts';
import { task } from '../../support/tasks.ts';

function bookOf(...tasks: readonly Task[]) {
  const book = createTaskBook();
  for (const one of tasks) book.tell(one);
  return book;
}

describe('the book of tasks', () => {
  it('keeps what was told last of each, by their start', () => {
    const book = bookOf(
      task({ id: 'b', start: 30_000, end: null, status: 'running' }),
      task({ id: 'a' }),
      task({ id: 'b', start: 30_000, end: 31_000, status: 'failed' }),
    );
    expect(book.all().map(({ id, status, end }) => [id, status, end])).toEqual([
      ['a', 'ok', 20_000],
      ['b', 'failed', 31_000],
    ]);
    expect(book.running()).toEqual([]);
  });

  it('takes the same task told by two sources for one, of which each knows a part', () => {
    const book = bookOf(
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
    expect(book.all()).toEqual([
      {
        ...task({ id: 'callback-1', role: 'os_nova', play: 'Control plane', playbook: 'upgrade.yml' }),
        hosts: ['compute', 'controller'],
        sources: ['callback', 'log', 'ara'],
        lastedUntil: 20_000,
      },
    ]);
  });

  it.each([
    ['of the same source', { id: 'other' }],
    ['of another kind', { id: 'other', source: 'log', kind: 'handler' }],
    ['of another name', { id: 'other', source: 'log', name: 'Start services' }],
    ['of another role', { id: 'other', source: 'log', role: 'os_glance' }],
    ['that began two seconds later', { id: 'other', source: 'log', start: 12_000 }],
  ] as const)('keeps a task apart %s', (_what, facts) => {
    expect(bookOf(task({ role: 'os_nova' }), task({ role: 'os_nova', ...facts })).all()).toHaveLength(2);
  });

  it('lets a task whose end was never told last until the next one began, and a running one for ever', () => {
    const book = bookOf(
      task({ id: 'a', end: null, status: 'unknown' }),
      task({ id: 'b', name: 'next', start: 15_000, end: null, status: 'running' }),
    );
    expect(book.all().map((one) => one.lastedUntil)).toEqual([15_000, Infinity]);
    expect(book.running().map((one) => one.id)).toEqual(['b']);
  });

  it('attributes nothing to a dry run, nor to a task that every host skipped', () => {
    const book = bookOf(
      task({ id: 'dry', name: 'a', status: 'dry-run' }),
      task({ id: 'skipped', name: 'b', hosts: [] }),
      task({ id: 'meta', name: 'c', hosts: [], status: 'unknown' }),
      task({ id: 'announced', name: 'd', hosts: [], status: 'running', end: null }),
      task({ id: 'shell', name: 'e', hosts: [], source: 'shell' }),
      task({ id: 'log', name: 'f', hosts: [], source: 'log' }),
    );
    const ids = (tasks: readonly Task[]): readonly string[] => tasks.map(({ id }) => id);
    expect(ids(book.during({ from: 11_000, until: 12_000 }))).toEqual(['announced', 'meta', 'shell']);
    expect(ids(book.begun({ from: 0, until: 20_000, most: 9 }))).toEqual(['announced', 'meta', 'shell']);
    expect(ids(book.all())).toHaveLength(6);
  });

  it('takes the end from whoever saw it, not from whoever fell silent', () => {
    const silent = task({ status: 'unknown', end: 17_000 });
    expect(bookOf(silent, task({ id: 'log', source: 'log', end: 15_000 })).all()).toMatchObject([
      { status: 'ok', end: 15_000, lastedUntil: 15_000 },
    ]);
    const running = task({ status: 'running', end: null });
    expect(bookOf(running, task({ id: 'log', source: 'log', status: 'unknown' })).all()).toMatchObject([
      { status: 'running', end: null, lastedUntil: Infinity },
    ]);
  });

  it('knows of a dry run by the one source that sees it', () => {
    const book = bookOf(task({ status: 'dry-run' }), task({ id: 'log', source: 'log', play: 'Nova' }));
    expect(book.all()).toMatchObject([{ status: 'dry-run', sources: ['callback', 'log'] }]);
  });

  it('finds exactly those that were under way in a stretch', () => {
    const moment = fc.integer({ min: 0, max: 200 });
    const tasks = fc.array(fc.tuple(moment, moment), { maxLength: 40 });
    fc.assert(
      fc.property(tasks, moment, moment, (spans, one, other) => {
        const book = bookOf(
          ...spans.map(([start, length], index) =>
            task({ id: `${index}`, name: `${index}`, start, end: start + length }),
          ),
        );
        const [from, until] = [Math.min(one, other), Math.max(one, other)];
        const expected = book.all().filter(({ start, end }) => start <= until && (end ?? Infinity) >= from);
        expect(book.during({ from, until })).toEqual(expected);
      }),
    );
  });

  const anyTask = fc.record({
    id: fc.integer({ min: 0, max: 30 }).map(String),
    name: fc.constantFrom('a', 'b', 'r : a'),
    role: fc.constantFrom(null, 'r'),
    source: fc.constantFrom('callback', 'log', 'shell'),
    start: fc.integer({ min: 0, max: 20 }).map((tick) => tick * 500),
    lasting: fc.option(fc.integer({ min: 0, max: 4000 })),
    running: fc.boolean(),
  });

  it('knows the same in whatever order it was told, whatever was told and forgotten before', () => {
    fc.assert(
      fc.property(fc.array(anyTask, { maxLength: 40 }), fc.array(anyTask, { maxLength: 10 }), (told, before) => {
        const made = [...told, ...before].map(({ lasting, running, ...facts }) =>
          task({
            ...facts,
            end: lasting === null ? null : facts.start + lasting,
            status: running && lasting === null ? 'running' : 'ok',
          }),
        );
        const [tasks, forgotten] = [made.slice(0, told.length), made.slice(told.length)];
        const latest = [...new Map(tasks.map((one) => [one.id, one])).values()];
        const restless = createTaskBook();
        for (const one of forgotten) restless.tell({ ...one, id: `f${one.id}` });
        for (const one of tasks) restless.tell(one);
        for (const one of forgotten) restless.forget(`f${one.id}`);
        const sorted = bookOf(...latest.toReversed());
        expect(restless.all()).toEqual(sorted.all());
        for (const at of [0, 2500, 7000]) {
          const stretch = { from: at, until: at + 400 };
          const under = sorted.all().filter(({ start, lastedUntil }) => start <= stretch.until && lastedUntil >= at);
          expect(restless.during(stretch)).toEqual(under);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('groups what several sources tell exactly as the first group that fits, looked for one by one', () => {
    const anyTold = fc.record({
      name: fc.constantFrom('a', 'b', 'r : a'),
      kind: fc.constantFrom('task', 'handler'),
      role: fc.constantFrom(null, 'r', 's'),
      play: fc.constantFrom(null, 'p', 'q', 'null'),
      source: fc.constantFrom(...TASK_SOURCES),
      start: fc.integer({ min: 0, max: 60 }).map((tick) => tick * 250),
    });
    fc.assert(
      fc.property(fc.array(anyTold, { maxLength: 80 }), (told) => {
        const tasks = told.map((one, index) => task({ ...one, id: `${index}`, hosts: [`${index}`] }));
        expect(
          bookOf(...tasks)
            .all()
            .map(({ hosts }) => hosts)
            .toSorted(),
        ).toEqual(groupsOneByOne(tasks).toSorted());
      }),
      { numRuns: 1000 },
    );
  });

  it('gives the same object again for a task of which nothing changed', () => {
    const book = bookOf(task({ id: 'a' }), task({ id: 'b', name: 'other', start: 30_000, end: 31_000 }));
    const [before] = book.all();
    book.tell(task({ id: 'c', name: 'third', start: 40_000, end: 41_000 }));
    expect(book.all()[0]).toBe(before);
  });

  it('finds of more than so many those that began last', () => {
    const running = ['a', 'b', 'c', 'd'].map((id, index) =>
      task({ id, name: id, start: index * 1000, end: null, status: 'running' }),
    );
    const found = bookOf(...running).during({ from: 2500, until: 2600, most: 2 });
    expect(found.map(({ id }) => id)).toEqual(['b', 'c']);
  });
});

/** What `groupsOf` does, without its indexes: the ids of each group. Every task has its id as its host. */
function groupsOneByOne(tasks: readonly Task[]): readonly (readonly string[])[] {
  const groups: Task[][] = [];
  const same = (a: string | null, b: string | null) => a === null || b === null || a === b;
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
            same(member.play, one.play) &&
            same(member.role, one.role),
        ),
    );
    if (fitting === undefined) groups.push([one]);
    else fitting.push(one);
  }
  return groups.map((group) => group.map(({ id }) => id).toSorted());
}
