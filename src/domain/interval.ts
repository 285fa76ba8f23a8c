import type { Interval, Millis } from './time.ts';

/** The same time as sorted stretches that neither touch nor overlap. */
export function union(intervals: Iterable<Interval>): readonly Interval[] {
  const sorted = [...intervals].filter((one) => one.until > one.from).sort((a, b) => a.from - b.from);
  const joined: Interval[] = [];
  for (const next of sorted) {
    const last = joined.at(-1);
    if (last === undefined || next.from > last.until) joined.push(next);
    else if (next.until > last.until) joined[joined.length - 1] = { from: last.from, until: next.until };
  }
  return joined;
}

/** `intervals` without the time that is in `holes`. */
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

/** The time that is in both. */
export const intersect = (a: readonly Interval[], b: readonly Interval[]): readonly Interval[] =>
  subtract(a, subtract(a, b));

/** How long they are together, in milliseconds; time that is in several counts once. */
export const length = (intervals: Iterable<Interval>): number =>
  union(intervals).reduce((sum, { from, until }) => sum + (until - from), 0);

/** The place of the first that ends after `at`, in stretches that are sorted and do not overlap. */
export function firstEndingAfter(sorted: readonly Interval[], at: Millis): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle]?.until ?? Infinity) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether a stretch shares time with one of those, which are sorted and do not overlap. */
export const shares = (sorted: readonly Interval[], { from, until }: Interval): boolean =>
  from < until && (sorted[firstEndingAfter(sorted, from)]?.from ?? Infinity) < until;

/** Whether a moment lies in one of them; the end of a stretch is not in it. */
export const within = (intervals: readonly Interval[], at: Millis): boolean =>
  intervals.some(({ from, until }) => at >= from && at < until);
