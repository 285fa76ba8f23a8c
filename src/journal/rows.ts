/** Schemas that decode rows to domain types, and the functions that encode them. */

import { z } from 'zod';
import { VOID_KINDS } from '../domain/cause.ts';
import { CHECK_STAGES, type CheckRun } from '../domain/check.ts';
import type { Session } from '../domain/journal.ts';
import { PROBE_NAME } from '../domain/probe.ts';
import type { ObservationGap, ServerEvent } from '../domain/sampler-event.ts';
import type { Annotation } from '../domain/upgrade/annotation.ts';
import { TASK_KINDS, TASK_SOURCES, TASK_STATUSES, type Task } from '../domain/upgrade/task.ts';
import { flag, json, timestamp } from './decode.ts';
import type { AnnotationRow, CheckRunRow, ObservationGapRow, ServerEventRow, SessionRow, TaskRow } from './tables.ts';

export const sessionSchema = z
  .object({
    id: z.int(),
    started_at: timestamp,
    alive_at: timestamp,
    ended: flag,
    version: z.string(),
    vantage: z.string(),
    facts: json.pipe(z.record(z.string(), z.string())),
  })
  .transform(
    ({ id, started_at, alive_at, ended, version, vantage, facts }): Session => ({
      id,
      startedAt: started_at,
      aliveAt: alive_at,
      ended,
      version,
      vantage,
      facts,
    }),
  );

export const sessionRow = (session: Session): SessionRow => ({
  id: session.id,
  started_at: session.startedAt,
  alive_at: session.aliveAt,
  ended: session.ended ? 1 : 0,
  version: session.version,
  vantage: session.vantage,
  facts: JSON.stringify(session.facts),
});

const seriesKeyColumns = {
  cloud: z.string(),
  vantage: z.string(),
  probe: z.string().regex(PROBE_NAME),
  connection: z.enum(['new', 'reused', '']),
  target: z.string(),
};
export const seriesKeySchema = z.object(seriesKeyColumns);

/** An interval or a validity, in milliseconds. */
const duration = z.number().min(1).max(1e12);

/** The settings with which a session measured a series. */
export const sessionSeriesSchema = z.object({
  session: z.int(),
  series: z.int(),
  place: z.int(),
  interval: duration,
  valid_for: duration,
  slow: z.number().min(0),
});

export const seriesSchema = z
  .object({ ...seriesKeyColumns, interval: duration, valid_for: duration, slow: z.number().min(0) })
  .transform(({ valid_for: validFor, ...series }) => ({ ...series, validFor }));

export const observationGapSchema = z
  .object({ from_at: timestamp, until_at: timestamp, kind: z.enum(VOID_KINDS), message: z.string() })
  .transform(
    ({ from_at, until_at, kind, message }): ObservationGap => ({ from: from_at, until: until_at, kind, message }),
  );

export const observationGapRow = (
  number: number,
  { from, until, kind, message }: ObservationGap,
): ObservationGapRow => ({
  number,
  from_at: from,
  until_at: until,
  kind,
  message,
});

export const serverEventSchema = z
  .object({
    cloud: z.string(),
    vantage: z.string(),
    kind: z.enum(['created', 'gone', 'leaked']),
    name: z.string(),
    server_id: z.string().nullable(),
    at: timestamp,
    message: z.string(),
  })
  .transform(
    ({ cloud, vantage, kind, name, server_id, at, message }): ServerEvent => ({
      cloud,
      vantage,
      kind,
      name,
      id: server_id,
      at,
      message,
    }),
  );

export const serverEventRow = (number: number, event: ServerEvent): ServerEventRow => ({
  number,
  cloud: event.cloud,
  vantage: event.vantage,
  kind: event.kind,
  name: event.name,
  server_id: event.id,
  at: event.at,
  message: event.message,
});

export const taskSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    role: z.string().nullable(),
    play: z.string().nullable(),
    playbook: z.string().nullable(),
    hosts: json.pipe(z.array(z.string())),
    groups: json.pipe(z.array(z.string())),
    tags: json.pipe(z.array(z.string())),
    kind: z.enum(TASK_KINDS),
    status: z.enum(TASK_STATUSES),
    started_at: timestamp,
    ended_at: timestamp.nullable(),
    source: z.enum(TASK_SOURCES),
  })
  .transform(({ started_at, ended_at, ...task }): Task => ({ ...task, start: started_at, end: ended_at }));

export const taskRow = (number: number, { start, end, hosts, groups, tags, ...task }: Task): TaskRow => ({
  ...task,
  number,
  hosts: JSON.stringify(hosts),
  groups: JSON.stringify(groups),
  tags: JSON.stringify(tags),
  started_at: start,
  ended_at: end,
});

export const phaseSchema = z.object({ name: z.string(), at: timestamp });

export const annotationSchema = z
  .object({
    id: z.int(),
    time: timestamp,
    time_end: timestamp,
    text: z.string(),
    tags: json.pipe(z.array(z.string())),
    data: z.string().nullable(),
    dashboard_uid: z.string(),
    panel_id: z.int(),
    created: timestamp,
    updated: timestamp,
    deleted: flag,
  })
  .transform(
    ({ time_end, dashboard_uid, panel_id, ...rest }): Annotation => ({
      ...rest,
      timeEnd: time_end,
      dashboardUid: dashboard_uid,
      panelId: panel_id,
    }),
  );

export const annotationRow = ({
  timeEnd,
  dashboardUid,
  panelId,
  tags,
  deleted,
  ...rest
}: Annotation): AnnotationRow => ({
  ...rest,
  time_end: timeEnd,
  tags: JSON.stringify(tags),
  dashboard_uid: dashboardUid,
  panel_id: panelId,
  deleted: deleted ? 1 : 0,
});

const check = z.object({
  name: z.string(),
  status: z.enum(['pass', 'fail', 'skip']),
  detail: z.string(),
  seconds: z.number().exactOptional(),
});

export const checkRunSchema = z
  .object({
    number: z.int(),
    stage: z.enum(CHECK_STAGES),
    cloud: z.string(),
    vantage: z.string(),
    at: timestamp,
    checks: json.pipe(z.array(check)),
    baseline: z.string(),
  })
  .transform(({ number: _, ...run }): CheckRun => run);

export const checkRunRow = (number: number, { checks, ...run }: CheckRun): CheckRunRow => ({
  ...run,
  number,
  checks: JSON.stringify(checks),
});
