import type { FailureKind, Service } from '../cause.ts';
import { length, subtract } from '../interval.ts';
import type { SeriesKey } from '../sample.ts';
import type { Bracket, Interval, Millis } from '../time.ts';

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
  /** The last moment at which it is known to have lasted. */
  readonly lastSeen: Millis;
  /** Of an open window: up to now. Unobserved time inside is in `max` alone. */
  readonly duration: Seconds;
  /**
   * When its first request was reset or its answer cut off, if the samples sent after it fail sooner: by then the service
   * had gone. Null where it began in another way.
   */
  readonly goneBy: Millis | null;
  /** Unobserved stretches inside: neither up nor down. */
  readonly gaps: readonly Interval[];
  /** Failed (or slow) samples, extra ones too. */
  readonly failedSamples: number;
  /** Most frequent first; empty for a degraded window. */
  readonly causes: readonly CauseCount[];
  /** A sample sent before one of its edges has not ended yet, so an edge may still move. */
  readonly provisional: boolean;
};

/** The very moment was seen: see tracker.ts. */
export const wasSeen = ({ estimate, latest }: Bracket): boolean => estimate === latest;

/** The stretches that a window may stand for: at least `min`, by the best guess `estimate`, at most `max`. */
export type Extent = {
  readonly min: readonly Interval[];
  readonly estimate: readonly Interval[];
  readonly max: readonly Interval[];
};

/**
 * `end` of an open window is the moment up to which it is known to last: all three of the bracket are then the same.
 * Unobserved time counts for `max` alone: nobody knows what was then.
 */
export function extent(start: Bracket, end: Bracket, gaps: readonly Interval[]): Extent {
  return {
    min: subtract([{ from: start.latest, until: end.earliest }], gaps),
    estimate: subtract([{ from: start.estimate, until: end.estimate }], gaps),
    max: subtract([{ from: start.earliest, until: end.latest }], []),
  };
}

/** The extent of a window; of an open one up to `now`. */
export function extentOf(window: DowntimeWindow, now: Millis): Extent {
  const until = Math.max(now, window.start.estimate);
  const end = window.end ?? { earliest: window.lastSeen, estimate: until, latest: until };
  return extent(window.start, end, window.gaps);
}

/** How long, in seconds. Several extents are united, never added up. */
export function seconds(extents: readonly Extent[]): Seconds {
  const of = (part: keyof Extent) => length(extents.flatMap((one) => one[part])) / 1000;
  return { min: of('min'), estimate: of('estimate'), max: of('max') };
}

/** How long, by the estimate, in seconds, counting an open window up to its last failed sample only. */
export const settledSeconds = (windows: readonly DowntimeWindow[]): number =>
  seconds(windows.map((one) => extentOf(one, one.end?.latest ?? one.lastSeen))).estimate;
