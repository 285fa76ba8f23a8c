import type { FailureKind, Service } from './cause.ts';
import type { SeriesKey } from './sample.ts';
import type { Bracket } from './time.ts';

export type WindowKind = 'down' | 'degraded';

/** Min, estimate and max, in seconds; the true value lies between min and max. */
export type Seconds = { readonly min: number; readonly estimate: number; readonly max: number };

export type CauseCount = { readonly kind: FailureKind; readonly service: Service; readonly count: number };

/** A stretch of downtime or slowness of one series. */
export type DowntimeWindow = SeriesKey & {
  /** The same whenever the same journal is read. */
  readonly id: string;
  readonly kind: WindowKind;
  readonly start: Bracket;
  /** Null while it is open. */
  readonly end: Bracket | null;
  /** Of an open window: up to now. Unobserved time inside is in `max` alone. */
  readonly duration: Seconds;
  /** Unobserved time inside, in seconds. */
  readonly unobserved: number;
  /** Failed (or slow) samples, extra ones too. */
  readonly failedSamples: number;
  /** Most frequent first; empty for a degraded window. */
  readonly causes: readonly CauseCount[];
  /** A sample sent before one of its edges has not ended yet, so an edge may still move. */
  readonly provisional: boolean;
};
