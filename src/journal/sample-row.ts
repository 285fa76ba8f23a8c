import { z } from 'zod';
import { type Cause, FAILURE_KINDS, SERVICES, VOID_KINDS, type VoidCause } from '../domain/cause.ts';
import type { Finding, Sample, SeriesKey } from '../domain/sample.ts';
import type { Interval } from '../domain/time.ts';
import { type Decoded, decode, flag, json, moment } from './rows.ts';
import type { SampleRow } from './tables.ts';

const cause = {
  cause_service: z.enum(SERVICES),
  cause_message: z.string(),
  cause_status: z.int().nullable(),
  cause_body: z.string().nullable(),
};

const place = {
  session: z.int(),
  seq: z.int().min(0),
  due_at: moment,
  started_at: moment,
  ended_at: moment,
  extra: flag,
  stages: json.pipe(z.record(z.string(), z.number())),
  request_id: z.string().nullable(),
  server_id: z.string().nullable(),
};

/** Counted as a failure by versions before 0.2; it is our own doing. */
const WAS_FAILURE = 'rate-limited';

export const sampleSchema = z.discriminatedUnion('outcome', [
  z.object({ ...place, outcome: z.literal('ok'), up_until: moment, settled_at: moment }),
  z.object({
    ...place,
    outcome: z.literal('failed'),
    up_until: moment.nullable(),
    broke_at: moment,
    settled_at: moment,
    hung: flag,
    cause_kind: z.enum([...FAILURE_KINDS, WAS_FAILURE]),
    ...cause,
  }),
  z.object({ ...place, outcome: z.literal('void'), slots: z.int().min(0), cause_kind: z.enum(VOID_KINDS), ...cause }),
]);

type Parsed = z.infer<typeof sampleSchema>;

export type SampleContext = {
  readonly keys: ReadonlyMap<number, SeriesKey>;
  /** When each session is known to have lived. */
  readonly lives: ReadonlyMap<number, Interval>;
};

/**
 * How far a sample may lie outside the life of its session, in milliseconds: what waits for room on the disk is written
 * before the session is known to have lived that long.
 */
const BEYOND_SESSION_MS = 2 * 86_400_000;

export function sampleOf(row: SampleRow, { keys, lives }: SampleContext): Decoded<Sample> {
  const key = keys.get(row.series);
  if (key === undefined) return { damage: 'series: there is no such series' };
  const decoded = decode(sampleSchema, row);
  if ('damage' in decoded) return decoded;
  const { value: parsed } = decoded;
  const life = lives.get(parsed.session);
  if (parsed.ended_at < parsed.started_at) return { damage: 'ended_at: lies before started_at' };
  if (life !== undefined) {
    if (parsed.started_at < life.from - BEYOND_SESSION_MS) return { damage: 'started_at: lies before its session' };
    if (parsed.ended_at > life.until + BEYOND_SESSION_MS) return { damage: 'ended_at: lies after its session' };
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

function findingOf(row: Parsed): Finding {
  switch (row.outcome) {
    case 'ok':
      return { outcome: 'ok', cause: null, upUntil: row.up_until, settledAt: row.settled_at };
    case 'failed':
      if (row.cause_kind === WAS_FAILURE) {
        return { outcome: 'void', cause: { kind: row.cause_kind, ...causeOf(row) }, slots: 1 };
      }
      return {
        outcome: 'failed',
        cause: { kind: row.cause_kind, ...causeOf(row) },
        upUntil: row.up_until,
        brokeAt: row.broke_at,
        settledAt: row.settled_at,
        hung: row.hung,
      };
    case 'void':
      return { outcome: 'void', cause: { kind: row.cause_kind, ...causeOf(row) }, slots: row.slots };
  }
}

const causeOf = (row: Extract<Parsed, { outcome: 'failed' | 'void' }>): Omit<Cause, 'kind'> => ({
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
    up_until: sample.outcome === 'void' ? null : sample.upUntil,
    broke_at: sample.outcome === 'failed' ? sample.brokeAt : null,
    settled_at: sample.outcome === 'void' ? null : sample.settledAt,
    hung: sample.outcome === 'failed' ? Number(sample.hung) : null,
    ...causeColumns(sample.cause),
    stages: JSON.stringify(sample.stages),
    request_id: sample.requestId,
    server_id: sample.serverId,
  };
}

const causeColumns = (cause: Cause | VoidCause | null) => ({
  cause_kind: cause?.kind ?? null,
  cause_service: cause?.service ?? null,
  cause_message: cause?.message ?? null,
  cause_status: cause?.status ?? null,
  cause_body: cause?.body ?? null,
});
