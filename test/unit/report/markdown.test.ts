import { describe, expect, it } from 'vitest';
import type { Report } from '../../../src/domain/run/report.ts';
import { attributeWindows } from '../../../src/domain/upgrade/attribution.ts';
import { taskDowntimes } from '../../../src/domain/upgrade/task-downtime.ts';
import { createTaskRegistry } from '../../../src/domain/upgrade/task-registry.ts';
import { plainMarkdown, reportMarkdown } from '../../../src/report/markdown.ts';
import { around, BEGAN, LIST_NEW, overall, report, summary, window } from '../../support/live.ts';
import { task } from '../../support/tasks.ts';
import { budget, neverBegun, phaseVerdict } from '../../support/verdicts.ts';

const write = (some: Report) => reportMarkdown(some, { colour: false, width: 80 });
/** Returns the lines under a heading, without empty ones. */
const section = (some: Report, title: string) => {
  const [, after = ''] = write(some).split(`### ${title}\n`);
  return (after.split('\n### ')[0] ?? '').split('\n').filter((line) => line !== '');
};

describe('the report as Markdown', () => {
  it('starts with the verdict, then shows how long each service was down', () => {
    const verdict = { plan: 'nova-rolling-upgrade', result: 'fail', phases: [phaseVerdict()] } as const;
    const all = overall({ down: { 'server-list': { min: 6, estimate: 7, max: 8 } } });
    const text = write(report({ verdict, windows: [window()], overall: all }));
    expect(text.split('\n').slice(0, 5)).toEqual([
      '**FAIL: maintenance exceeded its budget (plan nova-rolling-upgrade).**',
      '',
      '- The API was down for 7.0 s (6.0 to 8.0 s) from 07:15:00.0 UTC. Not expected: no phase was under way.',
      '',
      'prod from lab, 2026-11-23 07:10:00 to 07:22:30 UTC (12 min 30 s), run run-1, rollwatch 0.1.0',
    ]);
  });

  it('has all sections even if nothing was watched', () => {
    const empty = report({ probes: [], clouds: [] });
    expect(write(empty)).toBe(`**Nothing was watched: there are no samples.**

prod from lab, 2026-11-23 07:10:00 to 07:22:30 UTC (12 min 30 s), run run-1, rollwatch 0.1.0

### Windows

None.
`);
  });

  it('has a row per series, and distinguishes clouds', () => {
    const run = { ...report().run, clouds: ['prod', 'far'] };
    const far = summary({ series: { ...LIST_NEW, cloud: 'far' }, availability: null });
    expect(section(report({ run, probes: [summary({ windows: 1, longest: 7 }), far] }), 'Downtime')).toEqual([
      '| series | available | down | windows | longest | slow | unknown |',
      '| --- | ---: | --- | ---: | ---: | ---: | ---: |',
      '| prod server-list new | &#60; 100 % | 0 s | 1 | 7 s | 0 s | 0 s |',
      '| far server-list new | \\- | 0 s | 0 | 0 s | 0 s | 0 s |',
    ]);
  });

  it('has a row per budget, and one for each phase that was not judged', () => {
    const budgets = [budget(), budget({ name: 'slowdown', limit: 1.25, measured: null, result: 'not-proven' })];
    const phases = [phaseVerdict({ budgets }), neverBegun()];
    const verdict = { plan: 'p', result: 'fail', phases } as const;
    expect(section(report({ verdict }), 'Phases of the upgrade').slice(2)).toEqual([
      '| maintenance | 07:14:40 | 1 min 0 s | API downtime at most 0 s | 7.0 s (6.0 to 8.0 s) | **FAIL** |',
      '| maintenance |  |  | slowdown of the median list request at most 1.25x | not measured | **not proven** |',
      '| computes |  |  | - | - | not started, not judged |',
    ]);
  });

  it('has a row per window, including an open window', () => {
    const open = window({ end: null, provisional: true, phase: 'maintenance', start: around(700) });
    expect(section(report({ windows: [window(), open] }), 'Windows').slice(2)).toEqual([
      '| **DOWN** | server-list new | 07:15:00.000 (-0.500 +0.500 s) | 07:15:07.000 (-0.500 +0.500 s) ' +
        '| 7.0 s (6.0 to 8.0 s) | 12 failed samples: 10 connection-refused (nova-api), 2 http-503 (load-balancer) | - | - |',
      '| **DOWN** | server-list new | 07:21:40.000 (-0.500 +0.500 s) | not over yet ' +
        '| 7.0 s (6.0 to 8.0 s), open, provisional | 12 failed samples: 10 connection-refused (nova-api), 2 http-503 (load-balancer) ' +
        '| - | maintenance |',
    ]);
  });

  it('counts the windows beyond the limit', () => {
    const windows = Array.from({ length: 53 }, (_, index) => window({ id: `w${index}` }));
    const lines = section(report({ windows }), 'Windows');
    expect([lines.length, lines.at(-1)]).toEqual([53, 'And 3 more; the JSON report lists all of them.']);
  });

  it('names the tasks that windows are attributed to, whatever their names', () => {
    const registry = createTaskRegistry();
    const name = '<script>|`*x*`\n| # [a](http://b)';
    registry.report(task({ id: 'a', name, start: BEGAN + 299_000, end: BEGAN + 302_000 }));
    registry.report(task({ id: 'b', start: BEGAN + 290_000, end: BEGAN + 299_900 }));
    const windows = attributeWindows([window()], { tasks: registry, phases: [], probes: [] });
    const judged = report({ windows, tasks: taskDowntimes(registry.all(), windows) });
    const shown = "task '&#60;script&#62;&#124;&#96;\\*x\\*&#96; &#124; \\# \\[a\\](http:&#8203;//b)'";
    expect(section(judged, 'Windows')[2]).toContain(` | ${shown}, or to 1 other | `);
    expect(section(judged, 'Tasks with downtime').slice(2)).toEqual([
      `| ${shown} | 07:14:59 | 1 | 7 s | 2 s |`,
      '2 tasks in all.',
    ]);
  });

  it('distinguishes handlers with the same name by their hosts, and counts none that every host skipped', () => {
    const registry = createTaskRegistry();
    const handler = (id: string, hosts: readonly string[], from: number) =>
      task({ id, kind: 'handler', name: 'Restart', hosts, start: BEGAN + from, end: BEGAN + from + 3000 });
    registry.report(handler('a', ['control1'], 298_000));
    registry.report(handler('b', ['control2', 'control3', 'control4'], 301_500));
    registry.report(handler('c', [], 310_000));
    const windows = attributeWindows([window()], { tasks: registry, phases: [], probes: [] });
    const judged = report({ windows, tasks: taskDowntimes(registry.all(), windows) });
    expect(section(judged, 'Windows')[2]).toContain("handler 'Restart' on control1");
    expect(section(judged, 'Tasks with downtime').slice(2)).toEqual([
      "| handler 'Restart' on control1 | 07:14:58 | 1 | 7 s | 1 s |",
      "| handler 'Restart' on control2, control3 and 1 more | 07:15:01 | 0 | 0 s | 3 s |",
      '2 tasks in all.',
    ]);
  });
});

describe('text in Markdown', () => {
  it.each([
    ['a | b', 'a &#124; b'],
    ['a\\| b', 'a&#92;&#124; b'],
    ['`rm`', '&#96;rm&#96;'],
    ['<b>&amp;</b>', '&#60;b&#62;&#38;&#8203;amp;&#60;/b&#62;'],
    ['[x](y) ![z](q)', '\\[x\\](y) !&#8203;\\[z\\](q)'],
    ['os_nova **x** ~~y~~', 'os\\_nova \\*\\*x\\*\\* \\~&#8203;\\~&#8203;y\\~&#8203;\\~'],
    ['a\r\n\r\n# b\u0000\u202e', 'a \\# b&#92;u0000&#92;u202e'],
    ['- a', '\\- a'],
    ['1. a', '1\\. a'],
    ['2.1 and 07:15:00', '2.1 and 07:15:00'],
    ['@all #1 !2 $3', '@&#8203;all \\#&#8203;1 !&#8203;2 \\$&#8203;3'],
    ['https://a www.b.c :boom:', 'https:&#8203;//a www&#8203;.b.c :&#8203;boom:'],
  ])('%j has no effect', (text, shown) => {
    expect(plainMarkdown(text)).toBe(shown);
  });
});
