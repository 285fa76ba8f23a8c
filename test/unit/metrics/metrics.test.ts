import { describe, expect, it } from 'vitest';
import type { Sample } from '../../../src/domain/sample.ts';
import { createMetrics, type Metrics } from '../../../src/metrics/metrics.ts';
import { describeProbes } from '../../../src/probes/registry.ts';
import { readExposition } from '../../support/exposition.ts';
import {
  around,
  BEGAN,
  BOOT,
  LIST_NEW,
  live,
  liveSeries,
  overall,
  report,
  type ShownStatus,
  summary,
  window,
} from '../../support/live.ts';
import { failedSample, okSample, voidSample } from '../../support/samples.ts';
import { budget, neverBegun, phaseVerdict } from '../../support/verdicts.ts';

const read = async (metrics: Metrics) => readExposition(await metrics.text());
const PLACE = 'cloud="prod",vantage="lab"';
const NEW = `${PLACE},probe="server-list",connection="new"`;

const updateWith = (metrics: Metrics, now: ShownStatus): void => metrics.update(now, now.report.verdict);

/** The sample as a sample of the series of `live()`. */
const here = (sample: Sample): Sample => ({ ...sample, cloud: LIST_NEW.cloud, vantage: LIST_NEW.vantage });

describe('sample metrics', () => {
  it('count by outcome, cause and service', async () => {
    const metrics = createMetrics({ version: '1', probes: describeProbes() });
    metrics.observe(here(okSample({ seq: 0, at: BEGAN }, 42)));
    metrics.observe(here(failedSample({ seq: 1, at: BEGAN })));
    metrics.observe(here(failedSample({ seq: 2, at: BEGAN }, { kind: 'http-503' })));
    metrics.observe(here(voidSample({ seq: 3, at: BEGAN })));
    const values = await read(metrics);
    const of = (rest: string) => values.get(`rollwatch_probe_samples_total{${NEW},${rest}}`);
    expect(of('outcome="ok",cause="",service=""')).toBe(1);
    expect(of('outcome="failed",cause="connection-refused",service="nova-api"')).toBe(1);
    expect(of('outcome="failed",cause="http-503",service="nova-api"')).toBe(1);
    expect(of('outcome="void",cause="stalled",service="rollwatch"')).toBe(1);
    expect(values.get(`rollwatch_probe_outcomes_total{${NEW},outcome="failed"}`)).toBe(2);
  });

  it('start every outcome at 0 before the first sample, so that increase() counts the first failure', async () => {
    const metrics = createMetrics({ version: '1', probes: describeProbes() });
    updateWith(metrics, live());
    const values = await read(metrics);
    for (const outcome of ['ok', 'failed', 'void']) {
      expect(values.get(`rollwatch_probe_outcomes_total{${NEW},outcome="${outcome}"}`)).toBe(0);
      expect(values.get(`rollwatch_probe_extra_samples_total{${NEW},outcome="${outcome}"}`)).toBe(0);
    }
    expect(values.get(`rollwatch_probe_samples_total{${NEW},outcome="ok",cause="",service=""}`)).toBe(0);
    expect(values.get(`rollwatch_probe_slots_missed_total{${NEW}}`)).toBe(0);
    expect(values.get(`rollwatch_probe_duration_seconds_count{stage="tls",${NEW}}`)).toBe(0);
  });

  it('count a sample during which the event loop stalled, but do not observe its duration', async () => {
    const metrics = createMetrics({ version: '1', probes: describeProbes() });
    metrics.observe(here({ ...okSample({ seq: 0, at: BEGAN }, 450), stages: { first_byte: 0.44, stalled: 0.4 } }));
    const values = await read(metrics);
    expect(values.get(`rollwatch_probe_outcomes_total{${NEW},outcome="ok"}`)).toBe(1);
    for (const stage of ['total', 'first_byte'])
      expect(values.get(`rollwatch_probe_duration_seconds_count{stage="${stage}",${NEW}}`)).toBe(0);
    expect(values.get(`rollwatch_probe_duration_seconds_count{stage="stalled",${NEW}}`)).toBeUndefined();
  });

  it('count extra samples separately and do not observe their duration', async () => {
    const metrics = createMetrics({ version: '1', probes: describeProbes() });
    metrics.observe(here(okSample({ seq: 0, at: BEGAN, extra: true }, 42)));
    metrics.observe(here(failedSample({ seq: 1, at: BEGAN, extra: true })));
    const values = await read(metrics);
    expect(values.get(`rollwatch_probe_extra_samples_total{${NEW},outcome="ok"}`)).toBe(1);
    expect(values.get(`rollwatch_probe_extra_samples_total{${NEW},outcome="failed"}`)).toBe(1);
    expect(values.get(`rollwatch_probe_outcomes_total{${NEW},outcome="ok"}`)).toBe(0);
    expect(values.get(`rollwatch_probe_duration_seconds_count{stage="total",${NEW}}`)).toBe(0);
    expect(values.samples.filter((line) => line.includes('cause="connection-refused"'))).toEqual([]);
  });

  it('count every missed slot of one void sample', async () => {
    const metrics = createMetrics({ version: '1', probes: describeProbes() });
    const missed: Sample = {
      ...here(voidSample({ seq: 0, at: BEGAN })),
      outcome: 'void',
      cause: { kind: 'missed', service: 'rollwatch', message: 'stalled' },
      slots: 7,
    };
    metrics.observe(missed);
    const values = await read(metrics);
    expect(values.get(`rollwatch_probe_slots_missed_total{${NEW}}`)).toBe(7);
    expect(values.get(`rollwatch_probe_outcomes_total{${NEW},outcome="void"}`)).toBe(7);
  });

  it('observe the duration of ok samples only, by stage and in total, and keep it on update', async () => {
    const metrics = createMetrics({ version: '1', probes: describeProbes() });
    metrics.observe({ ...here(okSample({ seq: 0, at: BEGAN }, 42)), stages: { connect: 0.002, first_byte: 0.038 } });
    metrics.observe(here(failedSample({ seq: 1, at: BEGAN }, { took: 10_000 })));
    updateWith(metrics, live());
    const values = await read(metrics);
    const of = (what: string, rest: string) => values.get(`rollwatch_probe_duration_seconds_${what}{${rest}${NEW}}`);
    expect(of('sum', 'stage="total",')).toBe(0.042);
    expect(of('count', 'stage="total",')).toBe(1);
    expect(values.get(`rollwatch_probe_duration_seconds_bucket{le="0.025",${NEW},stage="total"}`)).toBe(0);
    expect(values.get(`rollwatch_probe_duration_seconds_bucket{le="0.05",${NEW},stage="total"}`)).toBe(1);
    expect(of('sum', 'stage="connect",')).toBe(0.002);
  });
});

describe('run state metrics', () => {
  it('export 1 for up, 0 for down and nothing while the state is unknown', async () => {
    const metrics = createMetrics({ version: '1', probes: describeProbes() });
    const up = `rollwatch_probe_up{${NEW}}`;
    const seen: (number | undefined)[] = [];
    for (const state of ['unknown', 'up', 'degraded', 'down', 'unknown'] as const) {
      updateWith(metrics, live({ series: [liveSeries({ status: state })] }));
      seen.push((await read(metrics)).get(up));
    }
    expect(seen).toEqual([undefined, 1, 1, 0, undefined]);
  });

  it('export the open window, and when the latest windows started and ended', async () => {
    const metrics = createMetrics({ version: '1', probes: describeProbes() });
    const open = window({
      start: around(700),
      end: null,
      duration: { min: 49, estimate: 50, max: 51 },
      failedSamples: 60,
    });
    const windows = [window(), window({ series: BOOT, start: around(10) }), open];
    updateWith(metrics, live({ series: [liveSeries({ status: 'down', open })], report: report({ windows }) }));
    const values = await read(metrics);
    expect(values.get(`rollwatch_downtime_open{${NEW}}`)).toBe(1);
    expect(values.get(`rollwatch_downtime_open_seconds{${NEW}}`)).toBe(50);
    expect(values.get(`rollwatch_downtime_open_failed_samples{${NEW}}`)).toBe(60);
    expect(values.get(`rollwatch_downtime_last_start_timestamp_seconds{${NEW}}`)).toBe(BEGAN / 1000 + 700);
    expect(values.get(`rollwatch_downtime_last_end_timestamp_seconds{${NEW}}`)).toBe(BEGAN / 1000 + 307);
    expect(values.get(`rollwatch_probe_last_sample_timestamp_seconds{${NEW}}`)).toBe(BEGAN / 1000 + 749);
  });

  it('export no open down window if none is open, or only a degraded one', async () => {
    const metrics = createMetrics({ version: '1', probes: describeProbes() });
    const slow = window({ kind: 'degraded', end: null, failedSamples: 60 });
    for (const open of [window({ end: null }), slow, null]) {
      updateWith(metrics, live({ series: [liveSeries({ open })] }));
      const values = await read(metrics);
      const down = open?.kind === 'down';
      expect(values.get(`rollwatch_downtime_open{${NEW}}`)).toBe(down ? 1 : 0);
      expect(values.get(`rollwatch_downtime_open_seconds{${NEW}}`)).toBe(down ? 7 : 0);
      expect(values.get(`rollwatch_downtime_open_failed_samples{${NEW}}`)).toBe(down ? 12 : 0);
    }
  });

  it('export how long a sample has been in flight, and that a probe is suspended', async () => {
    const metrics = createMetrics({ version: '1', probes: describeProbes() });
    updateWith(
      metrics,
      live({ series: [liveSeries({ pending: { since: BEGAN + 746_000, note: '' }, suspended: 'paused' })] }),
    );
    const values = await read(metrics);
    expect(values.get(`rollwatch_probe_waiting_seconds{${NEW}}`)).toBe(4);
    expect(values.get(`rollwatch_probe_suspended{${NEW}}`)).toBe(1);
  });

  it('never decrease downtime counters when the estimate shrinks', async () => {
    const metrics = createMetrics({ version: '1', probes: describeProbes() });
    const seen: (number | undefined)[] = [];
    for (const settled of [0, 6.9, 6.4, 7.1]) {
      const probes = [
        summary({
          settledDowntime: settled,
          windows: settled > 0 ? 1 : 0,
          downtime: { min: 6, estimate: settled, max: 8 },
        }),
      ];
      const all = overall({
        settledDowntime: settled,
        down: { 'server-list': { min: 6, estimate: settled, max: 8 } },
      });
      updateWith(metrics, live({ report: report({ probes, overall: all }) }));
      const values = await read(metrics);
      const names = [
        `downtime_seconds_total{${NEW}}`,
        `overall_downtime_seconds_total{${PLACE}}`,
        `api_downtime_seconds_total{${PLACE}}`,
      ];
      seen.push(...names.map((name) => values.get(`rollwatch_${name}`)));
    }
    expect(seen).toEqual([0, 0, 0, 6.9, 6.9, 6.9, 6.9, 6.9, 6.9, 7.1, 7.1, 7.1]);
    const values = await read(metrics);
    expect(values.get(`rollwatch_run_downtime_seconds{${NEW},bound="min"}`)).toBe(6);
    expect(values.get(`rollwatch_run_downtime_seconds{${NEW},bound="estimate"}`)).toBe(7.1);
    expect(values.get(`rollwatch_run_downtime_seconds{${NEW},bound="max"}`)).toBe(8);
    expect(values.get(`rollwatch_downtime_windows_total{${NEW}}`)).toBe(1);
  });

  it('export usage and result of the budgets of phases that have started', async () => {
    const metrics = createMetrics({ version: '1', probes: describeProbes() });
    const budgets = [
      budget({ limit: 10, result: 'pass' }),
      budget({ name: 'error_ratio', limit: 0.5, measured: { min: 0.6, estimate: 0.6, max: 0.6 }, result: 'fail' }),
      budget({ name: 'slowdown', limit: 2, measured: null, result: 'not-proven' }),
    ];
    const verdict = { plan: 'night', result: 'fail', phases: [phaseVerdict({ budgets }), neverBegun()] } as const;
    updateWith(metrics, live({ report: report({ verdict }) }));
    const values = await read(metrics);
    const of = (name: string, labels: string) =>
      values.get(`rollwatch_budget_${name}{${PLACE},phase="maintenance",${labels}}`);
    expect(of('seconds', 'budget="api_downtime"')).toBe(10);
    expect(of('used_seconds', 'budget="api_downtime",bound="min"')).toBe(6);
    expect(of('used_seconds', 'budget="api_downtime",bound="estimate"')).toBe(7);
    expect(of('used_seconds', 'budget="api_downtime",bound="max"')).toBe(8);
    expect(of('result', 'budget="api_downtime",result="pass"')).toBe(1);
    expect(of('result', 'budget="api_downtime",result="fail"')).toBe(0);
    expect(of('result', 'budget="error_ratio",result="fail"')).toBe(1);
    expect(of('result', 'budget="slowdown",result="not-proven"')).toBe(1);
    // A ratio is not exported in seconds, and a phase that has not started is not exported at all.
    expect(values.samples.filter((line) => /budget_(used_)?seconds/.test(line))).toHaveLength(4);
    expect(values.samples.filter((line) => line.includes('phase="computes"'))).toEqual([]);
  });

  it('export the server counts by cloud', async () => {
    const metrics = createMetrics({ version: '1', probes: describeProbes() });
    updateWith(metrics, live({ report: report({ servers: { created: 12, deleted: 11, leaked: 1 } }) }));
    const values = await read(metrics);
    expect(values.get(`rollwatch_servers_created_total{${PLACE}}`)).toBe(12);
    expect(values.get(`rollwatch_servers_deleted_total{${PLACE}}`)).toBe(11);
    expect(values.get(`rollwatch_servers_leaked{${PLACE}}`)).toBe(1);
  });

  it('export the state of the daemon', async () => {
    const metrics = createMetrics({ version: '1.2.3', probes: describeProbes() });
    updateWith(
      metrics,
      live({
        paused: true,
        journal: { kind: 'stopped', since: BEGAN, reason: 'disk full', waiting: 300, dropped: 20 },
        health: { at: BEGAN, lag: 15, inFlight: 3, suspended: {}, clockOffset: -2500 },
      }),
    );
    const values = await read(metrics);
    expect(values.get('rollwatch_build_info{version="1.2.3"}')).toBe(1);
    expect(values.get('rollwatch_paused')).toBe(1);
    expect(values.get('rollwatch_journal_recording')).toBe(0);
    expect(values.get('rollwatch_journal_waiting_entries')).toBe(300);
    expect(values.get('rollwatch_journal_dropped_entries_total')).toBe(20);
    expect(values.get('rollwatch_sampler_lag_seconds')).toBe(0.015);
    expect(values.get('rollwatch_sampler_in_flight')).toBe(3);
    expect(values.get('rollwatch_clock_offset_seconds')).toBe(-2.5);
    expect(values.get('process_cpu_seconds_total')).toBeGreaterThan(0);
  });
});
