import { intersect, length, subtract } from '../interval.ts';
import { accountOf, type ProbeDescription } from '../probe.ts';
import type { Interval } from '../time.ts';
import { outagesOf, type SeriesOutages } from './outages.ts';
import { totalDowntime } from './total.ts';
import { type Measured, NO_DOWNTIME } from './window.ts';

/** The downtime of a run: unions of windows, never sums. */
export type OverallDowntime = {
  readonly downtime: Measured;
  /** See `SeriesSummary`. */
  readonly settledDowntime: number;
  /** Windows that overlap or touch are one outage. */
  readonly outageCount: number;
  /** The longest outage, in seconds. */
  readonly longest: number;
  /**
   * By probe name, over all connections and targets of a probe, and over the probes that sharpen it, which have no entry of
   * their own. Includes probes that were not enabled.
   */
  readonly byProbe: ReadonlyMap<string, ProbeDowntime>;
  /** Seconds for which no selected probe had a valid sample. */
  readonly unobserved: number;
};

/** The downtime of one probe, as in `OverallDowntime`. */
export type ProbeDowntime = Pick<OverallDowntime, 'downtime' | 'settledDowntime' | 'outageCount'>;

const NO_OUTAGES: ProbeDowntime = { downtime: NO_DOWNTIME, settledDowntime: 0, outageCount: 0 };

export const downtimeOfProbe = ({ byProbe }: OverallDowntime, probe: string): ProbeDowntime =>
  byProbe.get(probe) ?? NO_OUTAGES;

/** Computes the downtime of the selected probes together, and of each probe by itself. */
export function overallDowntimeOf(
  allSeries: readonly SeriesOutages[],
  {
    selected,
    probeTypes,
  }: {
    readonly selected: readonly string[];
    readonly probeTypes: readonly Pick<ProbeDescription, 'name' | 'sharpens'>[];
  },
): OverallDowntime {
  const accounts = new Map(allSeries.map((input) => [input, accountOf(probeTypes, input.series.probe)]));
  const isSelected = (input: SeriesOutages): boolean =>
    selected.includes(input.series.probe) || selected.includes(accounts.get(input) ?? '');
  const counted = allSeries.filter(isSelected);
  const outages = outagesOf(counted);
  return {
    ...downtimeOf(counted, outages),
    longest: outages.reduce((longest, { extent }) => Math.max(longest, length(extent.estimate) / 1000), 0),
    byProbe: new Map(
      probeTypes
        .filter(({ sharpens }) => sharpens === null)
        .map(({ name }) => [name, downtimeOf(allSeries.filter((input) => accounts.get(input) === name))] as const),
    ),
    unobserved: length(unobservedByAll(counted)) / 1000,
  };
}

const downtimeOf = (series: readonly SeriesOutages[], outages = outagesOf(series)): ProbeDowntime => ({
  downtime: totalDowntime(outages),
  settledDowntime: settledDowntimeOf(series),
  outageCount: outages.length,
});

/** Returns the estimated downtime in seconds, counting open windows up to their last failed sample. */
export const settledDowntimeOf = (series: readonly SeriesOutages[]): number =>
  totalDowntime(outagesOf(series, (window) => window.end?.latest ?? window.knownUntil)).estimate;

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
