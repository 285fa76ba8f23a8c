import { z } from 'zod';
import { FAILURE_KINDS, SERVICES } from '../domain/cause.ts';
import type { Affected, Incident } from '../domain/run/incident.ts';
import type { BriefReport } from '../domain/run/report.ts';
import { incidentSentence, utcTime } from '../format/incidents.ts';
import { bracket, errorBar, fromApiBracket, type Read, share, toApiBracket, toApiErrorBar } from './shared.ts';
import { taskSchema, toApiTask } from './task.ts';

const kind = z.enum(['down', 'partial']);

const affectedSchema = z.strictObject({
  vantage: z.string(),
  probe: z.string(),
  kind,
  connections: z.array(z.string()),
  targets: z.array(z.string()),
  start: bracket,
  end: bracket.nullable(),
  durationSeconds: errorBar.describe('from start to end'),
  downtimeSeconds: errorBar.describe('how much of it counts as downtime, over all connections and targets'),
  failedShare: share.nullable().describe('the share of requests that failed, if only some did'),
  task: taskSchema.nullable().describe('the most likely of the tasks that were running when it may have started'),
  otherTasks: z.int().describe('how many other tasks were running then'),
  phase: z.string().nullable().describe('the phase of the upgrade in which it started'),
});

export const incidentSchema = z.strictObject({
  id: z.string().describe('the same whenever the same journal is read'),
  cloud: z.string(),
  kind: kind.describe('partial if at no time all requests failed'),
  sentence: z.string().describe('what happened, in English; times in UTC'),
  start: bracket,
  end: bracket.nullable().describe('null while anything is still failing'),
  durationSeconds: errorBar.describe('from start to end, so far if it is open'),
  affected: z.array(affectedSchema).describe('what failed, in order of first failure'),
  causes: z
    .array(z.strictObject({ kind: z.enum(FAILURE_KINDS), service: z.enum(SERVICES), count: z.int() }))
    .describe('in order of first appearance'),
  task: taskSchema.nullable().describe('the upgrade task that it is attributed to: the first candidate'),
  candidates: z.array(taskSchema).describe('all tasks that were running when it may have started'),
  phase: z.string().nullable().describe('the phase of the upgrade in which its first window started'),
  windows: z.array(z.string()).describe('ids of its windows'),
  provisional: z.boolean().describe('whether an edge may still move, because a sample sent before it has not ended'),
});

export const incidentsSchema = z.strictObject({ incidents: z.array(incidentSchema) });

export type ApiIncident = Read<typeof incidentSchema>;

const toApiAffected = (affected: Affected): Read<typeof affectedSchema> => ({
  vantage: affected.vantage,
  probe: affected.probe,
  kind: affected.kind,
  connections: affected.connections,
  targets: affected.targets,
  start: toApiBracket(affected.start),
  end: affected.end === null ? null : toApiBracket(affected.end),
  durationSeconds: toApiErrorBar(affected.duration),
  downtimeSeconds: toApiErrorBar(affected.downtime),
  failedShare: affected.failedShare,
  task: affected.task === null ? null : toApiTask(affected.task),
  otherTasks: affected.otherTasks,
  phase: affected.phase,
});

/** Converts back what an incident's sentence says, so that a client can write it with times of its own. */
export const fromApiIncident = ({ cloud, affected }: ApiIncident) => ({
  cloud,
  affected: affected.map(({ start, end, durationSeconds, downtimeSeconds, ...rest }) => ({
    ...rest,
    start: fromApiBracket(start),
    end: end === null ? null : fromApiBracket(end),
    duration: durationSeconds,
    downtime: downtimeSeconds,
  })),
});

/** Converts an incident of a run; its sentence names clouds and probes as the run needs it. */
export const toApiIncident = (
  incident: Incident,
  { run, probeTypes }: Pick<BriefReport, 'run' | 'probeTypes'>,
): ApiIncident => ({
  id: incident.id,
  cloud: incident.cloud,
  kind: incident.kind,
  sentence: incidentSentence(incident, { run, probeTypes, time: utcTime({ from: run.startedAt, until: run.endedAt }) }),
  start: toApiBracket(incident.start),
  end: incident.end === null ? null : toApiBracket(incident.end),
  durationSeconds: toApiErrorBar(incident.duration),
  affected: incident.affected.map(toApiAffected),
  causes: incident.causes.map(({ kind: cause, service, count }) => ({ kind: cause, service, count })),
  task: incident.candidates[0] === undefined ? null : toApiTask(incident.candidates[0]),
  candidates: incident.candidates.map(toApiTask),
  phase: incident.phase,
  windows: incident.windows.map(({ id }) => id),
  provisional: incident.provisional,
});
