import { describe, expect, it } from 'vitest';
import { toApiReport } from '../../../src/api/report.ts';
import { toApiStatus } from '../../../src/api/status.ts';
import { overallAt, reportAt } from '../../../src/web/at-moment.ts';
import { around, BEGAN, live, liveSeries, overall, report, summary, TOKEN, window } from '../../support/live.ts';
import { budget, measures, phaseVerdict } from '../../support/verdicts.ts';

/** The API has been down since second 300; this is known of second 307. */
const AT = BEGAN + 307_000;
const LATER = AT + 4000;
const SEVEN = { min: 6, estimate: 7, max: 7.5 };
const open = (gaps: readonly { readonly from: number; readonly until: number }[] = []) =>
  window({ end: null, duration: SEVEN, gaps });

const told = (windows = [open()]) => {
  const phase = phaseVerdict({
    running: true,
    measures: measures({ api_downtime: SEVEN, longest_window: SEVEN }),
    budgets: [budget({ limit: 10, measured: SEVEN, result: 'pass' })],
    result: 'pass',
  });
  return report({
    run: { ...report().run, running: true, endedAt: AT },
    overall: overall({ down: { 'server-list': SEVEN } }),
    probes: [summary({ downtime: SEVEN, windows: 1 }), summary({ series: TOKEN })],
    windows,
    verdict: { plan: 'p', phases: [phase] },
  });
};

const face = (windows = [open()]) => toApiReport(told(windows), { summary: [], tasks: 'all' });

describe('a report that is shown some seconds later', () => {
  it('counts on what is down, so that the truth stays within the error bars', () => {
    const later = reportAt(face(), LATER);
    const truth = (LATER - around(300).estimate) / 1000;
    for (const bar of [
      later.overall.probes['server-list']?.downtimeSeconds,
      later.probes[0]?.downtimeSeconds,
      later.windows[0]?.durationSeconds,
      later.phases[0]?.measured?.api_downtime,
      later.phases[0]?.budgets[0]?.measured,
    ]) {
      expect(bar).toEqual({ min: 6, estimate: truth, max: 11.5 });
    }
    expect(later.phases[0]?.measured?.longest_window).toEqual({ min: 6, estimate: 7, max: 11.5 });
    expect(later.phases[0]?.budgets[0]?.result).toBe('not-proven');
    expect([later.overall.probes['token']?.downtimeSeconds.max, later.probes[1]?.downtimeSeconds.max]).toEqual([0, 0]);
  });

  it('counts time that nobody observes for the most alone', () => {
    const blind = [open([{ from: AT - 1000, until: AT }])];
    expect(reportAt(face(blind), LATER).overall.probes['server-list']?.downtimeSeconds).toEqual({
      min: 6,
      estimate: 7,
      max: 11.5,
    });
  });

  it('stays as it is where nothing is down, or the run is over', () => {
    const up = face([window()]);
    expect(reportAt(up, LATER)).toBe(up);
    const over = { ...face(), run: { ...face().run, running: false } };
    expect(reportAt(over, LATER)).toBe(over);
    expect(reportAt(face(), AT - 5000).overall).toEqual(face().overall);
  });
});

it('the downtime beside the banner is that of the banner', () => {
  const status = toApiStatus(
    live({
      at: AT,
      series: [liveSeries({ status: 'down', open: open() }), liveSeries({ series: TOKEN })],
      report: told(),
    }),
  );
  expect(overallAt(status, LATER).probes['server-list']?.downtimeSeconds).toEqual({ min: 6, estimate: 11, max: 11.5 });
  expect(overallAt(status, LATER).probes['token']?.downtimeSeconds).toEqual({ min: 0, estimate: 0, max: 0 });
  expect(overallAt(status, AT)).toEqual(status.overall);
});
