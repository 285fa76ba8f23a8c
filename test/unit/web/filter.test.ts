import { describe, expect, it } from 'vitest';
import { toApiWindow } from '../../../src/api/window.ts';
import { reportData } from '../../../src/report/json.ts';
import { type Filter, isFiltering, matchingTasks, NO_FILTER, windowFilter } from '../../../src/web/filter.ts';
import { readReport } from '../../../src/web/scene.ts';
import type { TaskBar } from '../../../src/web/tasks.ts';
import { BEGAN, LIST_NEW, report, summary, TOKEN, window } from '../../support/live.ts';
import { task as upgradeTask } from '../../support/tasks.ts';

const STOP = {
  ...upgradeTask({ name: 'Stop services', role: 'os_nova', hosts: ['control1', 'control2'] }),
  sources: ['callback' as const],
  lastedUntil: 20_000,
};
const DOWN = toApiWindow(window({ candidates: [STOP], phase: 'maintenance' }));
const SLOW = toApiWindow(window({ id: 'slow', kind: 'degraded', series: TOKEN, causes: [] }));

const selects = (part: Partial<Filter>) => [DOWN, SLOW].filter(windowFilter({ ...NO_FILTER, ...part }));

describe('a filter', () => {
  it('selects everything by default', () => {
    expect(selects({})).toEqual([DOWN, SLOW]);
    expect(isFiltering(NO_FILTER)).toBe(false);
    expect(isFiltering({ ...NO_FILTER, text: '  ' })).toBe(false);
  });

  it.each([
    [{ onlyDown: true }],
    [{ probe: 'server-list' }],
    [{ cause: 'http-503 (load-balancer)' }],
    [{ text: 'services STOP' }],
    [{ text: 'control2' }],
    [{ text: 'os_nova maintenance' }],
    [{ text: 'connection-refused' }],
  ])('selects the down window by %j', (part) => {
    expect(selects(part)).toEqual([DOWN]);
    expect(isFiltering({ ...NO_FILTER, ...part })).toBe(true);
  });

  it.each([[{ cloud: 'elsewhere' }], [{ text: 'stop nowhere' }], [{ probe: 'token', onlyDown: true }]])(
    'selects nothing by %j',
    (part) => {
      expect(selects(part)).toEqual([]);
    },
  );

  it('selects the lanes of the timeline and their windows', () => {
    const some = report({ probes: [summary(), summary({ series: TOKEN })], windows: [window()] });
    const lanes = (part: Partial<Filter>) => readReport(reportData(some), { ...NO_FILTER, ...part }).lanes;
    expect(lanes({}).map(({ probe }) => probe)).toEqual(['server-list', 'token']);
    expect(lanes({ probe: 'token' }).map(({ probe }) => probe)).toEqual(['token']);
    expect(lanes({ text: 'nowhere' }).map(({ windows }) => windows.length)).toEqual([0, 0]);
  });
});

const task = (index: number): TaskBar => ({
  name: `role${index % 7} : step ${index % 100}`,
  handler: false,
  status: 'ok',
  start: BEGAN + index,
  end: BEGAN + index + 1,
});

describe('a search in 10,000 tasks', () => {
  const tasks = Array.from({ length: 10_000 }, (_, index) => task(index));

  it('marks those with every word, in any order and case', () => {
    const found = matchingTasks(tasks, 'STEP 42 role3');
    const expected = tasks.map(({ name }) => Number(/^role3 : step 42$/.test(name)));
    expect(Array.from(found ?? [])).toEqual(expected);
    expect(expected.filter((mark) => mark === 1).length).toBeGreaterThan(10);
  });

  it('marks nothing without words', () => {
    expect(matchingTasks(tasks, ' ')).toBeNull();
  });
});

it('lanes are grouped by cloud when there are many', () => {
  const clouds = ['a', 'b', 'c'];
  const probes = clouds.flatMap((cloud) =>
    (['new', 'reused', ''] as const).map((connection) => summary({ series: { ...LIST_NEW, cloud, connection } })),
  );
  const groupsOf = (count: number) =>
    readReport(reportData(report({ run: { ...report().run, clouds }, probes: probes.slice(0, count) }))).lanes.map(
      ({ group }) => group,
    );
  expect(groupsOf(9)).toEqual(['a', 'a', 'a', 'b', 'b', 'b', 'c', 'c', 'c']);
  expect(groupsOf(6)).toEqual([null, null, null, null, null, null]);
});
