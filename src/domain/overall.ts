import { firstEndingAfter, intersect, length, subtract, union } from './interval.ts';
import type { ProbeName, Series } from './sample.ts';
import type { Interval, Millis } from './time.ts';
import { unitedEstimate } from './united.ts';
import { type DowntimeWindow, type Extent, extentOf, type Seconds } from './window.ts';

/** Unions of the down windows; never sums. `api` is server-list on both connections, `boot` is server-boot,
 * `dataPlane` is server-reach: any of its servers. */
export type Overall = {
  readonly downtime: Seconds;
  /** As in `SeriesSummary`. */
  readonly settled: number;
  readonly windows: number;
  readonly longest: number;
  readonly api: Seconds;
  readonly apiSettled: number;
  readonly boot: Seconds;
  readonly dataPlane: Seconds;
  readonly token: Seconds;
  /** Time in which no chosen probe had a valid sample. */
  readonly unobserved: number;
};

/** What the overall downtime needs of each series. */
export type SeriesBook = {
  readonly series: Series;
  readonly windows: readonly DowntimeWindow[];
  readonly gaps: readonly Interval[];
  readonly watched: Interval;
};

/** The union of the down windows of the chosen probes, and by kind. Several series down at once are down once. */
export function overallOf(books: readonly SeriesBook[], chosen: readonly ProbeName[]): Overall {
  const counted = books.filter((book) => chosen.includes(book.series.probe));
  const lists = books.filter((book) => book.series.probe === 'server-list');
  const down = downtimeOf(counted);
  const of = (probe: ProbeName) => inSeconds(downtimeOf(books.filter((book) => book.series.probe === probe)));
  return {
    downtime: inSeconds(down),
    settled: settledOf(counted),
    ...stretches(down, counted),
    api: of('server-list'),
    apiSettled: settledOf(lists),
    boot: of('server-boot'),
    dataPlane: of('server-reach'),
    token: of('token'),
    unobserved: length(unobservedByAll(counted)) / 1000,
  };
}

const downOf = (books: readonly SeriesBook[]): readonly DowntimeWindow[] =>
  books.flatMap(({ windows }) => windows.filter((one) => one.kind === 'down'));

/** The down windows as stretches of time. */
export function downtimeOf(books: readonly SeriesBook[]): Extent {
  const now = Math.max(...books.map((book) => book.watched.until));
  const extents = downOf(books).map((window) => extentOf(window, now));
  return {
    min: union(extents.flatMap((one) => one.min)),
    estimate: estimateOf(books, () => now),
    max: union(extents.flatMap((one) => one.max)),
  };
}

/** The connections to one and the same thing agree on the edges; across things and probes it is a plain union. */
function estimateOf(books: readonly SeriesBook[], now: (window: DowntimeWindow) => Millis): readonly Interval[] {
  const things = Map.groupBy(books, ({ series }) => JSON.stringify([series.probe, series.target]));
  return union([...things.values()].flatMap((some) => unitedEstimate(downOf(some), now)));
}

/** Like the estimate, in seconds, but counting an open window up to its last failed sample only. */
const settledOf = (books: readonly SeriesBook[]): number =>
  length(estimateOf(books, (window) => window.end?.latest ?? window.lastSeen)) / 1000;

const inSeconds = ({ min, estimate, max }: Extent): Seconds => ({
  min: length(min) / 1000,
  estimate: length(estimate) / 1000,
  max: length(max) / 1000,
});

/** How often everything was down, and how long at most; what was unobserved in between does not part an outage in two. */
function stretches({ estimate }: Extent, books: readonly SeriesBook[]): { windows: number; longest: number } {
  const joined = union([...estimate, ...intersect(unobservedByAll(books), spanning(estimate))]);
  // Each stretch of the estimate lies in one of the joined alone.
  const holding = Map.groupBy(estimate, ({ from }) => firstEndingAfter(joined, from));
  return {
    windows: holding.size,
    longest: [...holding.values()].reduce((most, some) => Math.max(most, length(some) / 1000), 0),
  };
}

function spanning(intervals: readonly Interval[]): readonly Interval[] {
  const from = intervals.at(0)?.from;
  const until = intervals.at(-1)?.until;
  return from === undefined || until === undefined ? [] : [{ from, until }];
}

/** The time in which none of the series had a valid sample. */
export function unobservedByAll(books: readonly SeriesBook[]): readonly Interval[] {
  const [first, ...rest] = books;
  if (first === undefined) return [];
  return rest.reduce<readonly Interval[]>((common, book) => intersect(common, book.gaps), subtract(first.gaps, []));
}
