import { describe, expect, it } from 'vitest';
import { toApiReport } from '../../../src/api/report.ts';
import { toApiStatus } from '../../../src/api/status.ts';
import { overallAt, reportAt } from '../../../src/web/extend-to-now.ts';
import { around, BEGAN, live, liveSeries, overall, report, summary, TOKEN, window } from '../../support/live.ts';
import { budget, measures, phaseVerdict } from '../../support/verdicts.ts';

/** The API has been down since second 300; the report is from second 307. */
const AT = BEGAN + 307_000;
const LATER = AT + 4000;
const SEVEN = { min: 6, estimate: 7, max: 7.5 };
const open = (gaps: readonly { readonly from: number; readonly until: number }[] = []) =>
  window({ end: null, duration: SEVEN, gaps });

const reportOf = (windows = [open()]) => {
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

const apiReport = (windows = [open()]) => toApiReport(reportOf(windows), { summary: [], tasks: 'all' });

describe('a report that is shown some seconds later', () => {
  it('extends an open incident, and leaves one that is over as it is', () => {
    const lengths = (windows: Parameters<typeof apiReport>[0]) =>
      [apiReport(windows), reportAt(apiReport(windows), LATER)].map(({ incidents }) => incidents[0]?.durationSeconds);
    const [before, after] = lengths([open()]);
    if (before === undefined) throw new Error('no incident');
    const { min, estimate, max } = before;
    expect(after).toEqual({ min, estimate: estimate + 4, max: max + 4 });
    const [ended, still] = lengths([window()]);
    expect(still).toEqual(ended);
  });

  it('extends open downtime, so that the truth stays within the error bars', () => {
    const later = reportAt(apiReport(), LATER);
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

  it('adds unobserved time to the maximum only', () => {
    const blind = [open([{ from: AT - 1000, until: AT }])];
    expect(reportAt(apiReport(blind), LATER).overall.probes['server-list']?.downtimeSeconds).toEqual({
      min: 6,
      estimate: 7,
      max: 11.5,
    });
  });

  it('does not change if nothing is down or the run has ended', () => {
    const up = apiReport([window()]);
    expect(reportAt(up, LATER)).toBe(up);
    const over = { ...apiReport(), run: { ...apiReport().run, running: false } };
    expect(reportAt(over, LATER)).toBe(over);
    expect(reportAt(apiReport(), AT - 5000).overall).toEqual(apiReport().overall);
  });
});

it('the downtime next to the banner equals that of the banner', () => {
  const status = toApiStatus(
    live({
      at: AT,
      series: [liveSeries({ status: 'down', open: open() }), liveSeries({ series: TOKEN })],
      report: reportOf(),
    }),
  );
  expect(overallAt(status, LATER).probes['server-list']?.downtimeSeconds).toEqual({ min: 6, estimate: 11, max: 11.5 });
  expect(overallAt(status, LATER).probes['token']?.downtimeSeconds).toEqual({ min: 0, estimate: 0, max: 0 });
  expect(overallAt(status, AT)).toEqual(status.overall);
});
