import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intersect, length as lengthOf, union } from '../../../src/domain/interval.ts';
import { blamed, candidates } from '../../../src/domain/upgrade/attribution.ts';
import { taskDowntimes } from '../../../src/domain/upgrade/task-downtime.ts';
import { createTaskBook } from '../../../src/domain/upgrade/task-registry.ts';
import { window } from '../../support/live.ts';
import { task } from '../../support/tasks.ts';

/** Seconds from start to end, by name; null: it runs. */
type Spans = { readonly [name: string]: readonly [number, number | null] };

function bookOf(spans: Spans) {
  const book = createTaskBook();
  for (const [name, [from, until]] of Object.entries(spans)) {
    const end = until === null ? null : until * 1000;
    book.tell(task({ id: name, name, start: from * 1000, end, status: end === null ? 'running' : 'ok' }));
  }
  return book;
}

const bracket = (earliest: number, latest: number, estimate = (earliest + latest) / 2) => ({
  earliest: earliest * 1000,
  estimate: estimate * 1000,
  latest: latest * 1000,
});

describe('the candidates of a window', () => {
  const cases: readonly [string, Spans, ReturnType<typeof bracket>, readonly string[]][] = [
    ['nobody where no task was under way', { before: [1, 2], after: [9, 10] }, bracket(4, 5), []],
    ['the one task that was', { stop: [3, 8] }, bracket(4, 5), ['stop']],
    [
      'both sides of an edge, first the one that began last before the estimate',
      { a: [1, 4.4], b: [4.4, 9] },
      bracket(4, 5),
      ['b', 'a'],
    ],
    ['one that began after the estimate comes last', { a: [1, 4.8], b: [4.8, 9] }, bracket(4, 5), ['a', 'b']],
    [
      'one that ended up to 250 ms before, or began up to 250 ms after',
      { a: [1, 3.75], b: [5.25, 6], c: [1, 3.74], d: [5.26, 6] },
      bracket(4, 5),
      ['a', 'b'],
    ],
    [
      'the inner one first, of one inside the other',
      { playbook: [0, null], stop: [4.2, 4.6] },
      bracket(4, 5),
      ['stop', 'playbook'],
    ],
  ];
  it.each(cases)('are %s', (_what, spans, start, expected) => {
    expect(candidates({ start }, bookOf(spans)).map((one) => one.id)).toEqual(expected);
  });

  it('are the nearest hundred before the estimate and after it, however many there are', () => {
    const running = Object.fromEntries(
      Array.from({ length: 600 }, (_, index): readonly [string, readonly [number, null]] => [
        `t${index}`,
        [index, null],
      ]),
    );
    const found = candidates({ start: bracket(100, 500, 300) }, bookOf(running)).map(({ id }) => id);
    expect([found.length, found[0], found[99], found[100], found[199]]).toEqual([200, 't300', 't201', 't301', 't400']);
  });

  it('costs a task what was down while it ran, by whatever windows and gaps', () => {
    const moment = fc.integer({ min: 0, max: 100 });
    const spans = fc.array(fc.tuple(moment, moment), { maxLength: 12 });
    fc.assert(
      fc.property(spans, moment, fc.option(moment), (downs, start, length) => {
        const windows = downs.map(([from, lasting], index) => {
          const edge = (at: number) => ({ earliest: at, estimate: at, latest: at });
          return {
            ...window({ id: `${index}`, start: edge(from), end: edge(from + lasting), gaps: [] }),
            candidates: [],
          };
        });
        const end = length === null ? null : start + length;
        const book = createTaskBook();
        book.tell(task({ start, end, status: end === null ? 'running' : 'ok' }));
        const [cost] = taskDowntimes(book.all(), windows);
        const down = union(downs.map(([from, lasting]) => ({ from, until: from + lasting })));
        const inside = lengthOf(intersect(down, [{ from: start, until: end ?? Infinity }]));
        expect(cost?.downtimeInside).toBeCloseTo(inside / 1000, 9);
      }),
    );
  });

  it('are ordered by when the service had gone, of one that was stopped or killed', () => {
    const book = bookOf({ install: [0, 10.3], stop: [10.3, 11.4], migrate: [11.4, 20] });
    // Killed at 11.0 with requests in hand that were sent at 10.2 and 10.6; or stopped at 10.35, and gone at 11.0.
    const killed = { start: bracket(9.6, 11, 9.9), goneBy: 11_000 };
    const reused = window({ id: 'kept', connection: 'reused', ...killed });
    const fresh = window({ id: 'new', connection: 'new', start: bracket(9.1, 10.3, 9.6), goneBy: 11_000 });
    const found = blamed([fresh, reused], { tasks: book, phases: [] });
    expect(found.map(({ candidates: [first] }) => first?.id)).toEqual(['stop', 'stop']);
  });

  it('leave out who began as the service exited: whoever stopped it had waited for that', () => {
    const book = bookOf({ check: [0, 10], 'stop api': [10, 11.1], 'stop conductor': [11.1, 12] });
    const start = bracket(9.5, 11.105, 10.2);
    const [found] = blamed([window({ id: 'new', connection: 'new', start, goneBy: 11_105 })], {
      tasks: book,
      phases: [],
    });
    expect(found?.candidates.map((one) => one.id)).toEqual(['stop api', 'check', 'stop conductor']);
  });

  it('are ordered by what both connections of the server list know together', () => {
    const book = bookOf({ install: [0, 300.4], stop: [300.4, 320] });
    const start = (earliest: number, sent: number) => bracket(earliest, sent + 0.01, (earliest + sent) / 2);
    const reused = window({ id: 'kept', connection: 'reused', start: start(300, 301) });
    const fresh = window({ id: 'new', connection: 'new', start: start(299.5, 300.5) });
    const [first, second] = blamed([fresh, reused], { tasks: book, phases: [] });
    // The one alone would say 300.0, before the stop; both together say 300.25.
    expect([first?.candidates.map((one) => one.id), second?.candidates.map((one) => one.id)]).toEqual([
      ['install', 'stop'],
      ['install', 'stop'],
    ]);
    const sharper = window({ id: 'new', connection: 'new', start: start(300.4, 301.4) });
    const [, both] = blamed([reused, sharper], { tasks: book, phases: [] });
    expect(both?.candidates.map((one) => one.id)).toEqual(['stop', 'install']);
  });
});

describe('the candidates of a window of boots', () => {
  const book = bookOf({ sync: [0, 300], 'stop api': [300, 301.1], 'stop conductor': [301.1, 310] });
  const list = (earliest: number, sent: number) =>
    window({ id: 'list', connection: 'new', start: bracket(earliest, sent + 0.01, (earliest + sent) / 2) });
  const boot = (earliest: number, broke: number, latest = broke + 0.01) =>
    window({ id: 'boot', probe: 'server-boot', connection: '', start: bracket(earliest, latest, broke) });
  const first = (windows: readonly Parameters<typeof blamed>[0][number][]) =>
    blamed(windows, { tasks: book, phases: [] }).find(({ id }) => id === 'boot')?.candidates[0]?.id;

  it.each([
    ['where lists began to fail, between the boot before and the create that was refused', [list(300.1, 300.9)]],
    ['where the last of several list windows began', [list(290, 291), list(300.1, 300.9)]],
  ])('are ordered by %s', (_what, lists) => {
    expect(first([...lists, boot(300, 301.4)])).toBe('stop api');
  });

  it.each([
    ['lists went on', []],
    ['lists failed before the last proof of booting', [list(290, 291)]],
    ['lists failed after the boot broke', [list(303, 304)]],
  ])('are ordered by the boot itself where %s', (_what, lists) => {
    expect(first([...lists, boot(300.4, 301.4, 305)])).toBe('stop conductor');
  });

  it('begin with the stop that refused its looks, and not with the task that ran when it was sent', () => {
    expect(first([boot(300.2, 300.45)])).toBe('stop api');
  });
});

describe('what a task may have cost', () => {
  it('is the downtime of the windows that it is to blame for, and whatever was down while it ran', () => {
    const book = bookOf({ stop: [100, 104], start: [104, 120] });
    const down = { start: bracket(101, 103), end: bracket(109, 111), lastSeen: 109_000 };
    const windows = blamed([window({ id: 'a', ...down }), window({ id: 'b', connection: 'reused', ...down })], {
      tasks: book,
      phases: [],
    });
    const costs = taskDowntimes(book.all(), windows);
    expect(
      costs.map(({ id, windows: count, downtimeBegan, downtimeInside }) => [id, count, downtimeBegan, downtimeInside]),
    ).toEqual([
      ['stop', 2, 8, 2],
      ['start', 0, 0, 6],
    ]);
  });
});
