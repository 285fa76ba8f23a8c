import { downtimeOf, outagesWithin, type SeriesBook, unobservedByAll } from '../downtime/overall.ts';
import { quantile, quantileBounds } from '../downtime/quantile.ts';
import type { Trace, Traced } from '../downtime/trace.ts';
import { type DowntimeWindow, type Extent, type Seconds, seconds } from '../downtime/window.ts';
import { intersect, length, subtract, union } from '../interval.ts';
import type { ProbeName, Series } from '../sample.ts';
import type { Interval, Millis } from '../time.ts';
import type { BudgetName } from './plan.ts';

/** What is needed of each series to judge a phase. */
export type PhaseBook = SeriesBook & { readonly trace: Trace };

export type Quantiles = { readonly p50: number; readonly p95: number; readonly p99: number };

/** How one series did in a phase, against how it did before the first phase. */
export type PhaseSeries = {
  readonly series: Series;
  readonly samples: { readonly ok: number; readonly failed: number; readonly void: number };
  /** In seconds, of the ok samples; null without any. */
  readonly before: Quantiles | null;
  readonly during: Quantiles | null;
};

/** What a phase cost, each with its error bar, in the units of the budgets (plan.ts). */
export type PhaseMeasures = { readonly [name in BudgetName]: Seconds | null } & {
  /** In seconds. */
  readonly elapsed: number;
  /** From its end until nothing was down any more, in seconds; null while that is not so, or it is not over. */
  readonly recovery: Seconds | null;
  readonly series: readonly PhaseSeries[];
};

/** A phase: when it was under way, and whether it is over. */
type Phase = {
  readonly stretches: readonly Interval[];
  readonly over: boolean;
  readonly now: Millis;
  /** Whether time in which a cloud was not observed at all may have been downtime: it is in `max` then, and there alone. */
  readonly unobserved: 'may-be-down' | 'not-counted';
};

/**
 * Measures phases; what is the same for all of them is computed once. `baseline`: the time before the first one; outages
 * in it are no part of it, as what answers just before and after one tells nothing of how things usually are.
 */
export function createPhaseMeasures(
  books: readonly PhaseBook[],
  baseline: readonly Interval[],
): (phase: Phase) => PhaseMeasures {
  const before = new Map(
    [...Map.groupBy(books, ({ series: { cloud, probe } }) => JSON.stringify([cloud, probe])).values()].flatMap(
      (some) => {
        const calm = subtract(baseline, downtimeOf(some).max);
        return some.map((book) => [book, book.trace.during(calm)] as const);
      },
    ),
  );
  const [listed, booted, reach] = [
    booksOf(books, 'server-list'),
    booksOf(books, 'server-boot'),
    booksOf(books, 'server-reach'),
  ];
  const downtime = { api: downtimeIn(listed), boot: downtimeIn(booted), reach: downtimeIn(reach) };
  const loud = [...listed, ...booted].flatMap(({ windows }) => windows.filter((one) => one.kind === 'down'));
  return ({ stretches, over, now, unobserved }) => {
    const traced = books.map((book) => ({ book, before: before.get(book), during: book.trace.during(stretches) }));
    const lists = traced.filter(({ book }) => book.series.probe === 'server-list');
    const api = downtime.api(stretches, unobserved);
    return {
      elapsed: length(stretches) / 1000,
      api_downtime: listed.length === 0 ? null : seconds([api]),
      boot_downtime: booted.length === 0 ? null : seconds([downtime.boot(stretches, unobserved)]),
      data_plane_downtime: reach.length === 0 ? null : seconds([downtime.reach(stretches, unobserved)]),
      longest_window: listed.length === 0 ? null : longestOutage(listed, api),
      consecutive_failures:
        listed.length === 0
          ? null
          : exactly(lists.reduce((most, { during }) => Math.max(most, during.failedInARow), 0)),
      error_ratio: errorRatio(lists.map(({ during }) => during)),
      slowdown: slowdownOf(lists),
      recovery: over ? recoveryOf(loud, stretches, now) : null,
      series: traced.map(({ book: { series }, before: was, during }) => ({
        series,
        samples: { ok: during.ok, failed: during.failed, void: during.void },
        before: was === undefined ? null : quantilesOf(was.seconds),
        during: quantilesOf(during.seconds),
      })),
    };
  };
}

const booksOf = <Book extends SeriesBook>(books: readonly Book[], probe: ProbeName): readonly Book[] =>
  books.filter(({ series }) => series.probe === probe);

const exactly = (value: number): Seconds => ({ min: value, estimate: value, max: value });

function downtimeIn(
  books: readonly SeriesBook[],
): (stretches: readonly Interval[], unobserved: Phase['unobserved']) => Extent {
  const { min, estimate, max } = downtimeOf(books);
  const places = Map.groupBy(books, ({ series }) => JSON.stringify([series.cloud, series.vantage]));
  const unknown = [...places.values()].flatMap((some) => unobservedByAll(some));
  const most = union([...max, ...unknown]);
  return (stretches, unobserved) => ({
    min: intersect(min, stretches),
    estimate: intersect(estimate, stretches),
    max: intersect(unobserved === 'may-be-down' ? most : max, stretches),
  });
}

/** What was unobserved parts an outage in the minimum alone: by the estimate it is one, of which the gap is no part. */
function longestOutage(books: readonly SeriesBook[], { min, estimate, max }: Extent): Seconds {
  const outages = outagesWithin(books, union(estimate));
  return {
    min: longest(min),
    estimate: outages.reduce((most, one) => Math.max(most, length(one) / 1000), 0),
    max: longest(max),
  };
}

const longest = (stretches: readonly Interval[]): number =>
  union(stretches).reduce((most, { from, until }) => Math.max(most, (until - from) / 1000), 0);

/** A void sample may have been either. */
function errorRatio(traced: readonly Traced[]): Seconds | null {
  const sum = (pick: (one: Traced) => number) => traced.reduce((total, one) => total + pick(one), 0);
  const [ok, failed, unknown] = [sum((one) => one.ok), sum((one) => one.failed), sum((one) => one.void)];
  if (ok + failed === 0) return null;
  const all = ok + failed + unknown;
  return { min: failed / all, estimate: failed / (ok + failed), max: (failed + unknown) / all };
}

/** Of the series that became slower most: its median by that of the baseline, between the bounds that both have. */
function slowdownOf(
  pairs: readonly { readonly before: Traced | undefined; readonly during: Traced }[],
): Seconds | null {
  const ratios = pairs.flatMap(({ before, during }) => {
    if (before === undefined) return [];
    const [was, is] = [quantile(before.seconds, 0.5), quantile(during.seconds, 0.5)];
    const [could, can] = [quantileBounds(before.seconds, 0.5), quantileBounds(during.seconds, 0.5)];
    if (was === null || is === null || could === null || can === null || could.low <= 0) return [];
    return [{ min: can.low / could.high, estimate: is / was, max: can.high / could.low }];
  });
  return ratios.reduce<Seconds | null>(
    (most, one) => (most === null || one.estimate > most.estimate ? one : most),
    null,
  );
}

function quantilesOf(sorted: Float32Array): Quantiles | null {
  const [p50, p95, p99] = [quantile(sorted, 0.5), quantile(sorted, 0.95), quantile(sorted, 0.99)];
  return p50 === null || p95 === null || p99 === null ? null : { p50, p95, p99 };
}

/** How long after the end of a phase the last window that reached beyond it was over. */
function recoveryOf(down: readonly DowntimeWindow[], stretches: readonly Interval[], now: Millis): Seconds | null {
  const end = stretches.at(-1)?.until ?? now;
  const reaching = down.filter((one) => one.start.estimate < end && (one.end === null || one.end.latest > end));
  let most = exactly(0);
  for (const { end: over } of reaching) {
    if (over === null) return null;
    const after = (at: Millis) => Math.max(0, (at - end) / 1000);
    most = {
      min: Math.max(most.min, after(over.earliest)),
      estimate: Math.max(most.estimate, after(over.estimate)),
      max: Math.max(most.max, after(over.latest)),
    };
  }
  return most;
}
