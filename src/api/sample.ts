import type { FailureKind, Service, VoidKind } from '../domain/cause.ts';
import type { Outcome, Sample, Stages } from '../domain/sample.ts';
import { iso } from '../domain/time.ts';
import { rounded } from './rounded.ts';

/** A sample as JSON and CSV show it: moments in ISO 8601, durations in seconds. What does not apply is null. */
export type SampleFace = {
  readonly cloud: string;
  readonly vantage: string;
  readonly probe: string;
  readonly connection: string;
  /** Which of several that are probed alike; empty where the probe has one alone. */
  readonly target: string;
  readonly session: number;
  readonly seq: number;
  readonly dueAt: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly durationSeconds: number;
  readonly outcome: Outcome;
  readonly extra: boolean;
  /** The slots that this record stands for: more than 1 only for a stretch of missed ones. */
  readonly slots: number;
  readonly cause: CauseFace | null;
  readonly stages: Stages;
  readonly requestId: string | null;
  readonly serverId: string | null;
  readonly upUntil: string | null;
  readonly brokeAt: string | null;
  readonly settledAt: string | null;
  readonly hung: boolean | null;
};

export type CauseFace = {
  readonly kind: FailureKind | VoidKind;
  readonly service: Service;
  readonly message: string;
  readonly status: number | null;
  readonly body: string | null;
};

export const causeFace = (cause: NonNullable<Sample['cause']>): CauseFace => ({
  kind: cause.kind,
  service: cause.service,
  message: cause.message,
  status: cause.status ?? null,
  body: cause.body ?? null,
});

export const sampleFace = (sample: Sample): SampleFace => ({
  cloud: sample.cloud,
  vantage: sample.vantage,
  probe: sample.probe,
  connection: sample.connection,
  target: sample.target,
  session: sample.session,
  seq: sample.seq,
  dueAt: iso(sample.dueAt),
  startedAt: iso(sample.startedAt),
  endedAt: iso(sample.endedAt),
  durationSeconds: rounded((sample.endedAt - sample.startedAt) / 1000),
  outcome: sample.outcome,
  extra: sample.extra,
  slots: sample.outcome === 'void' ? sample.slots : 1,
  cause: sample.cause && causeFace(sample.cause),
  stages: Object.fromEntries(Object.entries(sample.stages).map(([stage, seconds]) => [stage, rounded(seconds)])),
  requestId: sample.requestId,
  serverId: sample.serverId,
  ...verdict(sample),
});

function verdict(sample: Sample): Pick<SampleFace, 'upUntil' | 'brokeAt' | 'settledAt' | 'hung'> {
  if (sample.outcome === 'void') return { upUntil: null, brokeAt: null, settledAt: null, hung: null };
  const settledAt = iso(sample.settledAt);
  if (sample.outcome === 'ok') return { upUntil: iso(sample.upUntil), brokeAt: null, settledAt, hung: null };
  const upUntil = sample.upUntil === null ? null : iso(sample.upUntil);
  return { upUntil, brokeAt: iso(sample.brokeAt), settledAt, hung: sample.hung };
}
