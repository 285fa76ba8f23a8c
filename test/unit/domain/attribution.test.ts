import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intersect, length as lengthOf, union } from '../../../src/domain/interval.ts';
import { attributeWindows, candidates } from '../../../src/domain/upgrade/attribution.ts';
import { taskDowntimes } from '../../../src/domain/upgrade/task-downtime.ts';
import { createTaskRegistry } from '../../../src/domain/upgrade/task-registry.ts';
import { describeProbes } from '../../../src/probes/registry.ts';
import { window } from '../../support/live.ts';
import { task } from '../../support/tasks.ts';

/** Start and end of tasks in seconds, by name; null: still running. */
type Spans = { readonly [name: string]: readonly [number, number | null] };

function registryOf(spans: Spans) {
  const registry = createTaskRegistry();
  for (const [name, [from, until]] of Object.entries(spans)) {
    const end = until === null ? null : until * 1000;
    registry.report(task({ id: name, name, start: from * 1000, end, status: end === null ? 'running' : 'ok' }));
  }
  return registry;
}

const bracket = (earliest: number, latest: number, estimate = (earliest + latest) / 2) => ({
  earliest: earliest * 1000,
  estimate: estimate * 1000,
  latest: latest * 1000,
});

describe('the candidates of a window', () => {
  const cases: readonly [string, Spans, ReturnType<typeof bracket>, readonly string[]][] = [
    ['empty if no task was running', { before: [1, 2], after: [9, 10] }, bracket(4, 5), []],
    ['the only task that was running', { stop: [3, 8] }, bracket(4, 5), ['stop']],
    [
      'tasks on both sides of an edge, first the one that started last before the estimate',
      { a: [1, 4.4], b: [4.4, 9] },
      bracket(4, 5),
      ['b', 'a'],
    ],
    ['last those that started after the estimate', { a: [1, 4.8], b: [4.8, 9] }, bracket(4, 5), ['a', 'b']],
    [
      'tasks that ended up to 250 ms before, or started up to 250 ms after the bracket',
      { a: [1, 3.75], b: [5.25, 6], c: [1, 3.74], d: [5.26, 6] },
      bracket(4, 5),
      ['a', 'b'],
    ],
    [
      'nested tasks, the inner one first',
      { playbook: [0, null], stop: [4.2, 4.6] },
      bracket(4, 5),
      ['stop', 'playbook'],
    ],
  ];
  it.each(cases)('are %s', (_what, spans, start, expected) => {
    expect(candidates({ start }, registryOf(spans)).map((one) => one.id)).toEqual(expected);
  });

  it('are at most the nearest hundred before the estimate and after it', () => {
    const running = Object.fromEntries(
      Array.from({ length: 600 }, (_, index): readonly [string, readonly [number, null]] => [
        `t${index}`,
        [index, null],
      ]),
    );
    const found = candidates({ start: bracket(100, 500, 300) }, registryOf(running)).map(({ id }) => id);
    expect([found.length, found[0], found[99], found[100], found[199]]).toEqual([200, 't300', 't201', 't301', 't400']);
  });

  it('add to a task all downtime while it ran', () => {
    const time = fc.integer({ min: 0, max: 100 });
    const spans = fc.array(fc.tuple(time, time), { maxLength: 12 });
    fc.assert(
      fc.property(spans, time, fc.option(time), (downs, start, length) => {
        const windows = downs.map(([from, lasting], index) => {
          const edge = (at: number) => ({ earliest: at, estimate: at, latest: at });
          return {
            ...window({ id: `${index}`, start: edge(from), end: edge(from + lasting), gaps: [] }),
            candidates: [],
          };
        });
        const end = length === null ? null : start + length;
        const registry = createTaskRegistry();
        registry.report(task({ start, end, status: end === null ? 'running' : 'ok' }));
        const [cost] = taskDowntimes(registry.all(), windows);
        const down = union(downs.map(([from, lasting]) => ({ from, until: from + lasting })));
        const inside = lengthOf(intersect(down, [{ from: start, until: end ?? Infinity }]));
        expect(cost?.overlappingDowntime).toBeCloseTo(inside / 1000, 9);
      }),
    );
  });

  it('are ordered by the exit of a service that was stopped or killed', () => {
    const registry = registryOf({ install: [0, 10.3], stop: [10.3, 11.4], migrate: [11.4, 20] });
    // Killed at 11.0 with requests in progress that were sent at 10.2 and 10.6; or stopped at 10.35, exited at 11.0.
    const killed = { start: bracket(9.6, 11, 9.9), exitedBy: 11_000 };
    const reused = window({ id: 'kept', connection: 'reused', ...killed });
    const fresh = window({ id: 'new', connection: 'new', start: bracket(9.1, 10.3, 9.6), exitedBy: 11_000 });
    const found = attributeWindows([fresh, reused], { tasks: registry, phases: [], probes: describeProbes() });
    expect(found.map(({ candidates: [first] }) => first?.id)).toEqual(['stop', 'stop']);
  });

  it('do not start with a task that started when the service exited, but with the one that stopped it', () => {
    const registry = registryOf({ check: [0, 10], 'stop api': [10, 11.1], 'stop conductor': [11.1, 12] });
    const start = bracket(9.5, 11.105, 10.2);
    const [found] = attributeWindows([window({ id: 'new', connection: 'new', start, exitedBy: 11_105 })], {
      tasks: registry,
      phases: [],
      probes: describeProbes(),
    });
    expect(found?.candidates.map((one) => one.id)).toEqual(['stop api', 'check', 'stop conductor']);
  });

  it('are ordered by the brackets of both connections of the server list', () => {
    const registry = registryOf({ install: [0, 300.4], stop: [300.4, 320] });
    const start = (earliest: number, sent: number) => bracket(earliest, sent + 0.01, (earliest + sent) / 2);
    const reused = window({ id: 'kept', connection: 'reused', start: start(300, 301) });
    const fresh = window({ id: 'new', connection: 'new', start: start(299.5, 300.5) });
    const [first, second] = attributeWindows([fresh, reused], {
      tasks: registry,
      phases: [],
      probes: describeProbes(),
    });
    // One connection alone would estimate 300.0, before the stop; both together estimate 300.25.
    expect([first?.candidates.map((one) => one.id), second?.candidates.map((one) => one.id)]).toEqual([
      ['install', 'stop'],
      ['install', 'stop'],
    ]);
    const sharper = window({ id: 'new', connection: 'new', start: start(300.4, 301.4) });
    const [, both] = attributeWindows([reused, sharper], { tasks: registry, phases: [], probes: describeProbes() });
    expect(both?.candidates.map((one) => one.id)).toEqual(['stop', 'install']);
  });
});

describe('the candidates of a boot window', () => {
  const registry = registryOf({ sync: [0, 300], 'stop api': [300, 301.1], 'stop conductor': [301.1, 310] });
  const list = (earliest: number, sent: number) =>
    window({ id: 'list', connection: 'new', start: bracket(earliest, sent + 0.01, (earliest + sent) / 2) });
  const boot = (earliest: number, broke: number, latest = broke + 0.01) =>
    window({ id: 'boot', probe: 'server-boot', connection: '', start: bracket(earliest, latest, broke) });
  const first = (windows: readonly Parameters<typeof attributeWindows>[0][number][]) =>
    attributeWindows(windows, { tasks: registry, phases: [], probes: describeProbes() }).find(({ id }) => id === 'boot')
      ?.candidates[0]?.id;

  it.each([
    ['the start of list failures between the previous boot and the refused create request', [list(300.1, 300.9)]],
    ['the start of the last of several list windows', [list(290, 291), list(300.1, 300.9)]],
  ])('are ordered by %s', (_what, lists) => {
    expect(first([...lists, boot(300, 301.4)])).toBe('stop api');
  });

  it.each([
    ['lists did not fail', []],
    ['lists failed before the last proof of booting', [list(290, 291)]],
    ['lists failed after the boot', [list(303, 304)]],
  ])('are ordered by the boot itself if %s', (_what, lists) => {
    expect(first([...lists, boot(300.4, 301.4, 305)])).toBe('stop conductor');
  });

  it('start with the task at the refused poll, not with the task at the create request', () => {
    expect(first([boot(300.2, 300.45)])).toBe('stop api');
  });
});

describe('the downtime of a task', () => {
  it('is that of the windows of which it is the first candidate, and all downtime while it ran', () => {
    const registry = registryOf({ stop: [100, 104], start: [104, 120] });
    const down = { start: bracket(101, 103), end: bracket(109, 111), lastSeen: 109_000 };
    const windows = attributeWindows(
      [window({ id: 'a', ...down }), window({ id: 'b', connection: 'reused', ...down })],
      {
        tasks: registry,
        phases: [],
        probes: describeProbes(),
      },
    );
    const costs = taskDowntimes(registry.all(), windows);
    expect(
      costs.map(({ id, windows: count, attributedDowntime, overlappingDowntime }) => [
        id,
        count,
        attributedDowntime,
        overlappingDowntime,
      ]),
    ).toEqual([
      ['stop', 2, 8, 2],
      ['start', 0, 0, 6],
    ]);
  });
});
