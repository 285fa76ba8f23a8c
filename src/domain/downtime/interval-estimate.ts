import { firstEndingAfter, intersect, subtract, union } from '../interval.ts';
import { seriesId } from '../sample.ts';
import type { Bracket, Interval, Millis } from '../time.ts';
import { type DowntimeWindow, extentOf, wasSeen } from './window.ts';

/**
 * The best guess of when a service was down that several series ask, as `server-list` does over a kept and over a new
 * connection, half an interval apart. Least and most follow from the brackets by plain union; the estimate does better:
 * where the edges of two windows can be one and the same moment, it lies where both brackets agree. Two series at 1 Hz
 * so see an edge as sharply as one at 2 Hz, where a union of midpoints would be too long by a quarter of a second.
 * Time in which no window that is down then was observed counts for the most alone.
 */
export function unitedEstimate(
  windows: readonly DowntimeWindow[],
  now: (window: DowntimeWindow) => Millis,
): readonly Interval[] {
  const estimates = windows.map((window) => ({ window, stretches: extentOf(window, now(window)).estimate }));
  const all = union(estimates.flatMap(({ stretches }) => stretches));
  const spans = union(
    estimates.flatMap(({ stretches }) => {
      const from = stretches.at(0)?.from;
      const until = stretches.at(-1)?.until;
      return from === undefined || until === undefined ? [] : [{ from, until }];
    }),
  );
  // Each lies in one span alone.
  const inside = Map.groupBy(estimates, ({ stretches }) => firstEndingAfter(spans, stretches[0]?.from ?? Infinity));
  // An edge that two windows agree on may lie in time in which whoever was down was not observed.
  const observed = union(windows.flatMap((one) => subtract(extentOf(one, now(one)).max, one.gaps)));
  let next = 0;
  const united = spans.flatMap((span, index) => {
    const known = next;
    while ((all[next]?.from ?? Infinity) < span.until) next++;
    const holes = subtract([span], all.slice(known, next));
    const windows = (inside.get(index) ?? []).map(({ window }) => window);
    return subtract([sharpen(span, windows)], holes);
  });
  return intersect(united, observed);
}

/** Moves the edges of a span to where the brackets of its windows agree. */
function sharpen(span: Interval, windows: readonly DowntimeWindow[]): Interval {
  const first = windows.reduce<DowntimeWindow | null>(
    (one, other) => (one && one.start.estimate <= other.start.estimate ? one : other),
    null,
  );
  const last = windows.reduce<DowntimeWindow | null>(
    (one, other) => (one && endOf(one) >= endOf(other) ? one : other),
    null,
  );
  if (first === null || last === null) return span;
  const from = agreed(
    first.start,
    alongside(windows, first).map((one) => one.start),
  );
  const until =
    last.end === null
      ? span.until
      : agreed(
          last.end,
          alongside(windows, last).flatMap((one) => (one.end === null ? [] : [one.end])),
        );
  return from < until ? { from, until } : span;
}

const endOf = (window: DowntimeWindow): Millis => window.end?.estimate ?? Infinity;

/** The windows of the other series: of one series, two windows are two outages. */
const alongside = (windows: readonly DowntimeWindow[], one: DowntimeWindow): readonly DowntimeWindow[] =>
  windows.filter((other) => seriesId(other) !== seriesId(one));

/** The middle of what all those brackets share that share something with `edge`. */
function agreed(edge: Bracket, others: readonly Bracket[]): Millis {
  const seen = [edge, ...others].find(wasSeen);
  if (seen !== undefined && seen.estimate >= edge.earliest && seen.estimate <= edge.latest) return seen.estimate;
  const shared = others.reduce(
    (common, other) => {
      const both = { from: Math.max(common.from, other.earliest), until: Math.min(common.until, sentBy(other)) };
      return both.from < both.until ? both : common;
    },
    { from: edge.earliest, until: sentBy(edge) },
  );
  return (shared.from + shared.until) / 2;
}

/** When the sample behind the edge was sent: the estimate lies midway between that and `earliest`. */
const sentBy = ({ earliest, estimate }: Bracket): Millis => 2 * estimate - earliest;
