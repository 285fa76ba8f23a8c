import { firstEndingAfter, intersect, length, subtract, union } from '../interval.ts';
import { type Series, seriesId, targetId } from '../sample.ts';
import type { Bracket, Interval, Millis } from '../time.ts';
import { isByChance } from './partial.ts';
import {
  type DowntimeWindow,
  type Extent,
  extentOf,
  isExact,
  isOutage,
  sampleSentAt,
  sharedEdge,
  spanOf,
  timeOfSlots,
} from './window.ts';

/** What finding outages needs to know about a series. */
export type SeriesOutages = {
  readonly series: Series;
  readonly windows: readonly DowntimeWindow[];
  readonly gaps: readonly Interval[];
  /** The time for which the series was watched; an open window lasts until its end. */
  readonly watched: Interval;
};

/** One outage: down and partial windows of any series whose estimates overlap. */
export type Outage = {
  /** By estimated start. */
  readonly windows: readonly DowntimeWindow[];
  /** Where the windows of several connections share an edge, the estimate is sharper than theirs. */
  readonly extent: Extent;
  /** When its first and its last edge were, and how wide the brackets are that its windows agree on, in milliseconds. */
  readonly edges: readonly { readonly bracket: Interval; readonly width: number }[];
  /** The time of its partial windows that is not down, each moment once. */
  readonly partial: readonly PartialTime[];
  /** If only one regular sample failed: the time that this sample covers. */
  readonly singleSlot: readonly Interval[] | null;
};

/** The time of a partial outage; `slotWidth` is the time that one sample covers, in milliseconds. */
export type PartialTime = { readonly time: readonly Interval[]; readonly slotWidth: number };

/** Returns the outages of several series in order. `limit`: the time up to which an open window counts. */
export function outagesOf(
  allSeries: readonly SeriesOutages[],
  limit: (window: DowntimeWindow, watched: Interval) => Millis = (_, { until }) => until,
): readonly Outage[] {
  const limits = new Map(
    allSeries.flatMap(({ windows, watched }) =>
      windows.filter(isOutage).map((window) => [window, limit(window, watched)] as const),
    ),
  );
  const connections = new Map(
    [...Map.groupBy(allSeries, ({ series }) => targetId(series))].map(([target, members]) => [target, members.length]),
  );
  return groupByOverlap([...limits.keys()], limits).map((windows) => outageOf(windows, { limits, connections }));
}

/**
 * Groups windows whose estimates overlap, into one outage. A window is one outage, even if parts of it were unobserved;
 * an ok sample between two windows of a series separates them.
 */
function groupByOverlap(
  windows: readonly DowntimeWindow[],
  limits: ReadonlyMap<DowntimeWindow, Millis>,
): readonly (readonly DowntimeWindow[])[] {
  const groups: DowntimeWindow[][] = [];
  let reached = -Infinity;
  for (const window of windows.toSorted((a, b) => a.start.estimate - b.start.estimate)) {
    if (window.start.estimate >= reached) groups.push([]);
    groups.at(-1)?.push(window);
    reached = Math.max(reached, window.end?.estimate ?? limits.get(window) ?? window.knownUntil);
  }
  return groups;
}

type Context = {
  readonly limits: ReadonlyMap<DowntimeWindow, Millis>;
  /** The number of connections over which each target is probed. */
  readonly connections: ReadonlyMap<string, number>;
};

function outageOf(windows: readonly DowntimeWindow[], { limits, connections }: Context): Outage {
  const limitOf = (window: DowntimeWindow): Millis => limits.get(window) ?? window.knownUntil;
  const targets = [...Map.groupBy(windows, targetId)].map(([target, members]) =>
    separatePartial(members, connections.get(target) ?? 1, limitOf),
  );
  const down = union(targets.flatMap((target) => sharpenedUnion(target.down, limitOf)));
  const partial = targets.flatMap((target) => target.partial);
  const extents = windows.map((window) => extentOf(window, limitOf(window)));
  return {
    windows,
    extent: {
      min: union(extents.flatMap(({ min }) => min)),
      estimate: union([...down, ...partial.flatMap(({ failed }) => failed)]),
      max: union(extents.flatMap(({ max }) => max)),
    },
    edges: edgesOf(
      down,
      targets.flatMap((target) => target.down),
    ),
    partial: partial.map(({ time, slotWidth }, index) => ({
      time: subtract(time, [...down, ...partial.slice(0, index).flatMap((earlier) => earlier.time)]),
      slotWidth,
    })),
    singleSlot: singleSlotOf(windows, connections),
  };
}

/** If a connection has no failure although this many were to be expected, the outage does not affect it. */
const MIN_EXPECTED_FAILURES = 3;

type PooledPartial = PartialTime & { readonly failed: readonly Interval[] };

/**
 * Separates the windows of one target. The partial ones of several connections are pooled: each failed sample covers
 * its part of the interval, so that the downtime is the failed share of all samples. Down windows of the other
 * connection that are a few failures by chance belong to the partial outage.
 */
function separatePartial(
  windows: readonly DowntimeWindow[],
  connections: number,
  limitOf: (window: DowntimeWindow) => Millis,
): { readonly down: readonly DowntimeWindow[]; readonly partial: readonly PooledPartial[] } {
  const pooled = new Set<DowntimeWindow>();
  const partial = windows.flatMap((window): readonly PooledPartial[] => {
    const { failedShare: share, connection } = window;
    if (share === null) return [];
    const span = { from: window.start.earliest, until: window.end?.latest ?? limitOf(window) };
    const others = windows.filter((other) => other.connection !== connection && hasSlotsIn(other, span));
    const few = others.filter((other) => isByChance(other, share.estimate));
    for (const other of few) pooled.add(other);
    const isAffected = few.length > 0 || others.some(({ kind }) => kind === 'partial');
    const isShared = isAffected || share.estimate * share.slots < MIN_EXPECTED_FAILURES;
    const slotWidth = share.width / (isShared ? connections : 1);
    const failed = [window, ...few].flatMap((member) => timeOfSlots(member, slotWidth));
    return [{ time: spanOf(window, limitOf(window)).estimate, slotWidth, failed }];
  });
  return { down: windows.filter((window) => window.kind === 'down' && !pooled.has(window)), partial };
}

const hasSlotsIn = ({ failedRuns }: DowntimeWindow, { from, until }: Interval): boolean =>
  failedRuns.some((run) => run.until >= from && run.from <= until);

/** Returns the edges of the down time, each with the width of the bracket that the windows at this edge agree on. */
function edgesOf(down: readonly Interval[], windows: readonly DowntimeWindow[]): Outage['edges'] {
  const byInterval = Map.groupBy(windows, ({ start, end, knownUntil }) =>
    firstEndingAfter(down, (start.estimate + (end?.estimate ?? knownUntil)) / 2),
  );
  return down.flatMap(({ from, until }, index) => {
    const inside = byInterval.get(index) ?? [];
    const starts = inside.map((window) => [window.start, window] as const);
    const ends = inside.flatMap((window) => (window.end === null ? [] : [[window.end, window] as const]));
    return [...edgeAt(from, starts), ...edgeAt(until, ends)];
  });
}

/** Returns the edge at a time, or nothing if the time is that of a gap or of now. */
function edgeAt(at: Millis, brackets: readonly (readonly [Bracket, DowntimeWindow])[]): Outage['edges'] {
  const around = brackets.filter(([{ earliest, latest }]) => earliest <= at && at <= latest);
  const [first] = around;
  if (first === undefined) return [];
  const [bracket, window] = first;
  const others = around.filter(
    ([, other]) => targetId(other) === targetId(window) && other.connection !== window.connection,
  );
  const shared = sharedEdge(
    bracket,
    others.map(([other]) => other),
  );
  const width = isExact(bracket) ? 0 : length(subtract([shared], window.gaps));
  return [{ bracket: { from: bracket.earliest, until: bracket.latest }, width }];
}

/** Returns the time that the only failed slot of an outage covers: the interval between two samples of its target. */
function singleSlotOf(
  windows: readonly DowntimeWindow[],
  connections: ReadonlyMap<string, number>,
): readonly Interval[] | null {
  const [window] = windows;
  if (window === undefined || windows.length > 1 || window.kind !== 'down' || window.end === null) return null;
  const [run] = window.failedRuns;
  if (window.failedRuns.length > 1 || run === undefined || run.slots > 1) return null;
  const { start, end } = window;
  const observed = (from: Millis, until: Millis): number => length(subtract([{ from, until }], window.gaps));
  const interval = observed(start.earliest, run.from);
  // A closed loop samples less often while a sample fails: more would have failed at the usual interval.
  if (observed(run.from, sampleSentAt(end)) > 1.5 * interval) return null;
  const width = interval / (connections.get(targetId(window)) ?? 1);
  // A window that was certainly open for longer has met more samples than one, such as extra ones.
  if (window.duration.min * 1000 > width) return null;
  return subtract([{ from: Math.max(start.earliest, end.estimate - width), until: end.estimate }], window.gaps);
}

/**
 * Returns the estimated downtime of a target that several series probe, such as `server-list` over a reused and over a
 * new connection, half an interval apart. `min` and `max` are plain unions of the brackets. The estimate can do better:
 * if two windows may share an edge, the edge is in the middle of what both brackets agree on. Two series at 1 Hz then
 * resolve an edge as well as one at 2 Hz; a union of midpoints would be too long by a quarter of a second. Time for
 * which no window was both down and observed does not count. An open window lasts until its `limit`.
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
