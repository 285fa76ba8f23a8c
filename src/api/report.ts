import { z } from 'zod';
import { VOID_KINDS } from '../domain/cause.ts';
import type { OverallDowntime } from '../domain/downtime/overall.ts';
import type { ProbeDescription } from '../domain/probe.ts';
import type { Report, SeriesSummary } from '../domain/run/report.ts';
import type { ObservationGap } from '../domain/sampler-event.ts';
import { toIso } from '../domain/time.ts';
import { checksSchema, toApiChecks } from './checks.ts';
import { incidentSchema, toApiIncident } from './incident.ts';
import { phaseSchema, toApiPhase, toApiVerdict, verdictSchema } from './phase.ts';
import {
  errorBar,
  interval,
  type Read,
  rounded,
  seconds,
  seriesKey,
  timestamp,
  toApiErrorBar,
  toApiInterval,
  toApiSeriesKey,
} from './shared.ts';
import { taskDowntimeSchema, toApiTaskDowntime } from './task.ts';
import { toApiWindow, windowSchema } from './window.ts';

export const overallSchema = z.strictObject({
  downtimeSeconds: errorBar,
  windows: z.int(),
  longestSeconds: seconds,
  unobservedSeconds: seconds,
  probes: z
    .record(z.string(), z.strictObject({ downtimeSeconds: errorBar, windows: z.int() }))
    .describe('by probe name, over all its connections and targets'),
});

export const probeTypesSchema = z
  .array(
    z.strictObject({
      name: z.string(),
      label: z.string().describe('the kind of downtime it measures: API, boot'),
      activity: z.string().nullable().describe('what a sample in flight is doing, if it takes long by design'),
      sharpens: z
        .string()
        .nullable()
        .describe(
          'the probe whose outages this one sees as well, more sharply, and whose downtime its windows are part of',
        ),
      countsOverall: z
        .boolean()
        .describe('whether it counts towards the overall downtime, unless the configuration selects other probes'),
      sentences: z
        .strictObject({ operations: z.string(), wasDown: z.string(), isDown: z.string() })
        .describe('the words in which its outages are described'),
    }),
  )
  .describe('all types of probes, including those that were not enabled');

export const serversSchema = z.strictObject({ created: z.int(), deleted: z.int(), leaked: z.int() });

const sentenceSchema = z.strictObject({ text: z.string(), tone: z.enum(['good', 'bad', 'warn']) });

const seriesSchema = z.strictObject({
  ...seriesKey.shape,
  intervalSeconds: seconds,
  slowSeconds: seconds,
  samples: z.strictObject({ ok: z.int(), failed: z.int(), void: z.int(), missed: z.int(), extra: z.int() }),
  voids: z
    .array(z.strictObject({ kind: z.enum(VOID_KINDS), count: z.int(), message: z.string() }))
    .describe('why samples are void, most frequent first; the message is from the latest'),
  availability: z.number().nullable(),
  downtimeSeconds: errorBar,
  windows: z.int(),
  longestSeconds: seconds,
  degradedSeconds: errorBar,
  observedSeconds: seconds,
  unobservedSeconds: seconds,
  gaps: z.array(interval).describe('unobserved time, in order'),
  latencySeconds: z.strictObject({ p50: seconds, p95: seconds, p99: seconds, max: seconds }).nullable(),
});

const noteSchema = z.strictObject({
  id: z.int().describe('that of the annotation'),
  at: timestamp,
  text: z.string(),
  incident: z.string().nullable().describe('the id of the incident that it is about'),
  acknowledges: z.boolean(),
});

const observationGapSchema = z.strictObject({
  kind: z.string(),
  message: z.string(),
  ...interval.shape,
  durationSeconds: seconds,
});

export const reportSchema = z.strictObject({
  summary: z.array(sentenceSchema).describe('the report in a few sentences, the verdict first'),
  run: z.strictObject({
    id: z.string(),
    ...interval.shape,
    durationSeconds: seconds,
    running: z.boolean(),
    version: z.string(),
    clouds: z.array(z.string()),
    vantages: z.array(z.string()),
    facts: z.record(z.string(), z.string()),
    sessions: z.array(z.strictObject({ id: z.int(), ...interval.shape, ended: z.boolean() })),
  }),
  overall: overallSchema,
  clouds: z.array(
    z.strictObject({ cloud: z.string(), vantage: z.string(), overall: overallSchema, servers: serversSchema }),
  ),
  probeTypes: probeTypesSchema,
  probes: z.array(seriesSchema),
  incidents: z.array(incidentSchema).describe('by start'),
  notes: z.array(noteSchema).describe('what somebody noted, by time'),
  windows: z.array(windowSchema),
  verdict: verdictSchema,
  phases: z.array(phaseSchema),
  tasks: z.array(taskDowntimeSchema),
  observationGaps: z.array(observationGapSchema),
  servers: serversSchema,
  checks: z.array(checksSchema),
  damage: z
    .array(z.strictObject({ table: z.string(), rows: z.int(), reason: z.string() }))
    .describe('rows of the journal that could not be read; 0 rows if their number is unknown'),
});

export type ApiOverall = Read<typeof overallSchema>;
export type ApiProbeTypes = Read<typeof probeTypesSchema>;
export type ApiReport = Read<typeof reportSchema>;
export type Sentence = Read<typeof sentenceSchema>;

export const toApiOverall = (overall: OverallDowntime): ApiOverall => ({
  downtimeSeconds: toApiErrorBar(overall.downtime),
  windows: overall.outageCount,
  longestSeconds: rounded(overall.longest),
  unobservedSeconds: rounded(overall.unobserved),
  probes: Object.fromEntries(
    [...overall.byProbe].map(([probe, { downtime, outageCount }]) => [
      probe,
      { downtimeSeconds: toApiErrorBar(downtime), windows: outageCount },
    ]),
  ),
});

export const toApiProbeTypes = (probes: readonly ProbeDescription[]): ApiProbeTypes =>
  probes.map(({ name, label, activity, sharpens, countsOverall, sentences: { operations, wasDown, isDown } }) => ({
    name,
    label,
    activity,
    sharpens,
    countsOverall,
    sentences: { operations, wasDown, isDown },
  }));

const toApiLatency = (latency: SeriesSummary['latency']): Read<typeof seriesSchema>['latencySeconds'] =>
  latency && {
    p50: rounded(latency.p50),
    p95: rounded(latency.p95),
    p99: rounded(latency.p99),
    max: rounded(latency.max),
  };

const toApiSeries = (summary: SeriesSummary): Read<typeof seriesSchema> => ({
  ...toApiSeriesKey(summary.series),
  intervalSeconds: rounded(summary.series.interval / 1000),
  slowSeconds: rounded(summary.series.slow / 1000),
  samples: summary.samples,
  voids: summary.voids,
  // Not rounded: every nine of an availability may matter.
  availability: summary.availability,
  downtimeSeconds: toApiErrorBar(summary.downtime),
  windows: summary.windows,
  longestSeconds: rounded(summary.longest),
  degradedSeconds: toApiErrorBar(summary.degraded),
  observedSeconds: rounded(summary.observed),
  unobservedSeconds: rounded(summary.unobserved),
  gaps: summary.gaps.map(toApiInterval),
  latencySeconds: toApiLatency(summary.latency),
});

const toApiObservationGap = (gap: ObservationGap): Read<typeof observationGapSchema> => ({
  kind: gap.kind,
  message: gap.message,
  ...toApiInterval(gap),
  durationSeconds: rounded((gap.until - gap.from) / 1000),
});

type ApiReportOptions = { readonly summary: readonly Sentence[]; readonly tasks: 'all' | 'attributed' };

export const toApiReport = (report: Report, { summary, tasks: selection }: ApiReportOptions): ApiReport => ({
  summary,
  run: {
    id: report.run.id,
    startedAt: toIso(report.run.startedAt),
    endedAt: toIso(report.run.endedAt),
    durationSeconds: rounded((report.run.endedAt - report.run.startedAt) / 1000),
    running: report.run.running,
    version: report.run.version,
    clouds: report.run.clouds,
    vantages: report.run.vantages,
    facts: report.run.facts,
    sessions: report.run.sessions.map(({ id, ended, ...session }) => ({ id, ...toApiInterval(session), ended })),
  },
  overall: toApiOverall(report.overall),
  clouds: report.clouds.map(({ cloud, vantage, overall, servers }) => ({
    cloud,
    vantage,
    overall: toApiOverall(overall),
    servers,
  })),
  probeTypes: toApiProbeTypes(report.probeTypes),
  probes: report.probes.map(toApiSeries),
  incidents: report.incidents.map((incident) => toApiIncident(incident, report)),
  notes: report.notes.map(({ at, ...note }) => ({ ...note, at: toIso(at) })),
  windows: report.windows.map(toApiWindow),
  verdict: toApiVerdict(report.verdict),
  phases: report.verdict.phases.map(toApiPhase),
  tasks: report.tasks.filter(({ windows }) => selection === 'all' || windows > 0).map(toApiTaskDowntime),
  observationGaps: report.observationGaps.map(toApiObservationGap),
  servers: report.servers,
  checks: report.checks.map(toApiChecks),
  damage: report.damage,
});
