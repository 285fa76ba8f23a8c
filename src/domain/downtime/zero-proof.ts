import { union } from '../interval.ts';
import { type Series, targetId } from '../sample.ts';
import type { Interval, Millis } from '../time.ts';
import type { Trace } from './trace.ts';

/**
 * What a time without a failed sample proves. An outage that lasts `outage` seconds or longer would have met a sample.
 * Shorter ones are missed by chance: if they last D together and samples are T apart, all are missed with a probability
 * of at most exp(-D / T), so with a confidence of 95 % they last less than `total` = 3 T together.
 */
export type ZeroProof = { readonly outage: number; readonly total: number };

const CONFIDENCE = 0.95;

export type TracedSeries = { readonly series: Series; readonly trace: Trace };

/**
 * Returns what the samples of some series prove about `intervals`, by the target that was observed least; null if a
 * sample failed, or a target was not observed. Unobserved time is not part of it.
 */
export function zeroProof(allSeries: readonly TracedSeries[], intervals: readonly Interval[]): ZeroProof | null {
  const targets = Map.groupBy(allSeries, ({ series }) => targetId(series));
  let longest = 0;
  for (const members of targets.values()) {
    const longestOfTarget = longestPause(members, union(intervals));
    if (longestOfTarget === null) return null;
    longest = Math.max(longest, longestOfTarget);
  }
  return longest === 0 ? null : { outage: longest / 1000, total: (-Math.log(1 - CONFIDENCE) * longest) / 1000 };
}

/** Returns the longest time between two samples of a target in milliseconds; null if there are none, or one failed. */
function longestPause(members: readonly TracedSeries[], intervals: readonly Interval[]): number | null {
  const validFor = Math.max(...members.map(({ series }) => series.validFor));
  let longest = 0;
  for (const interval of intervals) {
    const slots = members.map(({ trace }) => trace.slots(interval));
    if (slots.some(({ failed }) => failed > 0)) return null;
    const times = slots.flatMap(({ okAt }) => okAt).sort((a, b) => a - b);
    if (times.length === 0) continue;
    const edges: readonly Millis[] = [interval.from, ...times, interval.until];
    for (const [index, at] of edges.entries()) {
      const pause = at - (edges[index - 1] ?? at);
      if (pause <= validFor) longest = Math.max(longest, pause);
    }
  }
  return longest === 0 ? null : longest;
}
