import type { Interval } from '../time.ts';
import type { DowntimeWindow } from './window.ts';

/** How near one window came to an outage that was injected, all in seconds; errors are measured minus true. */
export type Match = {
  readonly truth: Interval;
  readonly window: DowntimeWindow;
  /** The true moment lies in the bracket. */
  readonly startInside: boolean;
  readonly endInside: boolean;
  readonly startError: number;
  readonly endError: number;
  readonly durationError: number;
};

export type Accuracy = {
  readonly matches: readonly Match[];
  /** Outages that no window shows. */
  readonly undetected: readonly Interval[];
  /** Down windows without an outage. */
  readonly invented: readonly DowntimeWindow[];
  /** Every outage was seen, each lies inside its brackets, and nothing was invented. */
  readonly inside: boolean;
  /** Mean of the absolute error of the durations, in seconds; undetected outages count whole. Null without outages. */
  readonly meanAbsoluteError: number | null;
  /** Of all durations together, measured over true minus 1. Null without outages. */
  readonly totalError: number | null;
};

/** Holds the down windows of one series against the outages that were injected. Both in order of time. */
export function accuracy(truths: readonly Interval[], windows: readonly DowntimeWindow[]): Accuracy {
  const free = new Set(windows.filter((one) => one.kind === 'down'));
  const matches: Match[] = [];
  const undetected: Interval[] = [];
  for (const truth of truths) {
    const window = [...free].find((one) => touches(one, truth));
    if (window === undefined) {
      undetected.push(truth);
      continue;
    }
    free.delete(window);
    matches.push(match(truth, window));
  }
  const errors = [...matches.map((one) => Math.abs(one.durationError)), ...undetected.map(lasting)];
  const total = truths.reduce((sum, one) => sum + lasting(one), 0);
  const measured = [...windows]
    .filter((one) => one.kind === 'down')
    .reduce((sum, one) => sum + one.duration.estimate, 0);
  return {
    matches,
    undetected,
    invented: [...free],
    inside: undetected.length === 0 && free.size === 0 && matches.every((one) => one.startInside && one.endInside),
    meanAbsoluteError: errors.length === 0 ? null : errors.reduce((sum, one) => sum + one, 0) / errors.length,
    totalError: total === 0 ? null : measured / total - 1,
  };
}

const lasting = ({ from, until }: Interval): number => (until - from) / 1000;

const touches = ({ start, end }: DowntimeWindow, truth: Interval): boolean =>
  start.earliest <= truth.until && (end?.latest ?? Infinity) >= truth.from;

function match(truth: Interval, window: DowntimeWindow): Match {
  const { start, end } = window;
  return {
    truth,
    window,
    startInside: start.earliest <= truth.from && truth.from <= start.latest,
    endInside: end !== null && end.earliest <= truth.until && truth.until <= end.latest,
    startError: (start.estimate - truth.from) / 1000,
    endError: end === null ? NaN : (end.estimate - truth.until) / 1000,
    durationError: window.duration.estimate - lasting(truth),
  };
}
