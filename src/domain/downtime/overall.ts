import { firstEndingAfter, intersect, length, subtract, union } from '../interval.ts';
import { type Series, seriesId } from '../sample.ts';
import type { Bracket, Interval, Millis } from '../time.ts';
import { type DowntimeWindow, type Extent, extentOf, isExact, type Measured, seconds, sharedEdge } from './window.ts';

/** The downtime of a run: unions of down windows, never sums. */
export type OverallDowntime = {
  readonly downtime: Measured;
  /** See `SeriesSummary`. */
  readonly settledDowntime: number;
  /** Outages: down windows whose estimates overlap count as one. */
  readonly outageCount: number;
  /** The longest outage, in seconds. */
  readonly longest: number;
  /** By probe name, over all connections and targets of a probe. Includes probes that were not enabled. */
  readonly byProbe: ReadonlyMap<string, ProbeDowntime>;
  /** Seconds for which no selected probe had a valid sample. */
  readonly unobserved: number;
};

/** The downtime of one probe, as in `OverallDowntime`. */
export type ProbeDowntime = Pick<OverallDowntime, 'downtime' | 'settledDowntime' | 'outageCount'>;

const NONE = { min: 0, estimate: 0, max: 0 };
const NO_DOWNTIME: ProbeDowntime = { downtime: NONE, settledDowntime: 0, outageCount: 0 };

export const downtimeOfProbe = ({ byProbe }: OverallDowntime, probe: string): ProbeDowntime =>
  byProbe.get(probe) ?? NO_DOWNTIME;

/** What the overall downtime needs to know about a series. */
export type SeriesOutages = {
  readonly series: Series;
  readonly windows: readonly DowntimeWindow[];
  readonly gaps: readonly Interval[];
  /** The time for which the series was watched; an open window lasts until its end. */
  readonly watched: Interval;
};

/** Computes the downtime of the selected probes together, and of each probe by itself. */
export function overallDowntimeOf(
  allSeries: readonly SeriesOutages[],
  { selected, probes }: { readonly selected: readonly string[]; readonly probes: readonly string[] },
): OverallDowntime {
  const counted = allSeries.filter(({ series }) => selected.includes(series.probe));
  const outages = outagesOf(counted);
  return {
    downtime: seconds([downtimeExtent(counted)]),
    settledDowntime: settledDowntimeOf(counted),
    outageCount: outages.length,
    longest: outages.reduce((longest, outage) => Math.max(longest, length(outage) / 1000), 0),
    byProbe: new Map(
      probes.map(
        (probe) => [probe, downtimeOfSeries(allSeries.filter(({ series }) => series.probe === probe))] as const,
      ),
    ),
    unobserved: length(unobservedByAll(counted)) / 1000,
  };
}

const downtimeOfSeries = (series: readonly SeriesOutages[]): ProbeDowntime => ({
  downtime: seconds([downtimeExtent(series)]),
  settledDowntime: settledDowntimeOf(series),
  outageCount: outagesOf(series).length,
});

const downWindowsOf = ({ windows }: SeriesOutages): readonly DowntimeWindow[] =>
  windows.filter(({ kind }) => kind === 'down');

/** Returns the union of the down windows of several series. */
export function downtimeExtent(allSeries: readonly SeriesOutages[]): Extent {
  const extents = allSeries.flatMap((series) =>
    downWindowsOf(series).map((window) => extentOf(window, series.watched.until)),
  );
  return {
    min: union(extents.flatMap(({ min }) => min)),
    estimate: estimateOf(allSeries, (_, watched) => watched.until),
    max: union(extents.flatMap(({ max }) => max)),
  };
}

/** The time up to which an open window counts. */
type WindowLimit = (window: DowntimeWindow, watched: Interval) => Millis;

/**
 * Returns the estimated downtime. Edges are sharpened where several connections probe the same target; across targets
 * and probes, it is a plain union.
 */
function estimateOf(allSeries: readonly SeriesOutages[], limit: WindowLimit): readonly Interval[] {
  const targets = Map.groupBy(allSeries, ({ series: { cloud, vantage, probe, target } }) =>
    JSON.stringify([cloud, vantage, probe, target]),
  );
  return union(
    [...targets.values()].flatMap((connections) => {
      const limits = new Map(
        connections.flatMap((series) =>
          downWindowsOf(series).map((window) => [window, limit(window, series.watched)] as const),
        ),
      );
      return sharpenedUnion([...limits.keys()], (window) => limits.get(window) ?? window.knownUntil);
    }),
  );
}

/** Returns the estimated downtime in seconds, counting open windows up to their last failed sample. */
const settledDowntimeOf = (allSeries: readonly SeriesOutages[]): number =>
  length(estimateOf(allSeries, (window) => window.end?.latest ?? window.knownUntil)) / 1000;

/**
 * Returns the estimated downtime of a target that several series probe, such as `server-list` over a reused and over a
 * new connection, half an interval apart. `min` and `max` are plain unions of the brackets. The estimate can do better:
 * if two windows may share an edge, the edge is in the middle of what both brackets agree on. Two series at 1 Hz then
 * resolve an edge as well as one at 2 Hz; a union of midpoints would be too long by a quarter of a second. Time for
 * which no window was both down and observed counts in `max` only. An open window lasts until its `limit`.
 */
export function sharpenedUnion(
  windows: readonly DowntimeWindow[],
  limit: (window: DowntimeWindow) => Millis,
): readonly Interval[] {
  const estimates = windows.map((window) => ({ window, intervals: extentOf(window, limit(window)).estimate }));
  const downtime = union(estimates.flatMap(({ intervals }) => intervals));
  const spans = union(
    estimates.flatMap(({ intervals }) => {
      const from = intervals.at(0)?.from;
      const until = intervals.at(-1)?.until;
      return from === undefined || until === undefined ? [] : [{ from, until }];
    }),
  );
  const windowsOfSpan = Map.groupBy(estimates, ({ intervals }) =>
    firstEndingAfter(spans, intervals[0]?.from ?? Infinity),
  );
  // An edge that two windows agree on may be in a gap of the one that was down.
  const observed = union(windows.flatMap((window) => subtract(extentOf(window, limit(window)).max, window.gaps)));
  let next = 0;
  const united = spans.flatMap((span, index) => {
    const first = next;
    while ((downtime[next]?.from ?? Infinity) < span.until) next++;
    const holes = subtract([span], downtime.slice(first, next));
    const inSpan = (windowsOfSpan.get(index) ?? []).map(({ window }) => window);
    return subtract([sharpenEdges(span, inSpan)], holes);
  });
  return intersect(united, observed);
}

/** Moves the edges of a span to where the brackets of its windows agree. */
function sharpenEdges(span: Interval, windows: readonly DowntimeWindow[]): Interval {
  const first = windows.reduce<DowntimeWindow | null>(
    (earliest, window) => (earliest && earliest.start.estimate <= window.start.estimate ? earliest : window),
    null,
  );
  const last = windows.reduce<DowntimeWindow | null>(
    (latest, window) => (latest && estimatedEnd(latest) >= estimatedEnd(window) ? latest : window),
    null,
  );
  if (first === null || last === null) return span;
  const from = agreedEdge(
    first.start,
    windowsOfOtherSeries(windows, first).map(({ start }) => start),
  );
  const until =
    last.end === null
      ? span.until
      : agreedEdge(
          last.end,
          windowsOfOtherSeries(windows, last).flatMap(({ end }) => (end === null ? [] : [end])),
        );
  return from < until ? { from, until } : span;
}

const estimatedEnd = (window: DowntimeWindow): Millis => window.end?.estimate ?? Infinity;

/**
 * Returns the windows of other series: two windows of the same series are two outages, so their edges are not compared.
 */
const windowsOfOtherSeries = (windows: readonly DowntimeWindow[], window: DowntimeWindow): readonly DowntimeWindow[] =>
  windows.filter((other) => seriesId(other) !== seriesId(window));

/**
 * Returns the exact time, if a bracket has one within `edge`; otherwise the middle of what `edge` shares with all other
 * brackets that overlap it.
 */
function agreedEdge(edge: Bracket, others: readonly Bracket[]): Millis {
  const exact = [edge, ...others].find(isExact);
  if (exact !== undefined && exact.estimate >= edge.earliest && exact.estimate <= edge.latest) return exact.estimate;
  const { from, until } = sharedEdge(edge, others);
  return (from + until) / 2;
}

/** Returns the outages in order, each as its observed intervals. */
const outagesOf = (allSeries: readonly SeriesOutages[]): readonly (readonly Interval[])[] =>
  outagesWithin(allSeries, downtimeExtent(allSeries).estimate);

/**
 * Groups intervals of the estimate by outage. A window is one outage, even if parts of it were unobserved; windows that
 * overlap are one outage. An ok sample between two windows of a series separates them.
 */
export function outagesWithin(
  allSeries: readonly SeriesOutages[],
  estimate: readonly Interval[],
): readonly (readonly Interval[])[] {
  const spans = allSeries.flatMap((series) =>
    downWindowsOf(series).map(({ start, end }): Interval => {
      const until = end?.estimate ?? series.watched.until;
      return { from: start.estimate, until: Math.max(start.estimate, until) };
    }),
  );
  const outages: Interval[] = [];
  for (const next of [...spans, ...estimate].toSorted((a, b) => a.from - b.from)) {
    const last = outages.at(-1);
    if (last === undefined || next.from >= last.until) outages.push(next);
    else if (next.until > last.until) outages[outages.length - 1] = { from: last.from, until: next.until };
  }
  const byOutage = Map.groupBy(estimate, ({ from }) => firstEndingAfter(outages, from));
  return outages.map((_, index) => byOutage.get(index) ?? []);
}

/**
 * Returns the time for which no series had a valid sample. A series observes nothing before or after it was watched.
 */
export function unobservedByAll(allSeries: readonly SeriesOutages[]): readonly Interval[] {
  const [first] = allSeries;
  if (first === undefined) return [];
  const whole = allSeries.reduce(
    ({ from, until }, { watched }) => ({ from: Math.min(from, watched.from), until: Math.max(until, watched.until) }),
    first.watched,
  );
  return allSeries.reduce<readonly Interval[]>(
    (common, { gaps, watched }) => intersect(common, [...gaps, ...subtract([whole], [watched])]),
    [whole],
  );
}
