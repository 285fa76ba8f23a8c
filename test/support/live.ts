import type { FailureKind, Service } from '../../src/domain/cause.ts';
import type { SeriesOutages } from '../../src/domain/downtime/outages.ts';
import type { OverallDowntime } from '../../src/domain/downtime/overall.ts';
import type { Measured } from '../../src/domain/downtime/window.ts';
import { incidentsOf } from '../../src/domain/run/incident.ts';
import type { LiveSeries, LiveStatus, RunReader } from '../../src/domain/run/live.ts';
import type { Report, SeriesSummary } from '../../src/domain/run/report.ts';
import type { RunState } from '../../src/domain/run/run-state.ts';
import type { Sample, Series } from '../../src/domain/sample.ts';
import type { Bracket } from '../../src/domain/time.ts';
import type { AttributedWindow } from '../../src/domain/upgrade/attribution.ts';
import type { Verdict } from '../../src/domain/upgrade/verdict.ts';
import { describeProbes } from '../../src/probes/registry.ts';
import { SERIES } from './samples.ts';

/** The start of the constructed run, 2026-11-23T07:10:00Z. */
export const BEGAN = Date.UTC(2026, 10, 23, 7, 10);
export const NONE = { min: 0, estimate: 0, max: 0 } as const;

export const LIST_NEW: Series = { ...SERIES, cloud: 'prod', vantage: 'lab', connection: 'new' };
export const LIST_KEPT: Series = { ...LIST_NEW, connection: 'reused' };
/** Moves a sample to the series `LIST_NEW`. */
export const ofListNew = (sample: Sample): Sample => ({ ...sample, cloud: 'prod', vantage: 'lab', connection: 'new' });
export const BOOT: Series = { ...LIST_NEW, probe: 'server-boot', connection: '', validFor: 30_000, slow: 15_000 };
export const TOKEN: Series = { ...LIST_NEW, probe: 'token', connection: '', interval: 5000, validFor: 7500 };

/** Returns a bracket around a time in seconds after the start of the run. */
export const around = (second: number, { before = 0.5, after = 0.5 } = {}): Bracket => ({
  earliest: BEGAN + (second - before) * 1000,
  estimate: BEGAN + second * 1000,
  latest: BEGAN + (second + after) * 1000,
});

type WindowFacts = Partial<AttributedWindow> & { readonly series?: Series };

/** Returns a window, by default 7 s down of server-list over new connections: second 300 to 307, each within 0.5 s. */
export function window({ series = LIST_NEW, ...facts }: WindowFacts = {}): AttributedWindow {
  const { cloud, vantage, probe, connection, target } = series;
  return {
    id: `down-${cloud}-${vantage}-${probe}-${connection}-1-300`,
    cloud,
    vantage,
    probe,
    connection,
    target,
    kind: 'down',
    start: around(300),
    end: around(307),
    countsFor: probe,
    startBy: probe,
    endBy: probe,
    knownUntil: BEGAN + 306_500,
    exitedBy: null,
    duration: { min: 6, estimate: 7, max: 8 },
    downtime: facts.duration ?? { min: 6, estimate: 7, max: 8 },
    failedRuns: [{ slots: 7, from: BEGAN + 300_500, until: BEGAN + 306_500 }],
    failedShare: null,
    gaps: [],
    failedSamples: 12,
    causes: [cause('connection-refused', 'nova-api', 10), cause('http-503', 'load-balancer', 2)],
    provisional: false,
    candidates: [],
    phase: null,
    ...facts,
  };
}

const cause = (kind: FailureKind, service: Service, count: number) => ({
  kind,
  service,
  count,
  firstAt: BEGAN + 300_500,
});

export const summary = (facts: Partial<SeriesSummary> = {}): SeriesSummary => ({
  series: LIST_NEW,
  samples: { ok: 750, failed: 0, void: 0, missed: 0, extra: 0 },
  voids: [],
  availability: 1,
  downtime: NONE,
  settledDowntime: 0,
  degraded: NONE,
  observed: 750,
  unobserved: 0,
  gaps: [],
  windows: 0,
  longest: 0,
  latency: { p50: 0.042, p95: 0.088, p99: 0.123, max: 0.514 },
  ...facts,
});

type OverallFacts = Partial<OverallDowntime> & { readonly down?: Readonly<Record<string, Measured>> };

/** Returns an overall downtime with one outage for each probe in `down`, unless the facts say otherwise. */
export const overall = ({ down = {}, ...facts }: OverallFacts = {}): OverallDowntime => ({
  downtime: NONE,
  settledDowntime: 0,
  outageCount: 0,
  longest: 0,
  byProbe: new Map(
    describeProbes()
      .filter(({ sharpens }) => sharpens === null)
      .map(({ name }) => {
        const downtime = down[name] ?? NONE;
        return [
          name,
          { downtime, settledDowntime: downtime.estimate, outageCount: downtime === NONE ? 0 : 1 },
        ] as const;
      }),
  ),
  unobserved: 0,
  ...facts,
});

/** Returns a verdict whose `judged` and `notJudged` follow from its phases. */
export function wholeVerdict({ phases = [], ...facts }: Partial<Verdict> = {}): Verdict {
  const names = (phaseVerdicts: Verdict['phases']) => phaseVerdicts.map(({ name }) => name);
  const reasonOf = ({ planned, measures }: Verdict['phases'][number]) =>
    !planned ? 'not-in-plan' : measures === null ? 'never-started' : 'no-budget';
  return {
    plan: null,
    result: 'not-judged',
    judged: names(phases.filter(({ budgets }) => budgets.length > 0)),
    notJudged: phases
      .filter(({ budgets }) => budgets.length === 0)
      .map((phase) => ({ name: phase.name, reason: reasonOf(phase) })),
    phases,
    run: null,
    outside: null,
    ...facts,
  };
}

/** Returns the series of a window, with that window alone. */
function seriesOutages(window: AttributedWindow): SeriesOutages {
  const { cloud, vantage, probe, connection, target } = window;
  return {
    series: { ...LIST_NEW, cloud, vantage, probe, connection, target },
    windows: [window],
    gaps: [],
    watched: { from: BEGAN, until: BEGAN + 750_000 },
  };
}

/** Returns the report of a run of 12 min 30 s on one cloud, by default without downtime. */
export function report({
  verdict = {},
  ...facts
}: Partial<Omit<Report, 'verdict'>> & { readonly verdict?: Partial<Verdict> } = {}): Report {
  const all = facts.overall ?? overall();
  const servers = facts.servers ?? { created: 0, deleted: 0, leaked: 0 };
  return {
    run: {
      id: 'run-1',
      startedAt: BEGAN,
      endedAt: BEGAN + 750_000,
      running: false,
      version: '0.1.0',
      clouds: ['prod'],
      vantages: ['lab'],
      facts: {},
      sessions: [{ id: 1, from: BEGAN, until: BEGAN + 750_000, ended: true }],
    },
    overall: all,
    clouds: [{ cloud: 'prod', vantage: 'lab', overall: all, servers }],
    probeTypes: describeProbes(),
    probes: [summary()],
    incidents: incidentsOf(facts.windows ?? [], (facts.windows ?? []).map(seriesOutages)),
    notes: [],
    windows: [],
    verdict: wholeVerdict(verdict),
    tasks: [],
    observationGaps: [],
    servers,
    checks: [],
    damage: [],
    ...facts,
  };
}

export const liveSeries = (facts: Partial<LiveSeries> = {}): LiveSeries => ({
  series: LIST_NEW,
  status: 'up',
  last: { at: BEGAN + 749_000, outcome: 'ok', cause: null, seconds: 0.042 },
  pending: null,
  suspended: null,
  open: null,
  ...facts,
});

/** A live status with a complete report. */
export type ShownStatus = LiveStatus & { readonly report: Report };

export const live = (facts: Partial<ShownStatus> = {}): ShownStatus => ({
  at: BEGAN + 750_000,
  paused: false,
  series: [liveSeries()],
  running: [],
  phase: null,
  unrecognised: null,
  phases: [],
  report: report({ run: { ...report().run, running: true } }),
  journal: { kind: 'recording' },
  health: { at: BEGAN + 749_500, lag: 3, inFlight: 1, suspended: {}, clockOffset: 0 },
  ...facts,
});

/** Returns a reader of a status that a test constructed. */
export const readerOf = (shown: () => ShownStatus): RunReader => ({
  now: () => shown().at,
  sampling: shown,
  live: shown,
  verdict: () => shown().report.verdict,
  tasks: () => shown().report.tasks,
  report: () => shown().report,
});

const RECORDING = { paused: false, journal: { kind: 'recording' }, health: null } as const;

export const liveOf = (state: RunState, at: number): ShownStatus => ({
  ...state.live(at, RECORDING),
  report: state.report(at),
});

/** Returns a reader of a run state, as if its sampler were working. */
export const readerOfState = (state: RunState, now: () => number): RunReader => ({
  now,
  sampling: (at = now()) => state.sampling(at, RECORDING),
  live: (at = now()) => state.live(at, RECORDING),
  verdict: (at = now()) => state.verdict(at),
  tasks: (at = now()) => state.tasks(at),
  report: (at = now()) => state.report(at),
});
