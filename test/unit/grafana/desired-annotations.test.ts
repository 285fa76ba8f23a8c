import { describe, expect, it } from 'vitest';
import type { Annotation } from '../../../src/domain/upgrade/annotation.ts';
import { blamed } from '../../../src/domain/upgrade/attribution.ts';
import { taskDowntimes } from '../../../src/domain/upgrade/task-downtime.ts';
import { createTaskBook } from '../../../src/domain/upgrade/task-registry.ts';
import { createWanted } from '../../../src/grafana/desired-annotations.ts';
import { around, BEGAN, BOOT, report, window } from '../../support/live.ts';
import { task } from '../../support/tasks.ts';
import { phaseVerdict } from '../../support/verdicts.ts';

const annotation = (facts: Partial<Annotation> = {}): Annotation => ({
  id: 7,
  time: BEGAN,
  timeEnd: BEGAN,
  text: '<b>deployed</b>',
  tags: ['release'],
  data: null,
  dashboardUid: '',
  panelId: 0,
  created: BEGAN,
  updated: BEGAN,
  deleted: false,
  ...facts,
});

describe('what should stand in Grafana', () => {
  it('is a window with its cause and its task, and with how long it was once that is certain', () => {
    const book = createTaskBook();
    book.tell(
      task({ id: 'a', name: 'stop <nova-api>', kind: 'handler', start: BEGAN + 299_000, end: BEGAN + 302_000 }),
    );
    const of = (facts: object) =>
      createWanted({ tasks: false })({
        report: report({ windows: blamed([window({ id: 'down-prod-1', ...facts })], { tasks: book, phases: [] }) }),
        annotations: [],
      })[0];
    expect(of({ end: null })).toEqual({
      key: 'window:down-prod-1',
      tags: [
        'rollwatch',
        'downtime',
        'prod',
        'server-list',
        'window:down-prod-1',
        'run:run-1',
        'downtime:prod/lab/server-list',
      ],
      time: BEGAN + 300_000,
      timeEnd: null,
      text: 'DOWN server-list new\nconnection-refused by nova-api\nhttp-503 by load-balancer\nbegan in handler &#39;stop &lt;nova-api&gt;&#39;',
    });
    expect(of({ end: around(307), provisional: true })?.timeEnd).toBeNull();
    const over = of({ end: around(307) });
    expect(over?.timeEnd).toBe(BEGAN + 307_000);
    expect(over?.text).toMatch(
      /^DOWN server-list new for 7\.0 s \(6\.0 to 8\.0 s\)\nconnection-refused by nova-api \(10\)\n/,
    );
  });

  it('is each stretch of a phase, with its verdict once it is over', () => {
    const phase = phaseVerdict({ name: 'maintenance', promise: 'Expect API downtime.', running: true });
    const wanted = (running: boolean) =>
      createWanted({ tasks: false })({
        report: report({ verdict: { plan: 'p', result: 'fail', phases: [{ ...phase, running }] } }),
        annotations: [],
      });
    expect(wanted(true).map(({ timeEnd, text }) => [timeEnd, text])).toEqual([
      [null, 'phase maintenance\nExpect API downtime.'],
    ]);
    expect(wanted(false).map(({ timeEnd, text }) => [timeEnd, text])).toEqual([
      [phase.stretches[0]?.until, 'phase maintenance\nExpect API downtime.\nfail'],
    ]);
  });

  it('is each task, but for those that only Grafana told of, which are passed on as they came', () => {
    const book = createTaskBook();
    book.tell(task({ id: 'a', name: 'one', start: BEGAN, end: BEGAN + 1500 }));
    book.tell(task({ id: 'b', name: 'two', source: 'grafana', start: BEGAN + 5000, end: null }));
    const told = { report: report({ tasks: taskDowntimes(book.all(), []) }), annotations: [annotation()] };
    expect(createWanted({ tasks: true })(told).map(({ key, text }) => [key, text])).toEqual([
      ['annotation:7', '<b>deployed</b>'],
      ['task:a', 'task &#39;one&#39;, ok after 1.5 s\ncontroller'],
    ]);
    expect(createWanted({ tasks: false })(told).map(({ key }) => key)).toEqual(['annotation:7']);
  });

  it('leaves out what was taken back, and what has come back to us from a Grafana that is us', () => {
    const annotations = [
      annotation({ deleted: true }),
      annotation({ id: 8, tags: ['rollwatch', 'window:x', 'run:run-1'] }),
    ];
    expect(createWanted({ tasks: true })({ report: report(), annotations })).toEqual([]);
  });

  it('bears a tag for whatever the variables of the dashboards choose it by', () => {
    const book = createTaskBook();
    book.tell(task({ id: 'a', start: BEGAN, end: BEGAN + 1500 }));
    const wantedOf = createWanted({ tasks: true });
    const { overall, servers } = report();
    const scopes = (clouds: readonly string[]) =>
      wantedOf({
        report: report({
          clouds: clouds.map((cloud) => ({ cloud, vantage: 'lab', overall, servers })),
          windows: [window(), window({ kind: 'degraded', series: BOOT })],
          verdict: { phases: [phaseVerdict({})] },
          tasks: taskDowntimes(book.all(), []),
        }),
        annotations: [annotation()],
      }).map(({ tags }) => tags.filter((tag) => /^(downtime|degraded|phases|tasks):/.test(tag)));
    expect(scopes(['prod'])).toEqual([
      ['downtime:prod/lab/server-list'],
      ['degraded:prod/lab/server-boot'],
      ['phases:prod/lab'],
      [],
      ['tasks:prod/lab'],
    ]);
    // a task that was known before the second cloud is of both
    expect(scopes(['prod', 'test']).at(-1)).toEqual(['tasks:prod/lab', 'tasks:test/lab']);
  });

  it('stays within the 500 characters that Grafana has for tags', () => {
    const long = 'x'.repeat(300);
    const windows = [
      window({
        id: `down-${long}`,
        series: { ...window(), cloud: long, interval: 1000, cover: 1500, slow: 1000 } as never,
      }),
    ];
    const annotations = [annotation({ tags: [long, long, long, long, long, long, long] })];
    const book = createTaskBook();
    book.tell(task({ id: 'a', start: BEGAN, end: BEGAN + 1500 }));
    const { overall, servers } = report();
    const clouds = Array.from({ length: 30 }, (_, index) => ({
      cloud: `${index}${long}`,
      vantage: 'lab',
      overall,
      servers,
    }));
    const told = { report: report({ windows, clouds, tasks: taskDowntimes(book.all(), []) }), annotations };
    for (const { tags, key } of createWanted({ tasks: true })(told)) {
      expect(JSON.stringify(tags).length).toBeLessThanOrEqual(500);
      for (const tag of tags) expect(tag.split(':')[1]?.length ?? 0).toBeLessThanOrEqual(100);
      expect(tags).toContain(key);
    }
  });
});
