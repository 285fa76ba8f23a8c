import type { Cause, VoidCause } from './cause.ts';
import type { Millis } from './time.ts';

export const PROBES = ['server-list', 'server-boot', 'server-reach', 'token'] as const;
export type ProbeName = (typeof PROBES)[number];

/** `new`: a connection of its own; `reused`: one that is kept; empty where the probe is not about connections. */
export type Connection = 'new' | 'reused' | '';

/** One line of samples: what is asked, of which cloud, from where, how. */
export type SeriesKey = {
  readonly cloud: string;
  readonly vantage: string;
  readonly probe: ProbeName;
  readonly connection: Connection;
  /** Which of several that are probed alike: a server's name or address; empty where the probe has one alone. */
  readonly target: string;
};

/** A series with what is needed to read its samples. */
export type Series = SeriesKey & {
  /** Between two slots, in milliseconds. */
  readonly interval: number;
  /** A valid sample stands for at most this long after it was sent, in milliseconds; time beyond it is unobserved. */
  readonly cover: number;
  /** An ok sample that took longer is slow, in milliseconds. */
  readonly slow: number;
};

export const seriesId = (key: SeriesKey): string =>
  [key.cloud, key.vantage, key.probe, key.connection, key.target]
    .map((part) => part.toWellFormed())
    .map(encodeURIComponent)
    .join('/');

/**
 * Durations of the stages in seconds, in the order in which they were passed, each from the end of the one before.
 * Requests: dns, connect, tls, first_byte, body. Boots: accepted, active, delete_accepted, gone. Reach: dns, connect, banner.
 * Of any: `stalled`, for how long of the sample our own event loop stood still, which the others include (stalls.ts).
 */
export type Stages = { readonly [stage: string]: number };

type SampleBase = SeriesKey & {
  /** Which run of the sampler made it; sessions are numbered upwards within a journal. */
  readonly session: number;
  /** 0, 1, 2, ... within session and series, in the order sent and without a hole: N started = N recorded. */
  readonly seq: number;
  readonly dueAt: Millis;
  readonly startedAt: Millis;
  readonly endedAt: Millis;
  /** Sent between the slots after a failure, to find the end sooner: never counted in a ratio. */
  readonly extra: boolean;
  readonly stages: Stages;
  readonly requestId: string | null;
  /** The server that was booted. */
  readonly serverId: string | null;
};

/** What a probe finds: the sample without its place in the series. */
export type Finding =
  | {
      readonly outcome: 'ok';
      readonly cause: null;
      /** The latest moment at which this sample proves the service up: for a request the moment it was sent. */
      readonly upUntil: Millis;
      /** When success was certain. */
      readonly settledAt: Millis;
    }
  | {
      readonly outcome: 'failed';
      readonly cause: Cause;
      /** Set where a part of the sample had proved the service up before another part failed, as a boot whose delete fails. */
      readonly upUntil: Millis | null;
      /** When what failed was begun: for a request the moment it was sent, for a boot that of its stage that failed. */
      readonly brokeAt: Millis;
      /** When failure was certain. */
      readonly settledAt: Millis;
      /** The failure is an absence (no answer, not ACTIVE in time): it may have begun at any moment up to `settledAt`. */
      readonly hung: boolean;
    }
  | {
      readonly outcome: 'void';
      readonly cause: VoidCause;
      /** How many slots this record stands for: more than 1 only for a stretch of missed ones. */
      readonly slots: number;
    };

export type Sample = SampleBase & Finding;
export type OkSample = Extract<Sample, { outcome: 'ok' }>;
export type FailedSample = Extract<Sample, { outcome: 'failed' }>;
export type ValidSample = OkSample | FailedSample;
export type Outcome = Sample['outcome'];
