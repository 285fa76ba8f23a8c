import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  type Check,
  type CheckRun,
  type CheckStage,
  checkReports,
  fail,
  pass,
  skip,
} from '../../../src/domain/check.ts';
import type { Report } from '../../../src/domain/run/report.ts';
import { attributeWindows } from '../../../src/domain/upgrade/attribution.ts';
import { taskDowntimes } from '../../../src/domain/upgrade/task-downtime.ts';
import { createTaskRegistry } from '../../../src/domain/upgrade/task-registry.ts';
import { reportText } from '../../../src/report/text/text.ts';
import {
  around,
  BEGAN,
  BOOT,
  LIST_KEPT,
  LIST_NEW,
  NONE,
  overall,
  report,
  summary,
  window,
} from '../../support/live.ts';
import { task } from '../../support/tasks.ts';
import { budget, neverBegun, phaseVerdict } from '../../support/verdicts.ts';

const write = (some: Report, width = 80) => reportText(some, { colour: false, width });
const lines = (some: Report, width = 80) => write(some, width).split('\n');
/** Returns the lines under a heading, up to the next empty line. */
const section = (some: Report, title: string, width = 80) => {
  const all = lines(some, width);
  const from = all.indexOf(title);
  return from < 0 ? [] : all.slice(from + 1, all.indexOf('', from));
};

const run = (stage: CheckStage, cloud: string, ...checks: readonly Check[]): CheckRun => ({
  ...{ stage, cloud, vantage: 'v', at: BEGAN, baseline: '' },
  checks,
});

const OUTAGE = report({
  windows: [window()],
  overall: overall({
    downtime: { min: 6.5, estimate: 6.9, max: 7.4 },
    down: { 'server-list': { min: 6.5, estimate: 6.9, max: 7.4 } },
    outageCount: 1,
  }),
  probes: [
    summary({
      windows: 1,
      availability: 1 - 6.9 / 750,
      downtime: { min: 6.5, estimate: 6.9, max: 7.4 },
      samples: { ok: 731, failed: 8, void: 0, missed: 0, extra: 4 },
    }),
  ],
});

describe('the text report', () => {
  it('starts with how long each service was down', () => {
    expect(lines(OUTAGE)[0]).toBe('The API was down for 7.0 s (6.0 to 8.0 s) from 07:15:00.0 UTC.');
  });

  it('shows the result of the latest checks of each cloud, and what was wrong before', () => {
    const sentences = (...runs: readonly CheckRun[]) => {
      const some = report({ probes: [], checks: checkReports(runs) });
      return lines(some).filter((line) => line.startsWith('The checks'));
    };
    const before = run('before', 'a', pass('x', ''), fail('y', ''));
    expect(sentences(before, run('after', 'a', fail('x', ''), fail('y', '')))).toEqual([
      'The checks after the upgrade found 1 problem: x.',
    ]);
    expect(sentences(before, run('after', 'a', pass('x', ''), fail('y', '')))).toEqual([
      'The checks after the upgrade found only problems that existed before (y).',
    ]);
    expect(
      sentences(run('before', 'a', fail('x', '')), run('after', 'a', pass('x', '')), run('before', 'b', pass('x', ''))),
    ).toEqual(['The checks after the upgrade found no problems.', 'The checks before the upgrade found no problems.']);
  });

  it('counts check results, and checks that passed before and did not run again', () => {
    const checks = checkReports([
      run('before', 'a', pass('x', ''), pass('y', ''), fail('z', '')),
      run('after', 'a', fail('x', 'is broken'), skip('y', 'nobody may'), fail('z', 'as ever'), pass('new', '')),
    ]);
    expect(section(report({ checks }), 'Checks').filter((line) => line.includes('after'))).toEqual([
      '  after, 07:10:00: FAIL (1 pass, 1 fail, 1 fail as before, 1 skipped, of which 1 passed before)',
    ]);
  });

  it('says that nothing was down only for watched services', () => {
    expect(lines(report())[0]).toBe('The API was never down.');
    expect(write(report())).not.toContain('boot');
    const blind = report({ probes: [summary({ samples: { ok: 0, failed: 0, void: 3, missed: 0, extra: 0 } })] });
    expect(lines(blind)[0]).toBe('The state of the API is unknown: there is no valid sample.');
    expect(lines(report({ probes: [] }))[0]).toBe('Nothing was watched: there are no samples.');
  });

  it('names every exceeded budget, and what was not judged', () => {
    const [one, two] = [phaseVerdict({ name: 'one' }), phaseVerdict({ name: 'two' })];
    const text = (facts: object) => write(report({ verdict: { plan: 'p', ...facts } })).replaceAll(/\s+/g, ' ');
    expect(text({ result: 'fail', phases: [one, two, neverBegun('three')] })).toContain(
      'FAIL: one and two exceeded their budgets (plan p). Not judged: three never started.',
    );
    const passed = [phaseVerdict({ name: 'one', result: 'pass', budgets: [budget({ result: 'pass' })] })];
    expect(text({ result: 'pass', phases: passed })).toContain('PASS: every phase stayed within budget (plan p).');
    expect(text({ result: 'pass', phases: [...passed, neverBegun('two'), neverBegun('three')] })).toContain(
      'PASS: one stayed within budget (plan p). Not judged: two and three never started.',
    );
    expect(text({ result: 'not-judged', phases: [neverBegun('two')] })).toContain('NOT JUDGED: ');
  });

  it('says that the quota had no room for a server', () => {
    const voids = [{ kind: 'quota' as const, count: 3, message: 'Quota exceeded for instances' }];
    const probes = [
      summary(),
      summary({ series: BOOT, samples: { ok: 0, failed: 0, void: 3, missed: 0, extra: 0 }, voids }),
    ];
    expect(write(report({ probes })).replaceAll(/\s+/g, ' ')).toContain(
      'The quota had no room for the server of server-boot (3 times), so it is unknown whether servers could be booted then: Quota exceeded for instances. Raise the quota, or free some of it.',
    );
    expect(write(report())).not.toContain('quota');
  });

  it.each([
    [120, 'Expected: maintenance allows 120 s of API downtime; 7.0 s used, 113 s left.'],
    [0, 'Not expected: maintenance allows no API downtime.'],
  ])('says whether the plan expected an outage: %d s', (limit, expected) => {
    const measured = { min: 6, estimate: 7, max: 8 };
    const result = limit === 0 ? 'fail' : 'pass';
    const maintenance = phaseVerdict({ budgets: [budget({ limit, measured, result })], result });
    const judged = report({
      windows: [window({ phase: 'maintenance' })],
      verdict: { plan: 'p', result, phases: [maintenance] },
    });
    expect(write(judged, 200)).toContain(`from 07:15:00.0 UTC. ${expected}`);
  });

  it('counts outages, not the windows of each connection', () => {
    const both = [
      window(),
      window({ series: LIST_KEPT, start: around(301) }),
      window({ start: around(500), end: around(501) }),
    ];
    const downtime = { min: 7, estimate: 8, max: 9 };
    const all = overall({ byProbe: new Map([['server-list', { downtime, settledDowntime: 8, outageCount: 2 }]]) });
    expect(lines(report({ windows: both, overall: all }))).toContain(
      'The API was down for 8.0 s (7.0 to 9.0 s) in 2 windows.',
    );
  });

  it('says that a service is still down', () => {
    const open = window({ end: null });
    const { run } = report();
    const all = overall({ down: { 'server-list': { min: 6, estimate: 7, max: 8 } } });
    const running = report({ windows: [open], run: { ...run, running: true }, overall: all });
    expect(lines(running)[0]).toBe('The API has been down since 07:15:00.0 UTC.');
    expect(section(running, 'Windows')).toContain('        from 07:15:00.000 (-0.500 +0.500 s), not over yet');
  });

  it('distinguishes several clouds', () => {
    const { run } = report();
    const far = { ...LIST_NEW, cloud: 'far' };
    const two = report({
      run: { ...run, clouds: ['prod', 'far'] },
      probes: [summary(), summary({ series: far, windows: 1 })],
      windows: [window({ series: far })],
      clouds: [
        { cloud: 'prod', vantage: 'lab', overall: overall(), servers: { created: 0, deleted: 0, leaked: 0 } },
        {
          cloud: 'far',
          vantage: 'lab',
          overall: overall({ down: { 'server-list': { min: 6, estimate: 7, max: 8 } } }),
          servers: { created: 0, deleted: 0, leaked: 0 },
        },
      ],
    });
    expect(lines(two).slice(0, 2)).toEqual([
      'far: The API was down for 7.0 s (6.0 to 8.0 s) from 07:15:00.0 UTC.',
      'prod from lab: The API was never down.',
    ]);
    expect(section(two, 'Downtime')[2]).toMatch(/^ {2}far server-list new /);
  });

  it('shows unobserved time, and leftover servers', () => {
    const text = write(
      report({ probes: [summary({ unobserved: 12 })], servers: { created: 5, deleted: 3, leaked: 2 } }),
    );
    expect(text).toContain('Up to 12 s of 12 min 30 s was not observed (state unknown).\n');
    expect(text).toContain("2 test servers may be left: 'rollwatch sweep' lists and deletes them.\n");
    expect(text).toContain('  5 created, 3 deleted, 2 left behind\n');
  });

  it('shows each window with its edges, error bars and causes', () => {
    expect(section(OUTAGE, 'Windows')).toEqual([
      '  DOWN  server-list new  7.0 s (6.0 to 8.0 s)',
      '        from 07:15:00.000 (-0.500 +0.500 s) to 07:15:07.000 (-0.500 +0.500 s)',
      '        12 failed samples: 10 connection-refused (nova-api), 2 http-503',
      '        (load-balancer)',
    ]);
  });

  it('does not count a task that every host skipped', () => {
    const registry = createTaskRegistry();
    registry.report(task({ id: 'skipped', kind: 'handler', hosts: [], start: 1000, end: 2000 }));
    registry.report(task({ id: 'done', kind: 'handler', hosts: ['b'], start: 3000, end: 4000 }));
    expect(section(report({ tasks: taskDowntimes(registry.all(), []) }), 'Tasks with downtime', 100)).toEqual([
      '  1 task in all; none of them has downtime attributed or overlapping.',
    ]);
  });

  it('names the task that a window is attributed to, the other candidates, and the downtime of each task', () => {
    const registry = createTaskRegistry();
    const at = (second: number) => BEGAN + second * 1000;
    const role = 'os_nova';
    registry.report(task({ id: 'a', name: 'Check readiness', start: at(290), end: at(299.9) }));
    registry.report(
      task({ id: 'b', name: 'Stop\u001b[31m services', kind: 'handler', role, start: at(299.9), end: at(302) }),
    );
    const windows = attributeWindows([window()], { tasks: registry, phases: [], probes: [] });
    const attributed = report({ windows, tasks: taskDowntimes(registry.all(), windows) });
    expect(section(attributed, 'Windows', 100).slice(3)).toEqual([
      "        attributed to handler 'Stop\\u001b[31m services' of role os_nova on controller (07:14:59.900",
      "          to 07:15:02.000), or to task 'Check readiness'",
    ]);
    expect(section(attributed, 'Tasks with downtime', 100)).toEqual([
      '  attributed  during  from      on          task',
      "         7 s     2 s  07:14:59  controller  handler 'Stop\\u001b[31m services' of role os_nova",
      '  2 tasks in all.',
    ]);
  });

  it('aligns figures in columns', () => {
    expect(section(OUTAGE, 'Downtime', 100)).toEqual([
      '                   available  down                  windows  longest  slow  unknown',
      '  server-list new    99.08 %  6.9 s (6.5 to 7.4 s)        1      0 s   0 s      0 s',
    ]);
    expect(section(OUTAGE, 'Samples and latency', 100)).toEqual([
      '                    ok  failed  void  missed  extra    p50    p95     p99     max',
      '  server-list new  731       8     0       0      4  42 ms  88 ms  123 ms  514 ms',
    ]);
  });

  it('draws a row for each series that shows even the shortest outage', () => {
    const brief = window({ start: around(300), end: around(300.2), series: LIST_NEW });
    const slow = window({ series: LIST_KEPT, kind: 'degraded', start: around(0), end: around(75) });
    const gaps = [{ from: BEGAN + 675_000, until: BEGAN + 750_000 }];
    const drawn = section(
      report({
        windows: [slow, brief],
        probes: [summary({ windows: 1 }), summary({ series: LIST_KEPT, gaps })],
      }),
      'Timeline',
    );
    expect(drawn.slice(0, 4)).toEqual([
      `  server-list new     ${'─'.repeat(23)}█${'─'.repeat(34)}`,
      `  server-list reused  ${'░'.repeat(6)}${'─'.repeat(46)}${'·'.repeat(6)}`,
      '                      ╵07:10   ╵07:12   ╵07:14   ╵07:16    ╵07:18   ╵07:20',
      '  ─ up   ░ degraded   ▒ partial   █ down   · unobserved',
    ]);
  });

  it('shows times in the requested time zone', () => {
    const text = reportText(OUTAGE, { colour: false, width: 100, zone: 'Europe/Berlin' });
    expect(text).toContain('2026-11-23 08:10:00 to 08:22:30 Europe/Berlin (UTC+01:00)');
    expect(text).toContain('from 08:15:00.000 ');
    expect(() => reportText(OUTAGE, { colour: false, width: 80, zone: 'Mars/Crater' })).toThrow(
      "unknown time zone 'Mars/Crater': use an IANA name such as Europe/Berlin",
    );
  });

  it('shows dates if the run lasts past midnight', () => {
    const { run } = report();
    const long = report({ run: { ...run, endedAt: BEGAN + 86_400_000 }, windows: [window()] });
    expect(write(long, 120)).toContain('from 11-23 07:15:00.000 ');
  });

  it.each([60, 80, 132, 200])('has no line longer than %d columns', (width) => {
    const { run } = report();
    const wide = report({
      ...OUTAGE,
      run: { ...run, id: 'x'.repeat(150), facts: { ['long'.repeat(20)]: 'word '.repeat(60) } },
      probes: [summary({ series: { ...BOOT, cloud: 'c'.repeat(90) } }), ...OUTAGE.probes],
      observationGaps: [{ kind: 'stalled', from: BEGAN, until: BEGAN + 1500, message: 'y'.repeat(300) }],
    });
    expect(lines(wide, width).filter((line) => line.length > width)).toEqual([]);
  });

  it('truncates nothing in a file', () => {
    const { run } = report();
    const wide = report({
      ...OUTAGE,
      run: {
        ...run,
        id: 'x'.repeat(150),
        clouds: ['c'.repeat(90), 'prod'],
        facts: { ['long'.repeat(20)]: 'word '.repeat(60) },
      },
      probes: [summary({ series: { ...BOOT, cloud: 'c'.repeat(90) } }), ...OUTAGE.probes],
      observationGaps: [{ kind: 'stalled', from: BEGAN, until: BEGAN + 1500, message: 'y'.repeat(300) }],
    });
    const text = write(wide, Number.POSITIVE_INFINITY);
    expect(text).not.toContain('…');
    for (const whole of ['x'.repeat(150), 'c'.repeat(90), 'y'.repeat(300)]) expect(text).toContain(whole);
    const [bar = ''] = text.split('\n').filter((line) => /^ {2}\S.*[─▒█·]{20}/.test(line));
    expect(bar.length).toBeLessThan(200);
  });

  it('has the same text with and without colour', () => {
    const coloured = reportText(OUTAGE, { colour: true, width: 80 });
    expect(coloured).not.toBe(write(OUTAGE));
    expect(stripVTControlCharacters(coloured)).toBe(write(OUTAGE));
  });

  it('contains no control sequence from outside', () => {
    const { run } = report();
    const evil = '\u001b]0;owned\u0007\u001b[2J\r\nnext\u202e';
    const text = write(
      report({
        run: { ...run, facts: { [evil]: evil } },
        observationGaps: [{ kind: 'internal', from: BEGAN, until: BEGAN, message: evil }],
      }),
    );
    expect(text).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
  });

  it('lists observation gaps up to a limit, and counts the others', () => {
    const marks = Array.from({ length: 20 }, (_, index) => ({
      kind: 'stalled' as const,
      from: BEGAN + index * 1000,
      until: BEGAN + index * 1000 + 500,
      message: 'the event loop stalled',
    }));
    const shown = section(report({ observationGaps: marks, overall: overall({ downtime: NONE }) }), 'Observation gaps');
    expect(shown[0]).toBe('  stalled 20 times, 10 s.');
    expect(shown[1]).toBe('  07:10:00     0.5 s  the event loop stalled');
    expect(shown.at(-1)).toBe('  and 8 more; the JSON report lists all of them.');
  });
});
