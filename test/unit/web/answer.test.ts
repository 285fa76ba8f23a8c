import { describe, expect, it } from 'vitest';
import { toApiStatus } from '../../../src/api/status.ts';
import type { Series } from '../../../src/domain/sample.ts';
import type { PhaseVerdict } from '../../../src/domain/upgrade/verdict.ts';
import { reportData } from '../../../src/report/json.ts';
import { downByCloud, downWord, expectations, titleOf, verdictSoFar, whatIsDown } from '../../../src/web/answer.ts';
import { BOOT, LIST_KEPT, LIST_NEW, live, liveSeries, NONE, report, TOKEN, window } from '../../support/live.ts';
import { budget, phaseVerdict } from '../../support/verdicts.ts';

const statusOf = (down: readonly Series[], up: readonly Series[] = []) =>
  toApiStatus(
    live({
      series: [
        ...down.map((series) => liveSeries({ series, status: 'down', open: window({ series, end: null }) })),
        ...up.map((series) => liveSeries({ series })),
      ],
    }),
  );

const SEVEN = { min: 6, estimate: 7, max: 8 };
const reportOf = (phase: Partial<PhaseVerdict>, facts: Parameters<typeof report>[0] = {}) =>
  reportData(
    report({
      run: { ...report().run, running: true },
      verdict: { plan: 'p', result: phase.result ?? 'pass', phases: [phaseVerdict({ running: true, ...phase })] },
      ...facts,
    }),
  );

describe('whether an outage is expected', () => {
  const listDown = statusOf([LIST_NEW, LIST_KEPT]);

  it('says how much of the budget is used and left while the phase allows it', () => {
    const allowed = reportOf({ budgets: [budget({ limit: 120, measured: SEVEN, result: 'pass' })], result: 'pass' });
    expect(expectations(listDown, allowed)).toEqual([
      { tone: 'good', text: 'Expected: maintenance allows 120 s of API downtime; 7.0 s used, 113 s left.' },
    ]);
  });

  it('warns when the error bar reaches the budget', () => {
    const nearly = reportOf({ budgets: [budget({ limit: 7.5, measured: SEVEN, result: 'not-proven' })] });
    expect(expectations(listDown, nearly)).toEqual([
      {
        tone: 'warn',
        text: 'Expected, but the budget may be used up: maintenance allows 7.5 s of API downtime; 7.0 s used, 0.5 s left.',
      },
    ]);
  });

  it('says that it is not expected where the phase allows none, before anything is measured', () => {
    const none = reportOf({ budgets: [budget({ limit: 0, measured: { ...NONE, max: 1 }, result: 'not-proven' })] });
    expect(expectations(listDown, none)).toEqual([
      { tone: 'bad', text: 'Not expected: maintenance allows no API downtime.' },
    ]);
  });

  it('says that it is not expected when another budget of the API is exceeded', () => {
    const failing = reportOf({
      budgets: [
        budget({ limit: 120, measured: SEVEN, result: 'pass' }),
        budget({ name: 'longest_window', limit: 5, measured: SEVEN, result: 'fail' }),
      ],
    });
    expect(expectations(listDown, failing)).toEqual([
      {
        tone: 'bad',
        text: 'Not expected in maintenance. Longest API window: 7.0 s (6.0 to 8.0 s), over the budget of 5 s even at the minimum.',
      },
    ]);
  });

  it('says that it is not expected when more boots failed than the phase allows', () => {
    const failing = reportOf({
      budgets: [
        budget({ name: 'boot_downtime', limit: 120, measured: SEVEN, result: 'pass' }),
        budget({ name: 'failed_boots', limit: 0, measured: { min: 2, estimate: 2, max: 2 }, result: 'fail' }),
      ],
    });
    expect(expectations(statusOf([BOOT]), failing)).toEqual([
      { tone: 'bad', text: 'Not expected in maintenance. Failed boots: 2, over the budget of 0.' },
    ]);
  });

  it('judges each kind of downtime that is open, worst first, and skips those without a budget', () => {
    const mixed = reportOf({
      budgets: [
        budget({ limit: 120, measured: SEVEN, result: 'pass' }),
        budget({ name: 'boot_downtime', limit: 0, measured: SEVEN, result: 'fail' }),
      ],
    });
    expect(expectations(statusOf([LIST_NEW, BOOT, TOKEN]), mixed).map(({ text }) => text)).toEqual([
      'Not expected: maintenance allows no boot downtime.',
      'Expected: maintenance allows 120 s of API downtime; 7.0 s used, 113 s left.',
    ]);
    expect(expectations(statusOf([TOKEN]), mixed)).toEqual([
      { tone: 'unknown', text: 'The plan has no budget for token downtime in maintenance.' },
    ]);
  });

  it('is not expected outside every phase, and unknown without a plan', () => {
    const ended = reportOf({ running: false });
    expect(expectations(listDown, ended)).toEqual([
      { tone: 'bad', text: 'Not expected: no phase allows API downtime now.' },
    ]);
    expect(expectations(listDown, reportData(report()))).toEqual([]);
    expect(expectations(statusOf([], [LIST_NEW]), ended)).toEqual([]);
  });
});

describe('the verdict so far', () => {
  it('quotes the budgets that are the reason', () => {
    const failing = reportOf({
      budgets: [
        budget({ limit: 5, measured: SEVEN, result: 'fail' }),
        budget({ name: 'boot_downtime', limit: 7, measured: SEVEN, result: 'not-proven' }),
      ],
      result: 'fail',
    });
    expect(verdictSoFar(failing)).toEqual({
      result: 'fail',
      word: 'FAIL so far:',
      text: 'maintenance: API downtime: 7.0 s (6.0 to 8.0 s), over the budget of 5 s even at the minimum',
    });
  });

  it('is worse than that of the report once open downtime has exceeded a budget', () => {
    const grown = reportOf({ budgets: [budget({ limit: 5, measured: SEVEN, result: 'fail' })], result: 'pass' });
    expect(grown.verdict.result).toBe('pass');
    expect(verdictSoFar(grown)?.result).toBe('fail');
  });

  it('names a phase once, and counts the budgets that it does not quote', () => {
    const failing = reportOf({
      budgets: (['api_downtime', 'boot_downtime', 'longest_window'] as const).map((name) =>
        budget({ name, limit: 5, measured: SEVEN, result: 'fail' }),
      ),
    });
    const over = '7.0 s (6.0 to 8.0 s), over the budget of 5 s even at the minimum';
    expect(verdictSoFar(failing)?.text).toBe(
      `maintenance: API downtime: ${over}; boot downtime: ${over} and 1 other budget`,
    );
  });

  it('names what stayed within budget', () => {
    const passing = reportOf({ budgets: [budget({ limit: 10, measured: SEVEN, result: 'pass' })], result: 'pass' });
    expect(verdictSoFar(passing)).toEqual({ result: 'pass', word: 'PASS so far:', text: 'maintenance within budget' });
  });

  it('is absent without a plan', () => {
    expect(verdictSoFar(reportData(report()))).toBeNull();
  });
});

describe('the headline and the title', () => {
  const other: Series = { ...LIST_NEW, cloud: 'staging' };

  it('names kinds of downtime, not series', () => {
    expect(whatIsDown(statusOf([LIST_NEW, LIST_KEPT, BOOT], [TOKEN]))).toBe('API and boot');
    expect(whatIsDown(statusOf([], [TOKEN]))).toBe('');
  });

  it('says that it is only partly down if some requests succeed everywhere', () => {
    const partly = toApiStatus(live({ series: [liveSeries({ status: 'partial' }), liveSeries({ series: TOKEN })] }));
    expect(`${whatIsDown(partly)} ${downWord(partly)}`).toBe('API partly down');
    expect(titleOf(partly, { clouds: ['prod'], lost: false })).toBe('▼ PARTLY DOWN prod - Rollwatch');
    const mixed = live({ series: [liveSeries({ status: 'partial' }), liveSeries({ series: BOOT, status: 'down' })] });
    expect(downWord(toApiStatus(mixed))).toBe('down');
  });

  it('counts clouds if there are several', () => {
    const status = statusOf([LIST_NEW, LIST_KEPT, BOOT], [other]);
    expect(whatIsDown(status)).toBe('1 of 2 clouds');
    expect(downByCloud(status)).toBe('prod (API, boot)');
    expect(titleOf(status, { clouds: ['prod', 'staging'], lost: false })).toBe('▼ DOWN 1 of 2 clouds - Rollwatch');
  });

  it('is short, however many clouds there are', () => {
    const clouds = Array.from({ length: 20 }, (_, index) => `cloud-${index}`);
    const down = statusOf(clouds.map((cloud) => ({ ...LIST_NEW, cloud })));
    expect(titleOf(down, { clouds, lost: false })).toBe('▼ DOWN 20 of 20 clouds - Rollwatch');
    expect(downByCloud(down)).toBe('cloud-0 (API), cloud-1 (API), cloud-2 (API) and 17 more');
  });

  it('says when the daemon is silent', () => {
    expect(titleOf(statusOf([LIST_NEW]), { clouds: ['prod'], lost: true })).toBe('? prod - Rollwatch');
    expect(titleOf(statusOf([], [LIST_NEW]), { clouds: ['prod'], lost: false })).toBe('● up prod - Rollwatch');
  });
});
