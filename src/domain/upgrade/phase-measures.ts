import { type Outage, outagesOf, type SeriesOutages } from '../downtime/outages.ts';
import { unobservedByAll } from '../downtime/overall.ts';
import { quantile, quantileBounds } from '../downtime/quantiles.ts';
import { totalDowntime } from '../downtime/total.ts';
import type { Trace, TraceCounts } from '../downtime/trace.ts';
import { type DowntimeWindow, isOutage, type Measured } from '../downtime/window.ts';
import { type WorstMoment, worstMoments } from '../downtime/worst-moments.ts';
import { type ZeroProof, zeroProof } from '../downtime/zero-proof.ts';
import { clipTo, intersect, length, subtract, union } from '../interval.ts';
import { accountOf, type ProbeDescription } from '../probe.ts';
import type { Series } from '../sample.ts';
import type { Interval, Millis } from '../time.ts';
import { BUDGETS, type BudgetName, type DowntimeBudget, forEachBudget, isDowntimeBudget } from './plan.ts';

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
  /**
   * Seconds of the phase that were not observed, and may have been downtime that the budget limits. They are part of no
   * measure. Always 0 for a budget that does not limit downtime.
   */
  readonly unobserved: Readonly<Record<BudgetName, number>>;
  /** What the samples prove where none failed; null for budgets that do not limit downtime. */
  readonly proof: Readonly<Record<BudgetName, ZeroProof | null>>;
  /** The lowest availability of the API in the phase. */
  readonly worst: readonly WorstMoment[];
  /** Seconds from the end of the phase until everything that was down at its end was up again; null until then. */
  readonly recovery: Measured | null;
  readonly series: readonly PhaseSeries[];
};

/** A phase: when it was under way, and whether it has ended. */
type MeasuredPhase = {
  readonly intervals: readonly Interval[];
  readonly ended: boolean;
  readonly now: Millis;
  /** Whether unobserved time counts against the budgets. */
  readonly unobserved: 'may-be-down' | 'not-counted';
};

/**
 * Returns a function that measures phases; what all phases have in common is computed once. `baseline` is the time
 * before the first phase. Outages are removed from it, as answers just before and after an outage are not typical.
 */
export function createPhaseMeasures(
  allSeries: readonly PhaseSeriesInput[],
  { baseline, probes }: { readonly baseline: readonly Interval[]; readonly probes: readonly ProbeDescription[] },
): (phase: MeasuredPhase) => PhaseMeasures {
  const baselines = new Map(
    [...Map.groupBy(allSeries, ({ series: { cloud, probe } }) => JSON.stringify([cloud, probe])).values()].flatMap(
      (group) => {
        const outages = outagesOf(group).flatMap(({ extent }) => extent.max);
        const withoutOutages = subtract(baseline, outages);
        return group.map((input) => [input, input.trace.during(withoutOutages)] as const);
      },
    ),
  );
  const limitedDowntime = (name: DowntimeBudget): LimitedDowntime => {
    const { probe } = BUDGETS[name];
    const own = allSeries.filter(({ series }) => accountOf(probes, series.probe) === probe);
    return { isWatched: own.length > 0, series: own, outages: outagesOf(own), unobserved: unobservedBy(own) };
  };
  const downtimes = {
    api_downtime: limitedDowntime('api_downtime'),
    boot_downtime: limitedDowntime('boot_downtime'),
    data_plane_downtime: limitedDowntime('data_plane_downtime'),
  };
  const api = downtimes.api_downtime;
  const counted = new Set(probes.filter(({ countsOverall }) => countsOverall).map(({ name }) => name));
  const outageWindows = allSeries
    .filter(({ series }) => counted.has(series.probe))
    .flatMap(({ windows }) => windows.filter(isOutage));
  return ({ intervals, ended, now, unobserved }) => {
    const counts = allSeries.map((input) => ({
      series: input.series,
      before: baselines.get(input),
      during: input.trace.during(intervals),
    }));
    const listCounts = counts.filter(({ series }) => series.probe === BUDGETS.api_downtime.probe);
    const bootCounts = counts.filter(({ series }) => series.probe === BUDGETS.boot_downtime.probe);
    const within = clipTo(intervals);
    const measured = (name: DowntimeBudget) =>
      downtimes[name].isWatched ? totalDowntime(downtimes[name].outages, within) : null;
    const unobservedIn = ({ unobserved: gaps }: LimitedDowntime): number =>
      unobserved === 'may-be-down' ? length(intersect(gaps, intervals)) / 1000 : 0;
    return {
      elapsed: length(intervals) / 1000,
      unobserved: forEachBudget((name) => {
        if (isDowntimeBudget(name)) return unobservedIn(downtimes[name]);
        return name === 'longest_window' ? unobservedIn(api) : 0;
      }),
      proof: forEachBudget((name) =>
        isDowntimeBudget(name) && downtimes[name].outages.every(({ extent }) => within(extent.max).length === 0)
          ? zeroProof(downtimes[name].series, intervals)
          : null,
      ),
      worst: worstMoments(
        api.outages.flatMap(({ extent }) => extent.estimate),
        intervals,
      ),
      api_downtime: measured('api_downtime'),
      boot_downtime: measured('boot_downtime'),
      failed_boots: failedBoots(bootCounts.map(({ during }) => during)),
      data_plane_downtime: measured('data_plane_downtime'),
      longest_window: api.isWatched ? longestOutage(api.outages, within) : null,
      consecutive_failures: !api.isWatched
        ? null
        : exactly(listCounts.reduce((longest, { during }) => Math.max(longest, during.failedInARow), 0)),
      error_ratio: errorRatio(listCounts.map(({ during }) => during)),
      slowdown: slowdownOf(listCounts),
      recovery: ended ? recoveryOf(outageWindows, intervals, now) : null,
      series: counts.map(({ series, before, during }) => ({
        series,
        samples: { ok: during.ok, failed: during.failed, void: during.void },
        before: before === undefined ? null : quantilesOf(before.seconds),
        during: quantilesOf(during.seconds),
      })),
    };
  };
}

const exactly = (value: number): Measured => ({ min: value, estimate: value, max: value });

type LimitedDowntime = {
  /** Whether the probe is enabled at all. */
  readonly isWatched: boolean;
  readonly series: readonly PhaseSeriesInput[];
  readonly outages: readonly Outage[];
  readonly unobserved: readonly Interval[];
};

/** Returns the time for which a cloud was not observed at all, and that within windows. */
function unobservedBy(allSeries: readonly SeriesOutages[]): readonly Interval[] {
  const places = Map.groupBy(allSeries, ({ series }) => JSON.stringify([series.cloud, series.vantage]));
  const gapsInWindows = allSeries.flatMap(({ windows }) => windows.filter(isOutage).flatMap(({ gaps }) => gaps));
  return union([...gapsInWindows, ...[...places.values()].flatMap(unobservedByAll)]);
}

/** Returns the longest outage within the intervals. */
function longestOutage(outages: readonly Outage[], within: ReturnType<typeof clipTo>): Measured {
  const inside = outages.map((outage) => totalDowntime([outage], within));
  const longest = (value: keyof Measured) => inside.reduce((found, outage) => Math.max(found, outage[value]), 0);
  return { min: longest('min'), estimate: longest('estimate'), max: longest('max') };
}

/**
 * Returns how many boots were refused or ended in an error. Those without an answer, and void samples, may have been
 * such boots.
 */
function failedBoots(counts: readonly TraceCounts[]): Measured | null {
  const total = (count: (counts: TraceCounts) => number) => counts.reduce((sum, found) => sum + count(found), 0);
  if (total(({ ok, failed }) => ok + failed) === 0) return null;
  const certain = total(({ failed, late, unanswered }) => failed - late - unanswered);
  return { min: certain, estimate: certain, max: certain + total((found) => found.unanswered + found.void) };
}

/** Returns the share of failed samples. Its bounds allow for each void sample to have been ok or failed. */
function errorRatio(counts: readonly TraceCounts[]): Measured | null {
  const sum = (outcome: 'ok' | 'failed' | 'void') => counts.reduce((total, count) => total + count[outcome], 0);
  const [ok, failed, unknown] = [sum('ok'), sum('failed'), sum('void')];
  if (ok + failed === 0) return null;
  const total = ok + failed + unknown;
  return { min: failed / total, estimate: failed / (ok + failed), max: (failed + unknown) / total };
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
    (largest, ratio) => (largest === null || ratio.estimate > largest.estimate ? ratio : largest),
    null,
  );
}

function quantilesOf(sorted: Float32Array): Quantiles | null {
  const [p50, p95, p99] = [quantile(sorted, 0.5), quantile(sorted, 0.95), quantile(sorted, 0.99)];
  return p50 === null || p95 === null || p99 === null ? null : { p50, p95, p99 };
}

/** Returns how long after the end of a phase the last window was closed that was open at its end. */
function recoveryOf(windows: readonly DowntimeWindow[], intervals: readonly Interval[], now: Millis): Measured | null {
  const phaseEnd = intervals.at(-1)?.until ?? now;
  const openAtEnd = windows.filter(
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
