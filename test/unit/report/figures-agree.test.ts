/** Every figure of a run is the same in all outputs. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ApiReport } from '../../../src/api/report.ts';
import type { ApiStatus } from '../../../src/api/status.ts';
import type { ApiWindow } from '../../../src/api/window.ts';
import { downtimeOfProbe } from '../../../src/domain/downtime/overall.ts';
import { createRunState } from '../../../src/domain/run/run-state.ts';
import type { Sample, Series } from '../../../src/domain/sample.ts';
import type { Plan } from '../../../src/domain/upgrade/plan.ts';
import { measureText } from '../../../src/format/budgets.ts';
import { counted, errorBar } from '../../../src/format/quantities.ts';
import { createMetrics } from '../../../src/metrics/metrics.ts';
import { describeProbes } from '../../../src/probes/registry.ts';
import { readExposition } from '../../support/exposition.ts';
import { liveOf, type ShownStatus } from '../../support/live.ts';
import { failedSample, okSample, SERIES, voidSample } from '../../support/samples.ts';
import { type Served, serve } from '../../support/served.ts';

const BEGAN = Date.UTC(2026, 10, 23, 7, 10);
const MINUTE = 60_000;

const list = (connection: 'new' | 'reused'): Series => ({ ...SERIES, connection });
const boot: Series = { ...SERIES, probe: 'server-boot', connection: '', validFor: 4000 };
const token: Series = { ...SERIES, probe: 'token', connection: '' };
const reach: Series = { ...SERIES, probe: 'server-reach', connection: '', target: 'vm-1' };
const ALL: readonly Series[] = [list('new'), list('reused'), boot, token, reach];

const PLAN: Plan = {
  name: 'plan',
  description: '',
  run: { api_downtime: 5 },
  outside: { api_downtime: 0, boot_downtime: 0 },
  phases: ['first', 'second'].map((name) => ({
    name,
    promise: '',
    begins: [],
    ends: [],
    budget: { api_downtime: 2, boot_downtime: 3, longest_window: 1 },
  })),
};

/** o ok, f failed, s slow, v void, - not sent: the sampler was paused or stalled. */
const letters = fc
  .array(fc.tuple(fc.constantFrom('o', 'o', 'o', 'f', 'f', 's', 'v', '-', '-'), fc.integer({ min: 1, max: 9 })), {
    maxLength: 8,
  })
  .map((runs) => runs.map(([letter, times]) => letter.repeat(times)).join(''));

const session = fc.record({
  /** The time between the previous session and this one, in milliseconds. */
  after: fc.constantFrom(0, 500, 7000, 90_000),
  series: fc.subarray([...ALL], { minLength: 1 }),
  samples: fc.tuple(letters, letters, letters, letters, letters),
  took: fc.integer({ min: 0, max: 400 }),
});

const runs = fc.record({
  sessions: fc.array(session, { minLength: 1, maxLength: 3 }),
  phases: fc.array(
    fc.record({
      name: fc.constantFrom('first', 'second', 'end', 'unplanned'),
      second: fc.integer({ min: 0, max: 60 }),
    }),
    { maxLength: 4 },
  ),
  running: fc.boolean(),
});
type Run = typeof runs extends fc.Arbitrary<infer Value> ? Value : never;

function sampleOf(
  letter: string,
  series: Series,
  place: { seq: number; at: number; session: number; took: number },
): Sample {
  const made =
    letter === 'f'
      ? failedSample(place, { took: place.took })
      : letter === 'v'
        ? voidSample(place)
        : okSample(place, letter === 's' ? 1500 : place.took);
  const { cloud, vantage, probe, connection, target } = series;
  return { ...made, cloud, vantage, probe, connection, target };
}

/** The state of the run at its end, and shortly after. */
function observed({ sessions, phases, running }: Run): {
  readonly live: ShownStatus;
  readonly samples: readonly Sample[];
} {
  const observation = createRunState({
    run: 'run',
    version: '0.1.0',
    overall: ['server-list', 'server-boot'],
    probes: describeProbes(),
    plan: PLAN,
  });
  for (const { name, second } of phases)
    observation.accept({ type: 'phase', phase: { name, at: BEGAN + second * 1000 } });
  const samples: Sample[] = [];
  let at = BEGAN;
  sessions.forEach(({ after, series, samples: patterns, took }, index) => {
    at += index === 0 ? 0 : after;
    const from = at;
    const id = index + 1;
    observation.openSession(
      { id, startedAt: from, aliveAt: from, ended: false, version: '0.1.0', vantage: SERIES.vantage, facts: {} },
      series,
    );
    const made = series.flatMap((sampled) => {
      const offset = 100 + ALL.indexOf(sampled) * 170;
      return [...(patterns[ALL.indexOf(sampled)] ?? '')]
        .map((letter, slot) => ({ letter, slot }))
        .filter(({ letter }) => letter !== '-')
        .map(({ letter, slot }, seq) =>
          sampleOf(letter, sampled, { seq, at: from + offset + slot * 1000, session: id, took }),
        );
    });
    for (const sample of made.toSorted((a, b) => a.endedAt - b.endedAt)) {
      observation.accept({ type: 'sample', sample });
      samples.push(sample);
      at = Math.max(at, sample.endedAt);
    }
    at += 700;
    if (!running || index < sessions.length - 1) observation.closeSession(at, true);
  });
  return { live: liveOf(observation, running ? at : at + MINUTE), samples };
}

const PROBES = describeProbes()
  .filter(({ sharpens }) => sharpens === null)
  .map(({ name }) => name);

const decode = (text: string): string => text.replaceAll('\\', '').replaceAll(/\s+/g, ' ');

describe('the figures of one run', () => {
  let served: Served;
  let metrics = createMetrics({ version: '0.1.0', probes: describeProbes() });
  let stored: readonly Sample[] = [];

  beforeAll(async () => {
    served = await serve({
      metrics: {
        update: (...status) => metrics.update(...status),
        text: () => metrics.text(),
        contentType: metrics.contentType,
      },
      stored: async function* () {
        yield* stored;
      },
    });
  });
  afterAll(() => served[Symbol.asyncDispose]());

  const text = async (path: string) => (await fetch(`${served.url}${path}`)).text();
  const json = async (path: string): Promise<unknown> => JSON.parse(await text(path));

  async function show(run: Run): Promise<{ readonly live: ShownStatus; readonly report: ApiReport }> {
    const { live, samples } = observed(run);
    metrics = createMetrics({ version: '0.1.0', probes: describeProbes() });
    stored = samples;
    served.show(live);
    const report = z.custom<ApiReport>().parse(await json('/api/v1/report?format=json'));
    return { live, report };
  }

  const property = (name: string, check: (shown: { live: ShownStatus; report: ApiReport }) => Promise<void> | void) =>
    it(name, { timeout: 60_000 }, async () => {
      await fc.assert(
        fc.asyncProperty(runs, async (run) => check(await show(run))),
        { seed: 17, numRuns: 60 },
      );
    });

  property('never count unobserved time as downtime', ({ live, report }) => {
    const total = report.run.durationSeconds;
    for (const { overall } of [report, ...report.clouds]) {
      expect(overall.downtimeSeconds.estimate).toBeLessThanOrEqual(total - overall.unobservedSeconds + 0.002);
    }
    for (const series of report.probes) {
      expect(series.observedSeconds + series.unobservedSeconds).toBeLessThanOrEqual(total + 0.002);
      expect(series.downtimeSeconds.estimate).toBeLessThanOrEqual(series.observedSeconds + 0.002);
    }
    for (const window of live.report.windows) {
      const { min, estimate, max } = window.duration;
      expect([min, estimate, max].toSorted((a, b) => a - b)).toEqual([min, estimate, max]);
    }
  });

  property('are those of the table in the headline, where one series alone was down', ({ report }) => {
    for (const probe of PROBES) {
      const rows = report.probes.filter((series) => series.probe === probe);
      const down = rows.filter(({ windows }) => windows > 0);
      const row = down[0];
      if (down.length > 1) continue;
      if (row === undefined) {
        expect(report.overall.probes[probe]?.downtimeSeconds).toEqual({ min: 0, estimate: 0, max: 0 });
        expect(report.overall.probes[probe]?.windows).toBe(0);
        continue;
      }
      // The other connection may have been up while this one was unobserved; that changes nothing.
      expect(report.overall.probes[probe]?.downtimeSeconds).toEqual(row.downtimeSeconds);
      expect(report.overall.probes[probe]?.windows).toBe(row.windows);
    }
  });

  property('are the same in the API, the metrics and the files', async ({ live, report }) => {
    expect(z.custom<ApiStatus>().parse(await json('/api/v1/status')).overall).toEqual(report.overall);
    expect(await json('/api/v1/windows')).toEqual({ windows: report.windows });
    expect(await json('/api/v1/phases')).toEqual({ verdict: report.verdict, phases: report.phases });

    const html = await text('/api/v1/report?format=html');
    const data = /<script[^>]*id="rollwatch-data"[^>]*>(.*?)<\/script>/s.exec(html)?.[1] ?? '{}';
    const inside = z.custom<{ report: ApiReport; chart: { series: { outcomes: string }[] } }>().parse(JSON.parse(data));
    expect(inside.report).toEqual({ ...report, tasks: [] });
    expect(
      inside.chart.series.map(({ outcomes }) => ['o', 'f', 'v'].map((letter) => outcomes.split(letter).length - 1)),
    ).toEqual(report.probes.map(({ samples }) => [samples.ok, samples.failed, samples.void]));

    const [head = '', ...rows] = (await text('/api/v1/report?format=csv')).trimEnd().split('\r\n');
    const column = (row: string, name: string) => row.split(',')[head.split(',').indexOf(name)];
    expect(
      rows.map((row) => ['min', 'estimate', 'max'].map((bound) => Number(column(row, `duration_${bound}`)))),
    ).toEqual(report.windows.map(({ durationSeconds: { min, estimate, max } }: ApiWindow) => [min, estimate, max]));

    const sentences = [
      decode(await text('/api/v1/report?format=text&width=400')),
      decode(await text('/api/v1/report?format=markdown')),
      decode(report.summary.map((sentence) => sentence.text).join(' ')),
      decode(html),
    ];
    for (const probe of PROBES) {
      if (!report.windows.some((window) => window.kind === 'down' && window.probe === probe)) continue;
      const own = report.overall.probes[probe];
      // The sentence of an incident that is all there was does not count windows.
      const windows = own?.windows === 1 ? '' : ` in ${counted(own?.windows ?? 0, 'window')}.`;
      const wanted = own && `${errorBar(own.downtimeSeconds)}${windows}`;
      for (const sentence of sentences) expect(sentence).toContain(wanted);
    }

    const scraped = readExposition(await text('/metrics'));
    for (const { probe, connection, target, ...figures } of report.probes) {
      const labels = `cloud="cloud",vantage="here",probe="${probe}",connection="${connection}"${target === '' ? '' : `,target="${target}"`}`;
      for (const bound of ['min', 'estimate', 'max'] as const) {
        expect(scraped.get(`rollwatch_run_downtime_seconds{${labels},bound="${bound}"}`)).toBeCloseTo(
          figures.downtimeSeconds[bound],
          2,
        );
      }
      expect(scraped.get(`rollwatch_downtime_windows_total{${labels}}`)).toBe(figures.windows);
      expect(scraped.get(`rollwatch_unobserved_seconds_total{${labels}}`)).toBeCloseTo(figures.unobservedSeconds, 2);
    }
    const place = 'cloud="cloud",vantage="here"';
    for (const bound of ['min', 'estimate', 'max'] as const) {
      const figure = (name: string) => scraped.get(`rollwatch_run_${name}_downtime_seconds{${place},bound="${bound}"}`);
      expect(figure('overall')).toBeCloseTo(report.overall.downtimeSeconds[bound], 2);
      expect(figure('api')).toBeCloseTo(report.overall.probes['server-list']?.downtimeSeconds[bound] ?? -1, 2);
    }
    if (live.report.windows.every(({ end }) => end !== null)) {
      expect(scraped.get(`rollwatch_overall_downtime_seconds_total{${place}}`)).toBeCloseTo(
        report.overall.downtimeSeconds.estimate,
        2,
      );
    }
    for (const { name, budgets } of report.phases) {
      for (const { name: budget, measured } of budgets) {
        const used = scraped.get(
          `rollwatch_budget_used_seconds{${place},phase="${name}",budget="${budget}",bound="estimate"}`,
        );
        expect(used).toBeCloseTo(measured?.estimate ?? 0, 2);
      }
    }
  });

  property('add up: what the phases and the time outside them cost is what the run cost', async ({ live, report }) => {
    const { phases, outside, run } = live.report.verdict;
    const parts = [...phases, ...(outside === null ? [] : [outside])];
    const sum = (pick: 'api_downtime' | 'boot_downtime') =>
      parts.reduce((total, { measures }) => total + (measures?.[pick]?.estimate ?? 0), 0);
    expect(sum('api_downtime')).toBeCloseTo(downtimeOfProbe(live.report.overall, 'server-list').downtime.estimate, 6);
    expect(sum('boot_downtime')).toBeCloseTo(downtimeOfProbe(live.report.overall, 'server-boot').downtime.estimate, 6);
    const watched = report.probes.some(({ probe }) => probe === 'server-list');
    expect(run?.measures?.api_downtime ?? null).toEqual(
      watched ? downtimeOfProbe(live.report.overall, 'server-list').downtime : null,
    );
    expect(run?.measures?.longest_window?.estimate ?? 0).toBeLessThanOrEqual(
      downtimeOfProbe(live.report.overall, 'server-list').downtime.estimate + 1e-9,
    );
    const junit = await text('/api/v1/report?format=junit');
    for (const { budgets } of report.phases)
      for (const { name, measured } of budgets) expect(junit).toContain(measureText(name, measured));
  });

  it('are the same in every output for a flapping service', async () => {
    const session = { after: 0, series: [list('new')], samples: ['oofofo', '', '', '', ''], took: 40 } as const;
    const { report } = await show({
      sessions: [{ ...session, series: [ALL[0] ?? SERIES], samples: ['oofofo', '', '', '', ''] }],
      phases: [],
      running: false,
    });
    expect([report.overall.windows, report.overall.probes['server-list']?.windows, report.probes[0]?.windows]).toEqual([
      2, 2, 2,
    ]);
    expect(report.summary.map((sentence) => sentence.text).join(' ')).toContain('in 2 windows.');
  });

  it('do not count a pause at the edge of a window in the summary', async () => {
    const { report } = await show({
      sessions: [
        { after: 0, series: [ALL[0] ?? SERIES], samples: [`ooo${'-'.repeat(60)}fffo`, '', '', '', ''], took: 40 },
      ],
      phases: [],
      running: false,
    });
    expect(report.overall.probes['server-list']?.downtimeSeconds.estimate).toBe(
      report.probes[0]?.downtimeSeconds.estimate,
    );
    expect(report.overall.probes['server-list']?.downtimeSeconds.estimate).toBeLessThan(4);
  });
});
