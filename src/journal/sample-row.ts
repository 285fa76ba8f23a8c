import { z } from 'zod';
import { type Cause, FAILURE_KINDS, SERVICES, VOID_KINDS, type VoidCause } from '../domain/cause.ts';
import type { Finding, Sample, SeriesKey } from '../domain/sample.ts';
import type { Interval } from '../domain/time.ts';
import { type Decoded, decode, flag, json, timestamp } from './decode.ts';
import type { SampleRow } from './tables.ts';

const causeColumns = {
  cause_service: z.enum(SERVICES),
  cause_message: z.string(),
  cause_status: z.int().nullable(),
  cause_body: z.string().nullable(),
};

const commonColumns = {
  session: z.int(),
  seq: z.int().min(0),
  due_at: timestamp,
  started_at: timestamp,
  ended_at: timestamp,
  extra: flag,
  stages: json.pipe(z.record(z.string(), z.number())),
  request_id: z.string().nullable(),
  server_id: z.string().nullable(),
};

/** Samples of this kind were `failed` before version 0.2, and have been `void` since. */
const FORMER_FAILURE_KIND = 'rate-limited';

export const sampleSchema = z.discriminatedUnion('outcome', [
  z.object({ ...commonColumns, outcome: z.literal('ok'), last_known_up_at: timestamp, settled_at: timestamp }),
  z.object({
    ...commonColumns,
    outcome: z.literal('failed'),
    last_known_up_at: timestamp.nullable(),
    failure_started_at: timestamp,
    settled_at: timestamp,
    timed_out: flag,
    cause_kind: z.enum([...FAILURE_KINDS, FORMER_FAILURE_KIND]),
    ...causeColumns,
  }),
  z.object({
    ...commonColumns,
    outcome: z.literal('void'),
    slots: z.int().min(0),
    cause_kind: z.enum(VOID_KINDS),
    ...causeColumns,
  }),
]);

type ParsedRow = z.infer<typeof sampleSchema>;

export type SampleContext = {
  readonly keys: ReadonlyMap<number, SeriesKey>;
  /** The interval from the start of each session to its last sign of life. */
  readonly lifetimes: ReadonlyMap<number, Interval>;
};

/**
 * How far a sample may be outside the lifetime of its session: entries that waited for a full disk are written before
 * the session's `alive_at`.
 */
const SESSION_TOLERANCE_MS = 2 * 86_400_000;

/** Decodes a sample. The context has the series and sessions that samples refer to. */
export function sampleOf(row: SampleRow, { keys, lifetimes }: SampleContext): Decoded<Sample> {
  const key = keys.get(row.series);
  if (key === undefined) return { damage: 'series: unknown' };
  const decoded = decode(sampleSchema, row);
  if ('damage' in decoded) return decoded;
  const { value: parsed } = decoded;
  const lifetime = lifetimes.get(parsed.session);
  if (parsed.ended_at < parsed.started_at) return { damage: 'ended_at: before started_at' };
  if (lifetime !== undefined) {
    if (parsed.started_at < lifetime.from - SESSION_TOLERANCE_MS) return { damage: 'started_at: before its session' };
    if (parsed.ended_at > lifetime.until + SESSION_TOLERANCE_MS) return { damage: 'ended_at: after its session' };
  }
  return {
    value: {
      cloud: key.cloud,
      vantage: key.vantage,
      probe: key.probe,
      connection: key.connection,
      target: key.target,
      session: parsed.session,
      seq: parsed.seq,
      dueAt: parsed.due_at,
      startedAt: parsed.started_at,
      endedAt: parsed.ended_at,
      extra: parsed.extra,
      stages: parsed.stages,
      requestId: parsed.request_id,
      serverId: parsed.server_id,
      ...findingOf(parsed),
    },
  };
}

function findingOf(row: ParsedRow): Finding {
  switch (row.outcome) {
    case 'ok':
      return { outcome: 'ok', cause: null, lastKnownUpAt: row.last_known_up_at, settledAt: row.settled_at };
    case 'failed':
      if (row.cause_kind === FORMER_FAILURE_KIND) {
        return { outcome: 'void', cause: { kind: row.cause_kind, ...causeOf(row) }, slots: 1 };
      }
      return {
        outcome: 'failed',
        cause: { kind: row.cause_kind, ...causeOf(row) },
        lastKnownUpAt: row.last_known_up_at,
        failureStartedAt: row.failure_started_at,
        settledAt: row.settled_at,
        timedOut: row.timed_out,
      };
    case 'void':
      return { outcome: 'void', cause: { kind: row.cause_kind, ...causeOf(row) }, slots: row.slots };
  }
}

const causeOf = (row: Extract<ParsedRow, { outcome: 'failed' | 'void' }>): Omit<Cause, 'kind'> => ({
  service: row.cause_service,
  message: row.cause_message,
  ...(row.cause_status === null ? {} : { status: row.cause_status }),
  ...(row.cause_body === null ? {} : { body: row.cause_body }),
});

export function sampleRow(series: number, sample: Sample): SampleRow {
  return {
    session: sample.session,
    series,
    seq: sample.seq,
    due_at: sample.dueAt,
    started_at: sample.startedAt,
    ended_at: sample.endedAt,
    outcome: sample.outcome,
    extra: sample.extra ? 1 : 0,
    slots: sample.outcome === 'void' ? sample.slots : null,
    last_known_up_at: sample.outcome === 'void' ? null : sample.lastKnownUpAt,
    failure_started_at: sample.outcome === 'failed' ? sample.failureStartedAt : null,
    settled_at: sample.outcome === 'void' ? null : sample.settledAt,
    timed_out: sample.outcome === 'failed' ? Number(sample.timedOut) : null,
    ...columnsOf(sample.cause),
    stages: JSON.stringify(sample.stages),
    request_id: sample.requestId,
    server_id: sample.serverId,
  };
}

const columnsOf = (cause: Cause | VoidCause | null) => ({
  cause_kind: cause?.kind ?? null,
  cause_service: cause?.service ?? null,
  cause_message: cause?.message ?? null,
  cause_status: cause?.status ?? null,
  cause_body: cause?.body ?? null,
});
