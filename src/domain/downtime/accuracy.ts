import type { Interval } from '../time.ts';
import { type DowntimeWindow, isOutage } from './window.ts';

/** What is compared: a window, or an incident. */
export type MeasuredOutage = Pick<DowntimeWindow, 'kind' | 'start' | 'end' | 'duration' | 'downtime'>;

/** A window and the injected outage that it measured. Errors are measured minus true, in seconds. */
export type Match<W extends MeasuredOutage = DowntimeWindow> = {
  readonly truth: Interval;
  readonly window: W;
  /** The true start or end is within the bracket. */
  readonly startInside: boolean;
  readonly endInside: boolean;
  readonly startError: number;
  readonly endError: number;
  readonly durationError: number;
};

export type Accuracy<W extends MeasuredOutage = DowntimeWindow> = {
  readonly matches: readonly Match<W>[];
  /** Outages without a window. */
  readonly undetected: readonly Interval[];
  /** Down and partial windows without an outage. */
  readonly spurious: readonly W[];
  /** Every outage was detected, its start and end are within the brackets, and no window was invented. */
  readonly withinBrackets: boolean;
  /** Mean absolute error of the durations, in seconds; an undetected outage counts in full. Null without outages. */
  readonly meanAbsoluteError: number | null;
  /** Total measured duration divided by the true one, minus 1. Null without outages. */
  readonly totalError: number | null;
};

/** Compares the down windows of one series with the outages that were injected. Both lists are in order of time. */
export function accuracy<W extends MeasuredOutage>(truths: readonly Interval[], windows: readonly W[]): Accuracy<W> {
  const unmatched = new Set(windows.filter(isOutage));
  const matches: Match<W>[] = [];
  const undetected: Interval[] = [];
  for (const truth of truths) {
    const window = [...unmatched].find((candidate) => touches(candidate, truth));
    if (window === undefined) {
      undetected.push(truth);
      continue;
    }
    unmatched.delete(window);
    matches.push(match(truth, window));
  }
  const errors = [...matches.map(({ durationError }) => Math.abs(durationError)), ...undetected.map(secondsOf)];
  const total = truths.reduce((sum, truth) => sum + secondsOf(truth), 0);
  const measured = windows.filter(isOutage).reduce((sum, { downtime }) => sum + downtime.estimate, 0);
  return {
    matches,
    undetected,
    spurious: [...unmatched],
    withinBrackets:
      undetected.length === 0 &&
      unmatched.size === 0 &&
      matches.every(({ startInside, endInside }) => startInside && endInside),
    meanAbsoluteError: errors.length === 0 ? null : errors.reduce((sum, error) => sum + error, 0) / errors.length,
    totalError: total === 0 ? null : measured / total - 1,
  };
}

const secondsOf = ({ from, until }: Interval): number => (until - from) / 1000;

const touches = ({ start, end }: MeasuredOutage, truth: Interval): boolean =>
  start.earliest <= truth.until && (end?.latest ?? Infinity) >= truth.from;

function match<W extends MeasuredOutage>(truth: Interval, window: W): Match<W> {
  const { start, end } = window;
  return {
    truth,
    window,
    startInside: start.earliest <= truth.from && truth.from <= start.latest,
    endInside: end !== null && end.earliest <= truth.until && truth.until <= end.latest,
    startError: (start.estimate - truth.from) / 1000,
    endError: end === null ? NaN : (end.estimate - truth.until) / 1000,
    durationError: window.duration.estimate - secondsOf(truth),
  };
}
