/** `rollwatch status` against a daemon's API with a given state. */

import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import {
  around,
  BEGAN,
  BOOT,
  LIST_KEPT,
  live,
  liveSeries,
  overall,
  report,
  type ShownStatus,
  wholeVerdict,
  window,
} from '../support/live.ts';
import { rollwatch } from '../support/rollwatch.ts';
import { serveHttp } from '../support/scripted-server.ts';
import { serve } from '../support/served.ts';
import { task } from '../support/tasks.ts';

const folder = tmpdir();

const stopping = {
  ...task({ name: 'Stop nova-api', kind: 'handler' as const }),
  sources: ['callback' as const],
  lastedUntil: Infinity,
};
const open = window({ series: LIST_KEPT, start: around(742), end: null, candidates: [stopping] });
const running = { ...report().run, running: true };
const downtime = { min: 7.2, estimate: 8, max: 8.5 };
const allowing = (limit: number) => ({
  name: 'maintenance',
  promise: '',
  planned: true,
  intervals: [{ from: BEGAN + 700_000, until: BEGAN + 750_000 }],
  running: true,
  task: null,
  measures: null,
  budgets: [
    {
      name: 'api_downtime' as const,
      limit,
      measured: downtime,
      unobserved: 0,
      proof: null,
      result: 'not-proven' as const,
    },
  ],
  result: 'not-proven' as const,
  windows: [],
});
const judged = (limit: number) =>
  wholeVerdict({ plan: 'nova-rolling-upgrade', result: 'not-proven', phases: [allowing(limit)] });
const down = live({
  series: [liveSeries(), liveSeries({ series: LIST_KEPT, status: 'down', open })],
  running: [stopping],
  phase: 'maintenance',
  report: report({
    run: running,
    windows: [open],
    overall: overall({ downtime, outageCount: 1 }),
    verdict: judged(120),
  }),
});
const nothing = liveSeries({ status: 'unknown', last: null });

describe('rollwatch status', { timeout: 60_000 }, () => {
  it.each<readonly [string, ShownStatus, number, string]>([
    ['up', live(), 0, 'UP (watched for 12 min 30 s); no downtime'],
    [
      'down in a phase that allows it',
      down,
      1,
      "DOWN for 8 s: The API has been down since 07:22:22.0 UTC, while handler 'Stop nova-api' on controller was running; " +
        'cause: connection-refused (nova-api); ' +
        'phase maintenance (API downtime at most 120 s, used 8.0 s (7.2 to 8.5 s)); ' +
        'down 8.0 s (7.2 to 8.5 s) in 1 window; verdict so far: not proven',
    ],
    [
      'down since a moment, before its window is known',
      live({ series: [liveSeries({ status: 'down' })] }),
      1,
      'DOWN for 1 s since 07:22:29 UTC: server-list new; no downtime',
    ],
    [
      'partly down',
      live({ series: [liveSeries(), liveSeries({ series: LIST_KEPT, status: 'partial' })] }),
      1,
      'PARTLY DOWN for 1 s since 07:22:29 UTC: server-list reused; no downtime',
    ],
    [
      'slow, with a series that is unknown',
      live({ series: [liveSeries({ status: 'degraded' }), liveSeries({ series: BOOT, status: 'unknown' })] }),
      0,
      'SLOW (slow: server-list new; unknown: server-boot; watched for 12 min 30 s); no downtime',
    ],
    ['paused', live({ paused: true, series: [nothing] }), 3, 'PAUSED: nothing is sampled; no downtime'],
    ['starting', live({ series: [nothing] }), 3, 'UNKNOWN: there is no valid sample yet; no downtime'],
    [
      'silent, whatever it saw last',
      { ...down, health: { at: BEGAN + 730_000, lag: 0, inFlight: 0, suspended: {}, clockOffset: 0 }, running: [] },
      3,
      'UNKNOWN: the sampler has been silent for 20 s; ' +
        'phase maintenance (API downtime at most 120 s, used 8.0 s (7.2 to 8.5 s)); ' +
        'down 8.0 s (7.2 to 8.5 s) in 1 window; verdict so far: not proven',
    ],
    [
      'not recording',
      live({ journal: { kind: 'stopped', since: BEGAN, reason: 'no space left', waiting: 300, dropped: 0 } }),
      0,
      'UP (watched for 12 min 30 s); NOT RECORDING: no space left (300 waiting); no downtime',
    ],
  ])('%s: one line, and the exit code says it', async (_state, now, code, line) => {
    await using served = await serve({ now });
    expect(await rollwatch(['status', '--url', served.url], { folder })).toEqual({ code, out: `${line}\n`, err: '' });
  });

  it('--json has the sentence and its parts', async () => {
    await using served = await serve({ now: down });
    const { code, out } = await rollwatch(['status', '--json', '--url', served.url], { folder });
    expect([code, JSON.parse(out)]).toEqual([
      1,
      {
        state: 'down',
        sentence: expect.stringMatching(/^DOWN for 8 s: The API has been down since .* verdict so far: not proven$/),
        url: served.url,
        at: '2026-11-23T07:22:30.000Z',
        run: 'run-1',
        version: '0.1.0',
        paused: false,
        outage: { since: '2026-11-23T07:22:22.000Z', durationSeconds: 8, series: ['server-list reused'] },
        incidents: [
          expect.objectContaining({ kind: 'down', task: expect.objectContaining({ name: 'Stop nova-api' }) }),
        ],
        phase: 'maintenance',
        task: 'Stop nova-api',
        verdict: 'not-proven',
        journal: { state: 'recording' },
      },
    ]);
  });

  it('does not wait long for a daemon that hangs, and says that there is none', async () => {
    const hanging = await serveHttp(() => {});
    try {
      const before = performance.now();
      const ran = await rollwatch(['status', '--url', hanging.url], { folder });
      expect(performance.now() - before).toBeLessThan(20_000);
      expect(ran).toMatchObject({
        code: 3,
        out: '',
        err: expect.stringMatching(/^rollwatch: no daemon at \S+ \(timeout of 3000ms/),
      });
    } finally {
      await hanging.close();
    }
  });
});
