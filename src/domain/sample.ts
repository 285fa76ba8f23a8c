import type { Cause, VoidCause } from './cause.ts';
import type { Millis } from './time.ts';

/** `new`: a new connection for each sample; `reused`: one that stays open; empty if the probe has no such choice. */
export type Connection = 'new' | 'reused' | '';

/** Identifies a series: which probe of which cloud, from where and how. */
export type SeriesKey = {
  readonly cloud: string;
  readonly vantage: string;
  /** The name of the probe. */
  readonly probe: string;
  readonly connection: Connection;
  /** The name or address of the server that is probed; empty if the probe has a single target. */
  readonly target: string;
};

/** A series with the settings that its samples depend on. Durations in milliseconds. */
export type Series = SeriesKey & {
  /** The time between two slots. */
  readonly interval: number;
  /** How long a valid sample counts after it was sent, at most; later time is unobserved. */
  readonly validFor: number;
  /** An ok sample that takes longer is slow. */
  readonly slow: number;
};

export const seriesId = (key: SeriesKey): string =>
  [key.cloud, key.vantage, key.probe, key.connection, key.target]
    .map((part) => part.toWellFormed())
    .map(encodeURIComponent)
    .join('/');

/** Identifies what a series probes, over whatever connection. */
export const targetId = (key: SeriesKey): string => seriesId({ ...key, connection: '' });

/**
 * Durations of the stages of a sample in seconds, in order, each from the end of the previous one.
 * The probe defines which stages there are. Any sample may also have `stalled`: how long the event loop stalled during
 * it. The other stages include that time (stalls.ts).
 */
export type Stages = { readonly [stage: string]: number };

/** The stages of a request over a new connection, in order. */
export const REQUEST_STAGES = ['dns', 'connect', 'tls', 'first_byte', 'body'] as const;

/** The stages of a boot, in order. */
export const BOOT_STAGES = ['accepted', 'active', 'delete_accepted', 'gone'] as const;

type SampleBase = SeriesKey & {
  /** The session that sent it; sessions are numbered in ascending order within a journal. */
  readonly session: number;
  /** 0, 1, 2, ... within session and series, in the order sent and without holes: every sample sent is recorded. */
  readonly seq: number;
  readonly dueAt: Millis;
  readonly startedAt: Millis;
  readonly endedAt: Millis;
  /** Sent between slots after a failure, to find the end sooner; never counted in a ratio. */
  readonly extra: boolean;
  readonly stages: Stages;
  readonly requestId: string | null;
  /** The server that was created. */
  readonly serverId: string | null;
};

/** The result of a probe: a sample without its place in the series. */
export type Finding =
  | {
      readonly outcome: 'ok';
      readonly cause: null;
      /** The latest time at which this sample proves that the service was up: for a request the time it was sent. */
      readonly lastKnownUpAt: Millis;
      /** When success was certain. */
      readonly settledAt: Millis;
    }
  | {
      readonly outcome: 'failed';
      readonly cause: Cause;
      /**
       * Set if one part of the sample proved that the service was up before another part failed, such as a boot whose
       * delete failed.
       */
      readonly lastKnownUpAt: Millis | null;
      /** When the part that failed started: a request was sent, or a stage of a boot started. */
      readonly failureStartedAt: Millis;
      /** When failure was certain. */
      readonly settledAt: Millis;
      /**
       * The failure is that something did not happen in time (no answer, not ACTIVE): the service may have failed at
       * any time until `settledAt`.
       */
      readonly timedOut: boolean;
    }
  | {
      readonly outcome: 'void';
      readonly cause: VoidCause;
      /** How many slots this record covers: more than 1 only for consecutive missed slots. */
      readonly slots: number;
    };

export type Sample = SampleBase & Finding;
export type OkSample = Extract<Sample, { outcome: 'ok' }>;
export type FailedSample = Extract<Sample, { outcome: 'failed' }>;
export type ValidSample = OkSample | FailedSample;
export type Outcome = Sample['outcome'];
