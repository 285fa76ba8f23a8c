import { intersect, length, subtract, union } from '../interval.ts';
import type { Interval, Millis } from '../time.ts';
import { shareBounds, Z_95 } from './confidence.ts';
import type { Outage } from './outages.ts';
import { type DowntimeWindow, type Measured, seconds, spanOf } from './window.ts';

/** Returns the part of some times that counts. */
type Clip = (times: readonly Interval[]) => readonly Interval[];

/**
 * Returns the downtime of outages in seconds, altogether or `within` some intervals (see clipTo).
 *
 * - Of one down outage: its bracket, which contains the truth.
 * - Otherwise: the estimate with its 95 % interval. The estimate is the time that the failed samples cover, as in RFC
 *   6201, 4 (loss-derived time): it has no bias, as outages that no sample met are made up for by those that one sample
 *   met. An edge is evenly distributed in its bracket of width w, so its variance is w^2 / 12; with samples T apart, and
 *   f apart after a failure, that of k outages is k (T^2 + f^2) / 12. A partial outage adds the Wilson interval of its
 *   share. The intervals are added as G. Y. Zou and A. Donner do (Construction of confidence limits about effect
 *   measures, 2008), and never exceed the brackets.
 *
 * Unobserved time is no part of it.
 */
export function totalDowntime(outages: readonly Outage[], within: Clip = union): Measured {
  const inside = outages.filter(({ extent }) => within(extent.max).length > 0);
  const bracket = {
    min: length(within(inside.flatMap(({ extent }) => extent.min))) / 1000,
    estimate: length(within(inside.flatMap(({ extent }) => extent.estimate))) / 1000,
    max: length(within(inside.flatMap(({ extent }) => extent.max))) / 1000,
  };
  if (inside.length === 0 || (inside.length === 1 && inside[0]?.partial.length === 0)) return bracket;
  const single = inside.flatMap(({ singleSlot }) => (singleSlot === null ? [] : [within(singleSlot)]));
  const parts = [
    ...inside.flatMap((outage) => (outage.singleSlot === null ? partsOf(outage, within) : [])),
    ...singleSlots(single.map((time) => length(time) / 1000)),
  ];
  const sum = (value: (part: Measured) => number) => parts.reduce((total, part) => total + value(part), 0);
  const estimate = sum((part) => part.estimate);
  const below = Math.sqrt(sum((part) => (part.estimate - part.min) ** 2));
  const above = Math.sqrt(sum((part) => (part.max - part.estimate) ** 2));
  // The brackets do not limit how many short outages no sample met.
  const most = single.length > 0 ? Infinity : bracket.max;
  return {
    min: Math.min(estimate, Math.max(bracket.min, estimate - below)),
    estimate,
    max: Math.max(estimate, Math.min(most, estimate + above)),
  };
}

/**
 * Returns the total duration of windows of one series in seconds: that of one window is its bracket, that of several has
 * a 95 % interval, as in `totalDowntime`.
 */
export function totalDuration(windows: readonly DowntimeWindow[], now: Millis): Measured {
  const bracket = seconds(windows.map((window) => spanOf(window, now)));
  if (windows.length <= 1) return bracket;
  const edges = windows.flatMap(({ start, end }) => (end === null ? [start] : [start, end]));
  const variance = edges.reduce((sum, { earliest, estimate }) => sum + ((estimate - earliest) / 500) ** 2 / 12, 0);
  const spread = Z_95 * Math.sqrt(variance);
  return {
    min: Math.max(bracket.min, bracket.estimate - spread),
    estimate: bracket.estimate,
    max: Math.min(bracket.max, bracket.estimate + spread),
  };
}

/** Returns what an outage adds to the total, in independent parts, each with its 95 % interval. */
function partsOf({ extent, edges, partial }: Outage, within: Clip): readonly Measured[] {
  const time = within(extent.estimate);
  const widths = edges.filter(({ bracket }) => within([bracket]).length > 0).map(({ width }) => width / 1000);
  const spread = Z_95 * Math.sqrt(widths.reduce((sum, width) => sum + width ** 2, 0) / 12);
  const partialTimes = partial.map(({ time: covered, slotWidth }) => ({ covered: within(covered), slotWidth }));
  const down =
    length(
      subtract(
        time,
        partialTimes.flatMap(({ covered }) => covered),
      ),
    ) / 1000;
  return [
    { min: down - spread, estimate: down, max: down + spread },
    ...partialTimes.flatMap(({ covered, slotWidth }): readonly Measured[] => {
      const seconds = length(covered) / 1000;
      const failed = length(intersect(time, covered)) / 1000;
      const { low, high } = shareBounds((failed * 1000) / slotWidth, (seconds * 1000) / slotWidth);
      return seconds === 0 ? [] : [{ min: low * seconds, estimate: failed, max: high * seconds }];
    }),
  ];
}

/**
 * Returns the sum of outages that a single sample met, in seconds each. How many samples short outages meet is a matter
 * of chance, so their number has the score interval of a Poisson distribution.
 */
function singleSlots(widths: readonly number[]): readonly Measured[] {
  const estimate = widths.reduce((sum, width) => sum + width, 0);
  if (estimate === 0) return [];
  const count = widths.length;
  const centre = count + Z_95 ** 2 / 2;
  const half = Z_95 * Math.sqrt(count + Z_95 ** 2 / 4);
  const mean = estimate / count;
  return [{ min: mean * (centre - half), estimate, max: mean * (centre + half) }];
}
