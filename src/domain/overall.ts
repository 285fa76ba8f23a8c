import { intersect, length, subtract } from './interval.ts';
import type { ProbeName, Series } from './sample.ts';
import type { Overall } from './summary.ts';
import type { Interval } from './time.ts';
import { type DowntimeWindow, type Extent, extentOf, seconds, settledSeconds } from './window.ts';

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
  const extents = extentsOf(counted);
  return {
    downtime: seconds(extents),
    settled: settledSeconds(downOf(counted)),
    ...stretches(extents),
    api: seconds(extentsOf(lists)),
    apiSettled: settledSeconds(downOf(lists)),
    boot: seconds(extentsOf(books.filter((book) => book.series.probe === 'server-boot'))),
    token: seconds(extentsOf(books.filter((book) => book.series.probe === 'token'))),
    unobserved: length(unobservedByAll(counted)) / 1000,
  };
}

const downOf = (books: readonly SeriesBook[]): readonly DowntimeWindow[] =>
  books.flatMap(({ windows }) => windows.filter((one) => one.kind === 'down'));

const extentsOf = (books: readonly SeriesBook[]): readonly Extent[] =>
  books.flatMap(({ windows, watched }) =>
    windows.filter((one) => one.kind === 'down').map((one) => extentOf(one, watched.until)),
  );

/** Windows that overlap, by the estimate, are one stretch. */
function stretches(extents: readonly Extent[]): { windows: number; longest: number } {
  const spans = extents.flatMap(({ estimate }) => {
    const from = estimate.at(0)?.from;
    const until = estimate.at(-1)?.until;
    return from === undefined || until === undefined ? [] : [{ from, until }];
  });
  const joined = subtract(spans, []);
  return { windows: joined.length, longest: longestOf(joined, extents) };
}

function longestOf(spans: readonly Interval[], extents: readonly Extent[]): number {
  const down = subtract(
    extents.flatMap((one) => one.estimate),
    [],
  );
  return spans.reduce((most, span) => Math.max(most, length(intersect(down, [span])) / 1000), 0);
}

/** The time in which none of the series had a valid sample. */
function unobservedByAll(books: readonly SeriesBook[]): readonly Interval[] {
  const [first, ...rest] = books;
  if (first === undefined) return [];
  return rest.reduce<readonly Interval[]>((common, book) => intersect(common, book.gaps), subtract(first.gaps, []));
}
