import type { FailureKind, Service } from '../cause.ts';
import { length, subtract } from '../interval.ts';
import type { SeriesKey } from '../sample.ts';
import type { Bracket, Interval, Millis } from '../time.ts';

export type WindowKind = 'down' | 'degraded';

/** A measured value, in seconds if not stated otherwise. The true value is between `min` and `max`. */
export type Measured = { readonly min: number; readonly estimate: number; readonly max: number };

export type CauseCount = { readonly kind: FailureKind; readonly service: Service; readonly count: number };

/** A period for which one series was down or degraded. */
export type DowntimeWindow = SeriesKey & {
  /** Stable: the same journal always yields the same id. */
  readonly id: string;
  readonly kind: WindowKind;
  readonly start: Bracket;
  /** Null while the window is open. */
  readonly end: Bracket | null;
  /** The latest time at which the window is known to have been open. */
  readonly knownUntil: Millis;
  /** An open window lasts until now. Unobserved time inside counts in `max` only. */
  readonly duration: Measured;
  /**
   * When the first request was reset or its answer cut off, if later samples fail sooner than that one did: the service
   * had exited by then. Null if the window started in another way.
   */
  readonly exitedBy: Millis | null;
  /** Unobserved time inside the window: neither up nor down. */
  readonly gaps: readonly Interval[];
  /** Failed samples (slow ones of a degraded window), including extra samples. */
  readonly failedSamples: number;
  /** Most frequent first; empty for a degraded window. */
  readonly causes: readonly CauseCount[];
  /** A sample sent before one of the edges is still in flight, so that edge may move. */
  readonly provisional: boolean;
};

/** Whether the time itself was observed, so that the estimate is not a midpoint (see tracker.ts). */
export const isExact = ({ estimate, latest }: Bracket): boolean => estimate === latest;

/** Returns when the sample behind an edge was sent: the estimate is midway between that and `earliest`. */
const sampleSentAt = ({ earliest, estimate }: Bracket): Millis => 2 * estimate - earliest;

/**
 * Returns the time that an edge shares with the brackets of other series: up to when the sample behind each was sent.
 * Ignores a bracket that does not overlap what remains.
 */
export const sharedEdge = (edge: Bracket, others: readonly Bracket[]): Interval =>
  others.reduce<Interval>(
    (shared, other) => {
      const both = { from: Math.max(shared.from, other.earliest), until: Math.min(shared.until, sampleSentAt(other)) };
      return both.from < both.until ? both : shared;
    },
    { from: edge.earliest, until: sampleSentAt(edge) },
  );

/** When one or more windows were down: certainly in `min`, possibly in `max`, most likely in `estimate`. */
export type Extent = {
  readonly min: readonly Interval[];
  readonly estimate: readonly Interval[];
  readonly max: readonly Interval[];
};

/** Returns the extent of a window; an open one lasts until `now`. Unobserved time counts in `max` only. */
export function extentOf({ start, end, knownUntil, gaps }: DowntimeWindow, now: Millis): Extent {
  const until = Math.max(now, start.estimate);
  const { earliest, estimate, latest } = end ?? { earliest: knownUntil, estimate: until, latest: until };
  return {
    min: subtract([{ from: start.latest, until: earliest }], gaps),
    estimate: subtract([{ from: start.estimate, until: estimate }], gaps),
    max: subtract([{ from: start.earliest, until: latest }], []),
  };
}

/** Returns the total duration of extents in seconds. Overlaps count once. */
export function seconds(extents: readonly Extent[]): Measured {
  const total = (part: keyof Extent) => length(extents.flatMap((extent) => extent[part])) / 1000;
  return { min: total('min'), estimate: total('estimate'), max: total('max') };
}

/** Returns the estimated duration in seconds, counting an open window up to its last failed sample. */
export const settledSeconds = (windows: readonly DowntimeWindow[]): number =>
  seconds(windows.map((window) => extentOf(window, window.end?.latest ?? window.knownUntil))).estimate;
