import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Task } from '../../../src/domain/task.ts';
import { createTaskBook } from '../../../src/domain/task-book.ts';
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
});
