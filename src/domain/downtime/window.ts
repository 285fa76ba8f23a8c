import type { FailureKind, Service } from '../cause.ts';
import { length, subtract } from '../interval.ts';
import type { SeriesKey } from '../sample.ts';
import type { Bracket, Interval, Millis } from '../time.ts';

/**
 * - `down`: every sample failed
 * - `partial`: some samples failed and others did not, as when one of several backends is down (see partial.ts)
 * - `degraded`: samples were slow
 */
export const WINDOW_KINDS = ['down', 'partial', 'degraded'] as const;
export type WindowKind = (typeof WINDOW_KINDS)[number];

/** Whether a window counts as downtime. */
export const isOutage = ({ kind }: { readonly kind: WindowKind }): boolean => kind !== 'degraded';

/** A measured value, in seconds if not stated otherwise. The true value is between `min` and `max`. */
export type Measured = { readonly min: number; readonly estimate: number; readonly max: number };

export const NO_DOWNTIME: Measured = { min: 0, estimate: 0, max: 0 };

/** Failed regular samples in a row: how many, and when the first and the last one were sent. */
export type FailedRun = Interval & { readonly slots: number };

/** The share of regular samples that failed, from 0 to 1, with its 95 % interval. */
export type FailedShare = Measured & {
  /** Slots from the first failure to the last one, failed or not. */
  readonly slots: number;
  /** Milliseconds from one slot to the next, on average. */
  readonly width: number;
};

export type CauseCount = {
  readonly kind: FailureKind;
  readonly service: Service;
  readonly count: number;
  /** When the first sample with this cause was sent. */
  readonly firstAt: Millis;
};

/** Adds up causes, in order of first appearance. */
export function addCauses(causes: readonly CauseCount[]): readonly CauseCount[] {
  const byCause = Map.groupBy(causes, ({ kind, service }) => `${kind}\n${service}`);
  return [...byCause.values()]
    .flatMap((same): readonly CauseCount[] => {
      const [first] = same.toSorted((a, b) => a.firstAt - b.firstAt);
      return first === undefined ? [] : [{ ...first, count: same.reduce((sum, { count }) => sum + count, 0) }];
    })
    .sort((a, b) => a.firstAt - b.firstAt);
}

/** A period for which one series was down, partly down or degraded. */
export type DowntimeWindow = SeriesKey & {
  /** Stable: the same journal always yields the same id. */
  readonly id: string;
  readonly kind: WindowKind;
  readonly start: Bracket;
  /** Null while the window is open. */
  readonly end: Bracket | null;
  /** The probes whose samples set the edges: a sharper one may see the same outage (see sharpen.ts). */
  readonly startBy: string;
  readonly endBy: string;
  /** The latest time at which the window is known to have been open. */
  readonly knownUntil: Millis;
  /** An open window lasts until now. Unobserved time inside does not count. */
  readonly duration: Measured;
  /**
   * How much of the duration counts as downtime: all of it in a `down` window, the failed share of it in a `partial` one
   * (with a 95 % interval), nothing in a `degraded` one.
   */
  readonly downtime: Measured;
  /** In order. One in a `down` window, or none if only extra samples failed; none in a `degraded` window. */
  readonly failedRuns: readonly FailedRun[];
  /** Null unless the window is `partial`. */
  readonly failedShare: FailedShare | null;
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

/** Returns how many regular samples of a window failed. */
export const failedSlots = ({ failedRuns }: Pick<DowntimeWindow, 'failedRuns'>): number =>
  failedRuns.reduce((sum, { slots }) => sum + slots, 0);

/** Whether the time itself was observed, so that the estimate is not a midpoint (see tracker.ts). */
export const isExact = ({ estimate, latest }: Bracket): boolean => estimate === latest;

/** Returns when the sample behind an edge was sent: the estimate is midway between that and `earliest`. */
export const sampleSentAt = ({ earliest, estimate }: Bracket): Millis => 2 * estimate - earliest;

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

/** Returns the observed time from start to end of a window; an open one lasts until `now`. */
export function spanOf({ start, end, knownUntil, gaps }: DowntimeWindow, now: Millis): Extent {
  const until = Math.max(now, start.estimate);
  const { earliest, estimate, latest } = end ?? { earliest: knownUntil, estimate: until, latest: until };
  return {
    min: subtract([{ from: start.latest, until: earliest }], gaps),
    estimate: subtract([{ from: start.estimate, until: estimate }], gaps),
    max: subtract([{ from: start.earliest, until: latest }], gaps),
  };
}

/**
 * Returns the downtime of a window: its span, or for a partial window its failed slots. No moment of a partial window is
 * certainly downtime, and each may be.
 */
export function extentOf(window: DowntimeWindow, now: Millis): Extent {
  const span = spanOf(window, now);
  if (window.failedShare === null) return span;
  return { min: [], estimate: timeOfSlots(window, window.failedShare.width), max: span.max };
}

/** Returns the time around each failed slot of a window, `width` milliseconds for each. */
export const timeOfSlots = ({ failedRuns, gaps }: DowntimeWindow, width: number): readonly Interval[] =>
  subtract(
    failedRuns.flatMap(({ from, until, slots }) =>
      Array.from({ length: slots }, (_, slot) => {
        const at = slots === 1 ? from : from + (slot * (until - from)) / (slots - 1);
        return { from: at - width / 2, until: at + width / 2 };
      }),
    ),
    gaps,
  );

/** Returns the total duration of extents in seconds. Overlaps count once. */
export function seconds(extents: readonly Extent[]): Measured {
  const total = (part: keyof Extent) => length(extents.flatMap((extent) => extent[part])) / 1000;
  return { min: total('min'), estimate: total('estimate'), max: total('max') };
}
