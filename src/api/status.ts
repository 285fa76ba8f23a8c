import { z } from 'zod';
import { WINDOW_KINDS } from '../domain/downtime/window.ts';
import type { JournalState } from '../domain/journal.ts';
import type { LiveSeries, LiveStatus } from '../domain/run/live.ts';
import { type Millis, toIso } from '../domain/time.ts';
import { incidentSchema, toApiIncident } from './incident.ts';
import { overallSchema, probeTypesSchema, serversSchema, toApiOverall, toApiProbeTypes } from './report.ts';
import { causeSchema, outcome, toApiCause } from './sample.ts';
import { type Read, rounded, seconds, seriesKey, timestamp, toApiSeriesKey } from './shared.ts';
import { taskSchema, toApiTask } from './task.ts';
import { toApiWindow, windowSchema } from './window.ts';

const seriesStatusSchema = z.strictObject({
  ...seriesKey.shape,
  state: z.enum(['up', ...WINDOW_KINDS, 'unknown']),
  lastSample: z
    .strictObject({ startedAt: timestamp, outcome, durationSeconds: seconds, cause: causeSchema.nullable() })
    .nullable(),
  waiting: z
    .strictObject({ since: timestamp, seconds, note: z.string() })
    .nullable()
    .describe('the sample that has waited longest for its answer'),
  suspended: z.string().nullable().describe('why no samples are sent now'),
  open: windowSchema.nullable(),
});

const journalSchema = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('recording') }),
  z.strictObject({
    state: z.literal('stopped'),
    since: timestamp,
    reason: z.string(),
    waitingEntries: z.int(),
    droppedEntries: z.int(),
  }),
]);

/** The current state. */
export const statusSchema = z.strictObject({
  at: timestamp,
  version: z.string(),
  run: z.string(),
  startedAt: timestamp,
  paused: z.boolean(),
  overall: overallSchema,
  probeTypes: probeTypesSchema,
  incidents: z.array(incidentSchema).describe('the incidents that are not over'),
  series: z.array(seriesStatusSchema),
  tasks: z.array(taskSchema).describe('tasks that are running, latest first'),
  phase: z.string().nullable().describe('the phase of the upgrade that is running'),
  journal: journalSchema,
  sampler: z
    .strictObject({ at: timestamp, lagSeconds: seconds, inFlight: z.int(), clockOffsetSeconds: seconds })
    .nullable(),
  servers: serversSchema,
});

export type ApiSeriesStatus = Read<typeof seriesStatusSchema>;
export type ApiStatus = Read<typeof statusSchema>;

/** Shows that the daemon is alive, and when its sampler last reported. */
export type ApiHeartbeat = { readonly at: string; readonly samplerAt: string | null };

export const toApiHeartbeat = ({ at, health }: Pick<LiveStatus, 'at' | 'health'>): ApiHeartbeat => ({
  at: toIso(at),
  samplerAt: health && toIso(health.at),
});

const toApiJournal = (journal: JournalState): Read<typeof journalSchema> =>
  journal.kind === 'recording'
    ? { state: 'recording' }
    : {
        state: 'stopped',
        since: toIso(journal.since),
        reason: journal.reason,
        waitingEntries: journal.waiting,
        droppedEntries: journal.dropped,
      };

const toApiSeriesStatus = (live: LiveSeries, at: Millis): ApiSeriesStatus => ({
  ...toApiSeriesKey(live.series),
  state: live.status,
  lastSample: live.last && {
    startedAt: toIso(live.last.at),
    outcome: live.last.outcome,
    durationSeconds: rounded(live.last.seconds),
    cause: live.last.cause && toApiCause(live.last.cause),
  },
  waiting: live.pending && {
    since: toIso(live.pending.since),
    seconds: rounded(Math.max(0, at - live.pending.since) / 1000),
    note: live.pending.note,
  },
  suspended: live.suspended,
  open: live.open && toApiWindow(live.open),
});

export const toApiStatus = (live: LiveStatus): ApiStatus => ({
  at: toIso(live.at),
  version: live.report.run.version,
  run: live.report.run.id,
  startedAt: toIso(live.report.run.startedAt),
  paused: live.paused,
  overall: toApiOverall(live.report.overall),
  probeTypes: toApiProbeTypes(live.report.probeTypes),
  incidents: live.report.incidents
    .filter(({ end }) => end === null)
    .map((incident) => toApiIncident(incident, live.report)),
  series: live.series.map((series) => toApiSeriesStatus(series, live.at)),
  tasks: live.running.map(toApiTask),
  phase: live.phase,
  journal: toApiJournal(live.journal),
  sampler: live.health && {
    at: toIso(live.health.at),
    lagSeconds: rounded(live.health.lag / 1000),
    inFlight: live.health.inFlight,
    clockOffsetSeconds: rounded(live.health.clockOffset / 1000),
  },
  servers: live.report.servers,
});
