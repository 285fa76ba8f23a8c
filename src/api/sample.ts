import { z } from 'zod';
import { FAILURE_KINDS, SERVICES, VOID_KINDS } from '../domain/cause.ts';
import type { Sample } from '../domain/sample.ts';
import { toIso } from '../domain/time.ts';
import { type Read, rounded, seconds, seriesKey, timestamp, toApiSeriesKey } from './shared.ts';

export const outcome = z.enum(['ok', 'failed', 'void']);

export const causeSchema = z.strictObject({
  kind: z.enum([...FAILURE_KINDS, ...VOID_KINDS]),
  service: z.enum(SERVICES),
  message: z.string(),
  status: z.int().nullable(),
  body: z.string().nullable(),
});

/** A sample. Fields that do not apply are null. */
export const sampleSchema = z.strictObject({
  ...seriesKey.shape,
  session: z.int(),
  seq: z.int(),
  dueAt: timestamp,
  startedAt: timestamp,
  endedAt: timestamp,
  durationSeconds: seconds,
  outcome,
  extra: z.boolean().describe('whether it was sent between two slots after a failure; excluded from ratios'),
  slots: z.int().describe('how many slots it covers; more than 1 only for missed slots'),
  cause: causeSchema.nullable(),
  stages: z.record(z.string(), seconds),
  requestId: z.string().nullable(),
  serverId: z.string().nullable(),
  lastKnownUpAt: timestamp.nullable(),
  failureStartedAt: timestamp.nullable(),
  settledAt: timestamp.nullable(),
  timedOut: z.boolean().nullable(),
});

export type ApiSample = Read<typeof sampleSchema>;
export type ApiCause = Read<typeof causeSchema>;

export const toApiCause = (cause: NonNullable<Sample['cause']>): ApiCause => ({
  kind: cause.kind,
  service: cause.service,
  message: cause.message,
  status: cause.status ?? null,
  body: cause.body ?? null,
});

export const toApiSample = (sample: Sample): ApiSample => ({
  ...toApiSeriesKey(sample),
  session: sample.session,
  seq: sample.seq,
  dueAt: toIso(sample.dueAt),
  startedAt: toIso(sample.startedAt),
  endedAt: toIso(sample.endedAt),
  durationSeconds: rounded((sample.endedAt - sample.startedAt) / 1000),
  outcome: sample.outcome,
  extra: sample.extra,
  slots: sample.outcome === 'void' ? sample.slots : 1,
  cause: sample.cause && toApiCause(sample.cause),
  stages: Object.fromEntries(Object.entries(sample.stages).map(([stage, took]) => [stage, rounded(took)])),
  requestId: sample.requestId,
  serverId: sample.serverId,
  ...toApiFinding(sample),
});

type Finding = Pick<ApiSample, 'lastKnownUpAt' | 'failureStartedAt' | 'settledAt' | 'timedOut'>;

function toApiFinding(sample: Sample): Finding {
  switch (sample.outcome) {
    case 'ok':
      return {
        lastKnownUpAt: toIso(sample.lastKnownUpAt),
        failureStartedAt: null,
        settledAt: toIso(sample.settledAt),
        timedOut: null,
      };
    case 'failed':
      return {
        lastKnownUpAt: sample.lastKnownUpAt === null ? null : toIso(sample.lastKnownUpAt),
        failureStartedAt: toIso(sample.failureStartedAt),
        settledAt: toIso(sample.settledAt),
        timedOut: sample.timedOut,
      };
    case 'void':
      return { lastKnownUpAt: null, failureStartedAt: null, settledAt: null, timedOut: null };
  }
}
