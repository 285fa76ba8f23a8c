import type { Overall } from '../domain/downtime/overall.ts';
import type { Seconds } from '../domain/downtime/window.ts';
import type { Damage, Mark } from '../domain/ports.ts';
import type { Report, SeriesSummary, ServerCounts } from '../domain/run/report.ts';
import { iso } from '../domain/time.ts';
import { type ChecksFace, checksFace } from './checks.ts';
import { type PhaseFace, phaseFace, type VerdictFace, verdictFace } from './phase.ts';
import { rounded } from './rounded.ts';
import { type TaskDowntimeFace, taskDowntimeFace } from './task.ts';
import { type StretchFace, secondsFace, stretchFace, type WindowFace, windowFace } from './window.ts';

export type OverallFace = {
  readonly downtimeSeconds: Seconds;
  readonly windows: number;
  readonly longestSeconds: number;
  readonly unobservedSeconds: number;
  readonly apiDowntimeSeconds: Seconds;
  readonly bootDowntimeSeconds: Seconds;
  readonly dataPlaneDowntimeSeconds: Seconds;
  readonly tokenDowntimeSeconds: Seconds;
  /** Outages, counted as in `windows`. */
  readonly apiWindows: number;
  readonly bootWindows: number;
  readonly dataPlaneWindows: number;
  readonly tokenWindows: number;
};

export type SeriesFace = {
  readonly cloud: string;
  readonly vantage: string;
  readonly probe: string;
  readonly connection: string;
  readonly target: string;
  readonly intervalSeconds: number;
  readonly slowSeconds: number;
  readonly samples: SeriesSummary['samples'];
  /** Why samples are void, most frequent first. */
  readonly voids: SeriesSummary['voids'];
  readonly availability: number | null;
  readonly downtimeSeconds: Seconds;
  readonly windows: number;
  readonly longestSeconds: number;
  readonly degradedSeconds: Seconds;
  readonly observedSeconds: number;
  readonly unobservedSeconds: number;
  /** The unobserved stretches, in order. */
  readonly gaps: readonly StretchFace[];
  readonly latencySeconds: SeriesSummary['latency'];
};

export type MarkFace = StretchFace & {
  readonly kind: string;
  readonly message: string;
  readonly durationSeconds: number;
};

/** What a person wants to know first. */
export type Sentence = { readonly text: string; readonly tone: 'good' | 'bad' | 'warn' };

/** A report as JSON shows it: moments in ISO 8601, durations in seconds. */
export type ReportFace = {
  /** The report in a few sentences, the worst news first. */
  readonly summary: readonly Sentence[];
  readonly run: {
    readonly id: string;
    readonly startedAt: string;
    readonly endedAt: string;
    readonly durationSeconds: number;
    readonly running: boolean;
    readonly version: string;
    readonly clouds: readonly string[];
    readonly vantages: readonly string[];
    readonly facts: { readonly [name: string]: string };
    readonly sessions: readonly (StretchFace & { readonly id: number; readonly ended: boolean })[];
  };
  readonly overall: OverallFace;
  readonly clouds: readonly {
    readonly cloud: string;
    readonly vantage: string;
    readonly overall: OverallFace;
    readonly servers: ServerCounts;
  }[];
  readonly probes: readonly SeriesFace[];
  readonly windows: readonly WindowFace[];
  /** Against the plan. */
  readonly verdict: VerdictFace;
  readonly phases: readonly PhaseFace[];
  readonly tasks: readonly TaskDowntimeFace[];
  readonly marks: readonly MarkFace[];
  readonly servers: ServerCounts;
  readonly checks: readonly ChecksFace[];
  /** Rows of the journal that could not be read, by table. */
  readonly damage: readonly Damage[];
};

export const overallFace = (overall: Overall): OverallFace => ({
  downtimeSeconds: secondsFace(overall.downtime),
  windows: overall.windows,
  longestSeconds: rounded(overall.longest),
  unobservedSeconds: rounded(overall.unobserved),
  apiDowntimeSeconds: secondsFace(overall.api),
  bootDowntimeSeconds: secondsFace(overall.boot),
  dataPlaneDowntimeSeconds: secondsFace(overall.dataPlane),
  tokenDowntimeSeconds: secondsFace(overall.token),
  apiWindows: overall.outages['server-list'],
  bootWindows: overall.outages['server-boot'],
  dataPlaneWindows: overall.outages['server-reach'],
  tokenWindows: overall.outages.token,
});

const latencyFace = (latency: SeriesSummary['latency']): SeriesSummary['latency'] =>
  latency && {
    p50: rounded(latency.p50),
    p95: rounded(latency.p95),
    p99: rounded(latency.p99),
    max: rounded(latency.max),
  };

const seriesFace = (summary: SeriesSummary): SeriesFace => {
  const { cloud, vantage, probe, connection, target, interval, slow } = summary.series;
  return {
    cloud,
    vantage,
    probe,
    connection,
    target,
    intervalSeconds: rounded(interval / 1000),
    slowSeconds: rounded(slow / 1000),
    samples: summary.samples,
    voids: summary.voids,
    // not rounded: the last nine of it may be what matters
    availability: summary.availability,
    downtimeSeconds: secondsFace(summary.downtime),
    windows: summary.windows,
    longestSeconds: rounded(summary.longest),
    degradedSeconds: secondsFace(summary.degraded),
    observedSeconds: rounded(summary.observed),
    unobservedSeconds: rounded(summary.unobserved),
    gaps: summary.gaps.map(stretchFace),
    latencySeconds: latencyFace(summary.latency),
  };
};

const markFace = (mark: Mark): MarkFace => ({
  kind: mark.kind,
  message: mark.message,
  ...stretchFace(mark),
  durationSeconds: rounded((mark.until - mark.from) / 1000),
});

type ReportFaceOptions = { readonly summary: readonly Sentence[]; readonly tasks: 'all' | 'blamed' };

export const reportFace = (
  { run, overall, clouds, probes, windows, verdict, tasks, marks, servers, checks, damage }: Report,
  { summary, tasks: which }: ReportFaceOptions,
): ReportFace => ({
  summary,
  run: {
    id: run.id,
    startedAt: iso(run.startedAt),
    endedAt: iso(run.endedAt),
    durationSeconds: rounded((run.endedAt - run.startedAt) / 1000),
    running: run.running,
    version: run.version,
    clouds: run.clouds,
    vantages: run.vantages,
    facts: run.facts,
    sessions: run.sessions.map(({ id, ended, ...stretch }) => ({ id, ...stretchFace(stretch), ended })),
  },
  overall: overallFace(overall),
  clouds: clouds.map((one) => ({
    cloud: one.cloud,
    vantage: one.vantage,
    overall: overallFace(one.overall),
    servers: one.servers,
  })),
  probes: probes.map(seriesFace),
  windows: windows.map(windowFace),
  verdict: verdictFace(verdict),
  phases: verdict.phases.map(phaseFace),
  tasks: tasks.filter((one) => which === 'all' || one.windows > 0).map(taskDowntimeFace),
  marks: marks.map(markFace),
  servers,
  checks: checks.map(checksFace),
  damage,
});
