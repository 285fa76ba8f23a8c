import { partitionPoint } from './binary-search.ts';
import type { Interval, Millis } from './time.ts';

/** Returns the time covered by any of the intervals, as sorted intervals that neither touch nor overlap. */
export function union(intervals: Iterable<Interval>): readonly Interval[] {
  const sorted = [...intervals].filter(({ from, until }) => until > from).sort((a, b) => a.from - b.from);
  const joined: Interval[] = [];
  for (const next of sorted) {
    const last = joined.at(-1);
    if (last === undefined || next.from > last.until) joined.push(next);
    else if (next.until > last.until) joined[joined.length - 1] = { from: last.from, until: next.until };
  }
  return joined;
}

/** Returns `intervals` without the time in `holes`. */
export function subtract(intervals: Iterable<Interval>, holes: Iterable<Interval>): readonly Interval[] {
  const cuts = union(holes);
  const left: Interval[] = [];
  let first = 0;
  for (const { from, until } of union(intervals)) {
    let at = from;
    while ((cuts[first]?.until ?? Infinity) <= from) first++;
    for (let index = first; index < cuts.length; index++) {
      const cut = cuts[index];
      if (cut === undefined || cut.from >= until) break;
      if (cut.from > at) left.push({ from: at, until: cut.from });
      at = Math.max(at, cut.until);
    }
    if (at < until) left.push({ from: at, until });
  }
  return left;
}

/** Returns the time that is in both `a` and `b`. */
export const intersect = (a: readonly Interval[], b: readonly Interval[]): readonly Interval[] =>
  subtract(a, subtract(a, b));

/**
 * Returns a function that intersects times with `intervals`. Its cost depends on the intervals near those times only, so
 * that many short times can be intersected with many intervals.
 */
export function clipTo(intervals: readonly Interval[]): (times: readonly Interval[]) => readonly Interval[] {
  const sorted = union(intervals);
  return (times) => {
    const from = times.reduce((earliest, time) => Math.min(earliest, time.from), Infinity);
    const until = times.reduce((latest, time) => Math.max(latest, time.until), -Infinity);
    const first = firstEndingAfter(sorted, from);
    const end = partitionPoint(sorted.length, (index) => (sorted[index]?.from ?? Infinity) < until);
    return intersect(times, sorted.slice(first, Math.max(first, end)));
  };
}

/** Returns the length of the union, in milliseconds. */
export const length = (intervals: Iterable<Interval>): number =>
  union(intervals).reduce((sum, { from, until }) => sum + (until - from), 0);

/** Returns the index of the first interval that ends after `at`. The `sorted` intervals do not overlap. */
export const firstEndingAfter = (sorted: readonly Interval[], at: Millis): number =>
  partitionPoint(sorted.length, (index) => (sorted[index]?.until ?? Infinity) <= at);

/** Returns how much of the intervals, which are sorted and do not overlap, is before a given time, in milliseconds. */
export function lengthUntil(sorted: readonly Interval[]): (at: Millis) => number {
  const before = [0];
  for (const { from, until } of sorted) before.push((before.at(-1) ?? 0) + until - from);
  return (at) => {
    const index = firstEndingAfter(sorted, at);
    const next = sorted[index];
    return (before[index] ?? 0) + (next === undefined ? 0 : Math.max(0, at - next.from));
  };
}

/** Whether an interval overlaps any of the `sorted` intervals, which do not overlap each other. */
export const overlapsAny = (sorted: readonly Interval[], { from, until }: Interval): boolean =>
  from < until && (sorted[firstEndingAfter(sorted, from)]?.from ?? Infinity) < until;

/** Whether a time is in one of the intervals; the end of an interval is not part of it. */
export const containsTime = (intervals: readonly Interval[], at: Millis): boolean =>
  intervals.some(({ from, until }) => at >= from && at < until);
