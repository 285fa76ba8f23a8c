import { firstEndingAfter, intersect, length, subtract, union } from '../interval.ts';
import { PROBES, type ProbeName, type Series } from '../sample.ts';
import type { Interval, Millis } from '../time.ts';
import { unitedEstimate } from './interval-estimate.ts';
import { type DowntimeWindow, type Extent, extentOf, type Seconds, seconds } from './window.ts';

/** Unions of the down windows; never sums. `api` is server-list on both connections, `boot` is server-boot,
 * `dataPlane` is server-reach: any of its servers. */
export type Overall = {
  readonly downtime: Seconds;
  /** As in `SeriesSummary`. */
  readonly settled: number;
  /** Outages: down windows that overlap by their estimates are one. */
  readonly windows: number;
  /** The longest outage. */
  readonly longest: number;
  readonly api: Seconds;
  readonly apiSettled: number;
  readonly boot: Seconds;
  readonly dataPlane: Seconds;
  readonly token: Seconds;
  /** Outages of each probe, counted as in `windows`. */
  readonly outages: { readonly [probe in ProbeName]: number };
  /** Time in which no chosen probe had a valid sample. */
  readonly unobserved: number;
};

/** What the overall downtime needs of each series. */
export type SeriesBook = {
  readonly series: Series;
  readonly windows: readonly DowntimeWindow[];
  readonly gaps: readonly Interval[];
  /** A window that is open lasts up to the end of it. */
  readonly watched: Interval;
};

/** The union of the down windows of the chosen probes, and by kind. Several series down at once are down once. */
export function overallOf(books: readonly SeriesBook[], chosen: readonly ProbeName[]): Overall {
  const of = (probe: ProbeName) => books.filter((book) => book.series.probe === probe);
  const downtimeOfProbe = (probe: ProbeName) => seconds([downtimeOf(of(probe))]);
  const counted = books.filter((book) => chosen.includes(book.series.probe));
  const outages = outagesOf(counted);
  return {
    downtime: seconds([downtimeOf(counted)]),
    settled: settledOf(counted),
    windows: outages.length,
    longest: outages.reduce((most, one) => Math.max(most, length(one) / 1000), 0),
    api: downtimeOfProbe('server-list'),
    apiSettled: settledOf(of('server-list')),
    boot: downtimeOfProbe('server-boot'),
    dataPlane: downtimeOfProbe('server-reach'),
    token: downtimeOfProbe('token'),
    outages: countOutages(of),
    unobserved: length(unobservedByAll(counted)) / 1000,
  };
}

const countOutages = (of: (probe: ProbeName) => readonly SeriesBook[]): Overall['outages'] => {
  const [list, boot, reach, token] = PROBES;
  const count = (probe: ProbeName) => outagesOf(of(probe)).length;
  return { [list]: count(list), [boot]: count(boot), [reach]: count(reach), [token]: count(token) };
};

const downOf = ({ windows }: SeriesBook): readonly DowntimeWindow[] => windows.filter((one) => one.kind === 'down');

/** The down windows as stretches of time. */
export function downtimeOf(books: readonly SeriesBook[]): Extent {
  const extents = books.flatMap((book) => downOf(book).map((window) => extentOf(window, book.watched.until)));
  return {
    min: union(extents.flatMap((one) => one.min)),
    estimate: estimateOf(books, (_, watched) => watched.until),
    max: union(extents.flatMap((one) => one.max)),
  };
}

/** Up to when an open window counts. */
type UpTo = (window: DowntimeWindow, watched: Interval) => Millis;

/** The connections to one and the same thing agree on the edges; across things and probes it is a plain union. */
function estimateOf(books: readonly SeriesBook[], upTo: UpTo): readonly Interval[] {
  const things = Map.groupBy(books, ({ series: { cloud, vantage, probe, target } }) =>
    JSON.stringify([cloud, vantage, probe, target]),
  );
  return union(
    [...things.values()].flatMap((some) => {
      const ends = new Map(
        some.flatMap((book) => downOf(book).map((window) => [window, upTo(window, book.watched)] as const)),
      );
      return unitedEstimate([...ends.keys()], (window) => ends.get(window) ?? window.lastSeen);
    }),
  );
}

/** Like the estimate, in seconds, but counting an open window up to its last failed sample only. */
const settledOf = (books: readonly SeriesBook[]): number =>
  length(estimateOf(books, (window) => window.end?.latest ?? window.lastSeen)) / 1000;

/** The outages in order, each as the stretches of it that were observed. */
const outagesOf = (books: readonly SeriesBook[]): readonly (readonly Interval[])[] =>
  outagesWithin(books, downtimeOf(books).estimate);

/**
 * Sorts stretches of the estimate into outages. A window is one outage, whatever of it was unobserved; windows that
 * overlap are the same one. An ok sample between two windows of a series parts them.
 */
export function outagesWithin(
  books: readonly SeriesBook[],
  estimate: readonly Interval[],
): readonly (readonly Interval[])[] {
  const spans = books.flatMap((book) =>
    downOf(book).map(({ start, end }): Interval => {
      const until = end?.estimate ?? book.watched.until;
      return { from: start.estimate, until: Math.max(start.estimate, until) };
    }),
  );
  const outages: Interval[] = [];
  for (const next of [...spans, ...estimate].toSorted((a, b) => a.from - b.from)) {
    const last = outages.at(-1);
    if (last === undefined || next.from >= last.until) outages.push(next);
    else if (next.until > last.until) outages[outages.length - 1] = { from: last.from, until: next.until };
  }
  const holding = Map.groupBy(estimate, ({ from }) => firstEndingAfter(outages, from));
  return outages.map((_, index) => holding.get(index) ?? []);
}

/** The time in which none of the series had a valid sample. A series observes nothing before it was watched, nor after. */
export function unobservedByAll(books: readonly SeriesBook[]): readonly Interval[] {
  const [first] = books;
  if (first === undefined) return [];
  const whole = books.reduce(
    ({ from, until }, { watched }) => ({ from: Math.min(from, watched.from), until: Math.max(until, watched.until) }),
    first.watched,
  );
  return books.reduce<readonly Interval[]>(
    (common, { gaps, watched }) => intersect(common, [...gaps, ...subtract([whole], [watched])]),
    [whole],
  );
}
