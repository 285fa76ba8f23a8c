import { downtimeOf, outagesWithin, type SeriesOutages, unobservedByAll } from '../downtime/overall.ts';
import { quantile, quantileBounds } from '../downtime/quantiles.ts';
import type { Trace, TraceCounts } from '../downtime/trace.ts';
import { type DowntimeWindow, type Extent, type Measured, seconds } from '../downtime/window.ts';
import { intersect, length, subtract, union } from '../interval.ts';
import type { ProbeDescription } from '../probe.ts';
import type { Series } from '../sample.ts';
import type { Interval, Millis } from '../time.ts';
import { BUDGETS, type BudgetName, type DowntimeBudget } from './plan.ts';

/** What judging a phase needs to know about a series. */
export type PhaseSeriesInput = SeriesOutages & { readonly trace: Trace };

export type Quantiles = { readonly p50: number; readonly p95: number; readonly p99: number };

/** One series during a phase, compared with the time before the first phase. */
export type PhaseSeries = {
  readonly series: Series;
  readonly samples: { readonly ok: number; readonly failed: number; readonly void: number };
  /** Latencies of ok samples in seconds; null if there are none. */
  readonly before: Quantiles | null;
  readonly during: Quantiles | null;
};

/** What was measured during a phase, with error bars, in the units of the budgets (plan.ts). */
export type PhaseMeasures = { readonly [name in BudgetName]: Measured | null } & {
  /** The length of the phase, in seconds. */
  readonly elapsed: number;
  /** Seconds from the end of the phase until nothing was down; null if that is not the case yet. */
  readonly recovery: Measured | null;
  readonly series: readonly PhaseSeries[];
};

/** A phase: when it was under way, and whether it has ended. */
type MeasuredPhase = {
  readonly intervals: readonly Interval[];
  readonly ended: boolean;
  readonly now: Millis;
  /** Whether time for which a cloud was not observed at all may have been downtime; if so, it counts in `max`. */
  readonly unobserved: 'may-be-down' | 'not-counted';
};

/**
 * Returns a function that measures phases; what all phases have in common is computed once. `baseline` is the time
 * before the first phase. Outages are removed from it, as answers just before and after an outage are not usual ones.
 */
export function createPhaseMeasures(
  all: readonly PhaseSeriesInput[],
  { baseline, probes }: { readonly baseline: readonly Interval[]; readonly probes: readonly ProbeDescription[] },
): (phase: MeasuredPhase) => PhaseMeasures {
  const baselines = new Map(
    [...Map.groupBy(all, ({ series: { cloud, probe } }) => JSON.stringify([cloud, probe])).values()].flatMap((some) => {
      const withoutOutages = subtract(baseline, downtimeOf(some).max);
      return some.map((one) => [one, one.trace.during(withoutOutages)] as const);
    }),
  );
  const limited = (name: DowntimeBudget) => {
    const own = ofProbe(all, BUDGETS[name].downtimeOf);
    return { isWatched: own.length > 0, during: downtimeIn(own) };
  };
  const [api, boot, dataPlane] = [limited('api_downtime'), limited('boot_downtime'), limited('data_plane_downtime')];
  const list = ofProbe(all, BUDGETS.api_downtime.downtimeOf);
  const counted = new Set(probes.filter(({ countsOverall }) => countsOverall).map(({ name }) => name));
  const downWindows = all
    .filter(({ series }) => counted.has(series.probe))
    .flatMap(({ windows }) => windows.filter((one) => one.kind === 'down'));
  return ({ intervals, ended, now, unobserved }) => {
    const counts = all.map((one) => ({
      series: one.series,
      before: baselines.get(one),
      during: one.trace.during(intervals),
    }));
    const listCounts = counts.filter(({ series }) => series.probe === BUDGETS.api_downtime.downtimeOf);
    const measured = ({ isWatched, during }: ReturnType<typeof limited>) =>
      isWatched ? seconds([during(intervals, unobserved)]) : null;
    return {
      elapsed: length(intervals) / 1000,
      api_downtime: measured(api),
      boot_downtime: measured(boot),
      data_plane_downtime: measured(dataPlane),
      longest_window: api.isWatched ? longestOutage(list, api.during(intervals, unobserved)) : null,
      consecutive_failures:
        list.length === 0
          ? null
          : exactly(listCounts.reduce((longest, { during }) => Math.max(longest, during.failedInARow), 0)),
      error_ratio: errorRatio(listCounts.map(({ during }) => during)),
      slowdown: slowdownOf(listCounts),
      recovery: ended ? recoveryOf(downWindows, intervals, now) : null,
      series: counts.map(({ series, before, during }) => ({
        series,
        samples: { ok: during.ok, failed: during.failed, void: during.void },
        before: before === undefined ? null : quantilesOf(before.seconds),
        during: quantilesOf(during.seconds),
      })),
    };
  };
}

const ofProbe = <One extends SeriesOutages>(all: readonly One[], probe: string): readonly One[] =>
  all.filter(({ series }) => series.probe === probe);

const exactly = (value: number): Measured => ({ min: value, estimate: value, max: value });

function downtimeIn(
  all: readonly SeriesOutages[],
): (intervals: readonly Interval[], unobserved: MeasuredPhase['unobserved']) => Extent {
  const { min, estimate, max } = downtimeOf(all);
  const places = Map.groupBy(all, ({ series }) => JSON.stringify([series.cloud, series.vantage]));
  const unknown = [...places.values()].flatMap((some) => unobservedByAll(some));
  const maxWithUnknown = union([...max, ...unknown]);
  return (intervals, unobserved) => ({
    min: intersect(min, intervals),
    estimate: intersect(estimate, intervals),
    max: intersect(unobserved === 'may-be-down' ? maxWithUnknown : max, intervals),
  });
}

/** A gap splits an outage in the minimum only. In the estimate it stays one outage, without the gap. */
function longestOutage(all: readonly SeriesOutages[], { min, estimate, max }: Extent): Measured {
  const outages = outagesWithin(all, union(estimate));
  return {
    min: longestOf(min),
    estimate: outages.reduce((longest, one) => Math.max(longest, length(one) / 1000), 0),
    max: longestOf(max),
  };
}

const longestOf = (intervals: readonly Interval[]): number =>
  union(intervals).reduce((longest, { from, until }) => Math.max(longest, (until - from) / 1000), 0);

/** A void sample may have been ok or failed. */
function errorRatio(counts: readonly TraceCounts[]): Measured | null {
  const sum = (pick: (one: TraceCounts) => number) => counts.reduce((total, one) => total + pick(one), 0);
  const [ok, failed, unknown] = [sum((one) => one.ok), sum((one) => one.failed), sum((one) => one.void)];
  if (ok + failed === 0) return null;
  const all = ok + failed + unknown;
  return { min: failed / all, estimate: failed / (ok + failed), max: (failed + unknown) / all };
}

/**
 * Returns the largest ratio of a series' median latency to its baseline, with the confidence intervals of both medians.
 */
function slowdownOf(
  pairs: readonly { readonly before: TraceCounts | undefined; readonly during: TraceCounts }[],
): Measured | null {
  const ratios = pairs.flatMap(({ before, during }) => {
    if (before === undefined) return [];
    const [baseline, median] = [quantile(before.seconds, 0.5), quantile(during.seconds, 0.5)];
    const [baselineBounds, bounds] = [quantileBounds(before.seconds, 0.5), quantileBounds(during.seconds, 0.5)];
    if (baseline === null || median === null || baselineBounds === null || bounds === null) return [];
    if (baselineBounds.low <= 0) return [];
    return [
      {
        min: bounds.low / baselineBounds.high,
        estimate: median / baseline,
        max: bounds.high / baselineBounds.low,
      },
    ];
  });
  return ratios.reduce<Measured | null>(
    (largest, one) => (largest === null || one.estimate > largest.estimate ? one : largest),
    null,
  );
}

function quantilesOf(sorted: Float32Array): Quantiles | null {
  const [p50, p95, p99] = [quantile(sorted, 0.5), quantile(sorted, 0.95), quantile(sorted, 0.99)];
  return p50 === null || p95 === null || p99 === null ? null : { p50, p95, p99 };
}

/** Returns how long after the end of a phase the last window was closed that was open at its end. */
function recoveryOf(down: readonly DowntimeWindow[], intervals: readonly Interval[], now: Millis): Measured | null {
  const phaseEnd = intervals.at(-1)?.until ?? now;
  const openAtEnd = down.filter(
    ({ start, end }) => start.estimate < phaseEnd && (end === null || end.latest > phaseEnd),
  );
  let recovery = exactly(0);
  for (const { end } of openAtEnd) {
    if (end === null) return null;
    const after = (at: Millis) => Math.max(0, (at - phaseEnd) / 1000);
    recovery = {
      min: Math.max(recovery.min, after(end.earliest)),
      estimate: Math.max(recovery.estimate, after(end.estimate)),
      max: Math.max(recovery.max, after(end.latest)),
    };
  }
  return recovery;
}
