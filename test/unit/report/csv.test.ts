import { describe, expect, it } from 'vitest';
import { type AttributedWindow, attributeWindows } from '../../../src/domain/upgrade/attribution.ts';
import { createTaskRegistry } from '../../../src/domain/upgrade/task-registry.ts';
import { reportCsv, sampleCsv } from '../../../src/report/csv.ts';
import { BEGAN, LIST_NEW, report, window } from '../../support/live.ts';
import { failedSample } from '../../support/samples.ts';
import { task } from '../../support/tasks.ts';

const HEAD =
  'id,cloud,vantage,probe,connection,kind,phase,start_earliest,start_estimate,start_latest,' +
  'end_earliest,end_estimate,end_latest,duration_min,duration_estimate,duration_max,failed_samples,causes,' +
  'task_name,task_kind,task_role,task_source,candidates,provisional,target,' +
  'downtime_min,downtime_estimate,downtime_max,failed_share,failed_share_min,failed_share_max,slots,failed_slots,longest_run\r\n';

const rows = (...windows: readonly AttributedWindow[]) => reportCsv(report({ windows })).slice(HEAD.length);

describe('the report as CSV', () => {
  it('of a run without a window is only the header', () => {
    expect(reportCsv(report())).toBe(HEAD);
  });

  it('has a line per window, with the task that it is attributed to and the number of candidates', () => {
    const registry = createTaskRegistry();
    registry.report(task({ id: 'a', start: BEGAN + 299_000, end: BEGAN + 302_000, kind: 'handler', role: 'os_nova' }));
    registry.report(task({ id: 'b', name: 'Wait', start: BEGAN + 290_000, end: BEGAN + 299_900 }));
    const [attributed] = attributeWindows([window()], { tasks: registry, phases: [], probes: [] });
    expect(attributed && rows({ ...attributed, phase: 'maintenance' })).toBe(
      'down-prod-lab-server-list-new-1-300,prod,lab,server-list,new,down,maintenance,' +
        '2026-11-23T07:14:59.500Z,2026-11-23T07:15:00.000Z,2026-11-23T07:15:00.500Z,' +
        '2026-11-23T07:15:06.500Z,2026-11-23T07:15:07.000Z,2026-11-23T07:15:07.500Z,6,7,8,12,' +
        'connection-refused/nova-api=10 http-503/load-balancer=2,Stop services,handler,os_nova,callback,2,false,,6,7,8,,,,7,7,7\r\n',
    );
  });

  it('has empty fields for the end of an open window', () => {
    expect(rows(window({ end: null, provisional: true, causes: [] }))).toBe(
      'down-prod-lab-server-list-new-1-300,prod,lab,server-list,new,down,,' +
        '2026-11-23T07:14:59.500Z,2026-11-23T07:15:00.000Z,2026-11-23T07:15:00.500Z,,,,6,7,8,12,,,,,,0,true,,6,7,8,,,,7,7,7\r\n',
    );
  });

  it('distinguishes clouds', () => {
    const lines = rows(window(), window({ series: { ...LIST_NEW, cloud: 'far' } })).split('\r\n');
    expect(lines.map((line) => line.split(',')[1])).toEqual(['prod', 'far', undefined]);
  });

  it.each([
    ['=HYPERLINK("http://x")', `"'=HYPERLINK(""http://x"")"`],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['a\r\nb, c', '"a b, c"'],
    ['\t=1\u001b[31m', "'=1\\u001b[31m"],
    [' =1', "'=1"],
    ['\uff1d1', "'\uff1d1"],
    ['a\u009b\u202eb', 'a\\u009b\\u202eb'],
  ])('escapes %j, so that it is neither a formula nor a new line', (phase, cell) => {
    expect(rows(window({ phase }))).toContain(`,down,${cell},2026-`);
  });
});

describe('samples as CSV', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['\t@x', "'\t@x"],
    [' \n-1', `"' \n-1"`],
    ['\ud800\u0000\u001b\u009b\u202e\rx', '\ufffd\\u0000\\u001b\\u009b\\u202e\\u000dx'],
  ])('escape %j, so that it is neither a formula nor a control sequence', (message, cell) => {
    const cause = { kind: 'http-500', service: 'nova-api', message } as const;
    const line = sampleCsv({
      ...failedSample({ seq: 0, at: BEGAN }),
      outcome: 'failed',
      lastKnownUpAt: null,
      failureStartedAt: BEGAN,
      settledAt: BEGAN,
      timedOut: false,
      cause,
    });
    expect(line).toContain(`,http-500,nova-api,${cell},,`);
  });
});
