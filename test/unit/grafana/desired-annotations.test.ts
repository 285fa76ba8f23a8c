import { describe, expect, it } from 'vitest';
import type { Annotation } from '../../../src/domain/upgrade/annotation.ts';
import { attributeWindows } from '../../../src/domain/upgrade/attribution.ts';
import { taskDowntimes } from '../../../src/domain/upgrade/task-downtime.ts';
import { createTaskRegistry } from '../../../src/domain/upgrade/task-registry.ts';
import { createDesiredAnnotations } from '../../../src/grafana/desired-annotations.ts';
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

describe('desired annotations', () => {
  it('include each window with its cause and task, and its duration once it is final', () => {
    const registry = createTaskRegistry();
    registry.report(
      task({ id: 'a', name: 'stop <nova-api>', kind: 'handler', start: BEGAN + 299_000, end: BEGAN + 302_000 }),
    );
    const of = (facts: object) =>
      createDesiredAnnotations({ tasks: false })({
        report: report({
          windows: attributeWindows([window({ id: 'down-prod-1', ...facts })], {
            tasks: registry,
            phases: [],
            probes: [],
          }),
        }),
        annotations: [],
      }).find(({ key }) => key.startsWith('window:'));
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
      text: 'DOWN server-list new\nconnection-refused (nova-api)\nhttp-503 (load-balancer)\nattributed to handler &#39;stop &lt;nova-api&gt;&#39;',
    });
    expect(of({ end: around(307), provisional: true })?.timeEnd).toBeNull();
    const closed = of({ end: around(307) });
    expect(closed?.timeEnd).toBe(BEGAN + 307_000);
    expect(closed?.text).toMatch(
      /^DOWN server-list new for 7\.0 s \(6\.0 to 8\.0 s\)\n10 connection-refused \(nova-api\)\n/,
    );
  });

  it('include each incident with its sentence', () => {
    const of = (facts: object) =>
      createDesiredAnnotations({ tasks: false })({
        report: report({ windows: [window(facts)], run: { ...report().run, running: true } }),
        annotations: [],
      })[0];
    expect(of({ end: null })).toEqual({
      key: 'incident:incident-prod-lab-server-list-new-1-300',
      tags: [
        'rollwatch',
        'incident',
        'prod',
        'incident:incident-prod-lab-server-list-new-1-300',
        'run:run-1',
        'incidents:prod/lab',
      ],
      time: BEGAN + 300_000,
      timeEnd: null,
      text: 'The API has been down since 07:15:00.0 UTC.',
    });
    expect(of({ end: around(307) })).toMatchObject({
      timeEnd: BEGAN + 307_000,
      text: 'The API was down for 7.0 s (6.0 to 8.0 s) from 07:15:00.0 UTC.',
    });
  });

  it('include each active period of a phase, with the result once it is over', () => {
    const phase = phaseVerdict({ name: 'maintenance', promise: 'Expect API downtime.', running: true });
    const desired = (running: boolean) =>
      createDesiredAnnotations({ tasks: false })({
        report: report({ verdict: { plan: 'p', result: 'fail', phases: [{ ...phase, running }] } }),
        annotations: [],
      });
    expect(desired(true).map(({ timeEnd, text }) => [timeEnd, text])).toEqual([
      [null, 'phase maintenance\nExpect API downtime.'],
    ]);
    expect(desired(false).map(({ timeEnd, text }) => [timeEnd, text])).toEqual([
      [phase.intervals[0]?.until, 'phase maintenance\nExpect API downtime.\nfail'],
    ]);
  });

  it('include each task, except those known only from Grafana, whose annotations are forwarded unchanged', () => {
    const registry = createTaskRegistry();
    registry.report(task({ id: 'a', name: 'one', start: BEGAN, end: BEGAN + 1500 }));
    registry.report(task({ id: 'b', name: 'two', source: 'grafana', start: BEGAN + 5000, end: null }));
    const source = { report: report({ tasks: taskDowntimes(registry.all(), []) }), annotations: [annotation()] };
    expect(createDesiredAnnotations({ tasks: true })(source).map(({ key, text }) => [key, text])).toEqual([
      ['annotation:7', '<b>deployed</b>'],
      ['task:a', 'task &#39;one&#39;, ok after 1.5 s\ncontroller'],
    ]);
    expect(createDesiredAnnotations({ tasks: false })(source).map(({ key }) => key)).toEqual(['annotation:7']);
  });

  it('exclude deleted annotations, and those of this daemon that Grafana sent back', () => {
    const annotations = [
      annotation({ deleted: true }),
      annotation({ id: 8, tags: ['rollwatch', 'window:x', 'run:run-1'] }),
    ];
    expect(createDesiredAnnotations({ tasks: true })({ report: report(), annotations })).toEqual([]);
  });

  it('have a tag for each combination of dashboard variables that selects them', () => {
    const registry = createTaskRegistry();
    registry.report(task({ id: 'a', start: BEGAN, end: BEGAN + 1500 }));
    const desiredFor = createDesiredAnnotations({ tasks: true });
    const { overall, servers } = report();
    const scopes = (clouds: readonly string[]) =>
      desiredFor({
        report: report({
          clouds: clouds.map((cloud) => ({ cloud, vantage: 'lab', overall, servers })),
          windows: [window(), window({ kind: 'degraded', series: BOOT })],
          verdict: { phases: [phaseVerdict({})] },
          tasks: taskDowntimes(registry.all(), []),
        }),
        annotations: [annotation()],
      }).map(({ tags }) => tags.filter((tag) => /^(incidents|downtime|degraded|phases|tasks):/.test(tag)));
    expect(scopes(['prod'])).toEqual([
      ['incidents:prod/lab'],
      ['downtime:prod/lab/server-list'],
      ['degraded:prod/lab/server-boot'],
      ['phases:prod/lab'],
      [],
      ['tasks:prod/lab'],
    ]);
    // A task that was known before the second cloud gets the scopes of both.
    expect(scopes(['prod', 'test']).at(-1)).toEqual(['tasks:prod/lab', 'tasks:test/lab']);
  });

  it('stay within the 500 bytes that Grafana stores for tags', () => {
    const long = 'x'.repeat(300);
    const windows = [
      window({
        id: `down-${long}`,
        series: { ...window(), cloud: long, interval: 1000, validFor: 1500, slow: 1000 } as never,
      }),
    ];
    const annotations = [annotation({ tags: [long, long, long, long, long, long, long] })];
    const registry = createTaskRegistry();
    registry.report(task({ id: 'a', start: BEGAN, end: BEGAN + 1500 }));
    const { overall, servers } = report();
    const clouds = Array.from({ length: 30 }, (_, index) => ({
      cloud: `${index}${long}`,
      vantage: 'lab',
      overall,
      servers,
    }));
    const source = { report: report({ windows, clouds, tasks: taskDowntimes(registry.all(), []) }), annotations };
    for (const { tags, key } of createDesiredAnnotations({ tasks: true })(source)) {
      expect(JSON.stringify(tags).length).toBeLessThanOrEqual(500);
      for (const tag of tags) expect(tag.split(':')[1]?.length ?? 0).toBeLessThanOrEqual(100);
      expect(tags).toContain(key);
    }
  });
});
