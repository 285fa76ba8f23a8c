import { describe, expect, it } from 'vitest';
import { liveLine } from '../../../src/report/text/live-line.ts';
import { around, BEGAN, BOOT, LIST_KEPT, live, liveSeries, overall, report, window } from '../../support/live.ts';
import { task } from '../../support/tasks.ts';

const running = report({ run: { ...report().run, running: true } });

const known = { ...task({ name: 'Stop\tservices' }), sources: ['callback' as const], lastedUntil: Infinity };

describe('the live line', () => {
  it('shows since when everything is up, and the latency', () => {
    expect(liveLine(live(), 120)).toBe('07:22:30 UP for 12 min 30 s | no downtime | server-list new 42 ms');
    const windows = [window()];
    const all = overall({ downtime: { min: 6, estimate: 7, max: 8 }, outageCount: 1 });
    expect(liveLine(live({ report: report({ ...running, windows, overall: all }) }), 120)).toBe(
      '07:22:30 UP for 7 min 23 s | down 7.0 s (6.0 to 8.0 s) in 1 window | server-list new 42 ms',
    );
  });

  it('shows first what is down, and why', () => {
    const open = window({ series: LIST_KEPT, start: around(700), end: null });
    const all = overall({ downtime: { min: 48, estimate: 50, max: 50.5 }, outageCount: 1 });
    const now = live({
      report: report({ ...running, windows: [open], overall: all }),
      series: [liveSeries(), liveSeries({ series: LIST_KEPT, status: 'down', open })],
    });
    expect(liveLine(now, 200)).toMatch(
      /^07:22:30 DOWN server-list for 50 s: connection-refused \(nova-api\) \| down 50\.0 s \(48\.0 to 50\.5 s\) in 1 window \|/,
    );
  });

  it('shows a request in flight once it takes unusually long', () => {
    const pending = { since: BEGAN + 746_000, note: '' };
    const boot = liveSeries({ series: BOOT, pending: { since: BEGAN + 744_000, note: 'BUILD/scheduling' } });
    expect(liveLine(live({ series: [liveSeries({ pending }), boot] }), 200)).toContain(
      ' | server-list new: no answer for 4 s | boot BUILD/scheduling 6 s | ',
    );
    const brief = liveSeries({ pending: { since: BEGAN + 749_500, note: '' } });
    expect(liveLine(live({ series: [brief] }), 200)).not.toContain('no answer');
  });

  it('shows that the journal does not record, the sampler is silent or a probe is suspended', () => {
    const line = liveLine(
      live({
        journal: { kind: 'stopped', since: BEGAN, reason: 'no space left on device', waiting: 300, dropped: 0 },
        health: { at: BEGAN + 740_000, lag: 250, inFlight: 0, suspended: {}, clockOffset: 0 },
        series: [liveSeries({ series: BOOT, suspended: '5 servers cannot be deleted' })],
      }),
      300,
    );
    expect(line).toContain('NOT RECORDING: no space left on device (300 waiting)');
    expect(line).toContain('sampler silent for 10 s');
    expect(line).toContain('sampler late by 250 ms');
    expect(line).toContain('server-boot suspended: 5 servers cannot be deleted');
  });

  it('shows that it is paused, starting or without valid samples', () => {
    const unknown = liveSeries({ status: 'unknown', suspended: 'paused', last: null });
    expect(liveLine(live({ paused: true, series: [unknown] }), 80)).toBe('07:22:30 PAUSED | no downtime');
    expect(liveLine(live({ series: [] }), 80)).toBe('07:22:30 STARTING | no downtime');
    expect(liveLine(live({ series: [{ ...unknown, suspended: null }] }), 80)).toBe('07:22:30 UNKNOWN | no downtime');
  });

  it('is one line, never wider than the terminal', () => {
    const suspended = liveSeries({ suspended: 'a\nb'.repeat(100) });
    for (const width of [20, 80, 300]) {
      const line = liveLine(live({ series: [suspended] }), width);
      expect(line.length).toBeLessThanOrEqual(width);
      expect(line).not.toContain('\n');
    }
  });

  it.each([
    [{ phase: 'computes' }, 'phase computes'],
    [{ running: [known] }, "'Stop services'"],
    [{ phase: 'computes', running: [known] }, "computes: 'Stop services'"],
  ])('shows the progress of the upgrade: %j', (facts, says) => {
    expect(liveLine(live(facts), 160).split(' | ')).toContain(says);
  });

  it.each([
    [
      119,
      "07:22:30 DOWN server-list, server-boot for 50 s: connection-refused (nova-api) | maintenance: 'stop nova-a…down here)'…",
    ],
    [90, "07:22:30 DOWN server-list, server-boot for 50 s: connection-refused (nova-api) | 'stop no…"],
    [
      180,
      "07:22:30 DOWN server-list, server-boot for 50 s: connection-refused (nova-api) | maintenance: 'stop nova-api (the API is down here)' | boot BUILD/scheduling 6 s | no downtime | se…",
    ],
  ])('names the task as far as %i columns allow', (width, line) => {
    const open = (series: typeof BOOT) => window({ series, start: around(700), end: null });
    const pending = { since: BEGAN + 744_000, note: 'BUILD/scheduling' };
    const now = live({
      phase: 'maintenance',
      running: [{ ...known, name: 'stop nova-api (the API is down here)' }],
      series: [
        liveSeries(),
        liveSeries({ series: LIST_KEPT, status: 'down', open: open(LIST_KEPT) }),
        liveSeries({ series: BOOT, status: 'down', open: open(BOOT), pending }),
      ],
    });
    expect(liveLine(now, width)).toBe(line);
  });
});
