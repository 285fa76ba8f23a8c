import { extentOf } from '../downtime/window.ts';
import { firstEndingAfter, length, union } from '../interval.ts';
import type { Interval, Millis } from '../time.ts';
import type { BlamedWindow } from './attribution.ts';
import { didNothing } from './task.ts';
import type { KnownTask } from './task-registry.ts';

/** A task with what it may have cost, in seconds, by the estimates: unions over all probes, never sums. */
export type TaskDowntime = KnownTask & {
  /** Of the down windows for which it is the first candidate. */
  readonly downtimeBegan: number;
  /** Whatever was down while it ran; 0 if it did nothing. */
  readonly downtimeInside: number;
  readonly windows: number;
};

export function taskDowntimes(tasks: readonly KnownTask[], windows: readonly BlamedWindow[]): readonly TaskDowntime[] {
  const down = windows
    .filter((one) => one.kind === 'down')
    .map((window) => ({ blamed: window.candidates[0]?.id ?? null, stretches: stretchesOf(window) }));
  const all = union(down.flatMap(({ stretches }) => stretches));
  const downUntil = lengthUntil(all);
  const begun = Map.groupBy(down, ({ blamed }) => blamed);
  return tasks.map((task) => {
    const own = begun.get(task.id) ?? [];
    return {
      ...task,
      downtimeBegan: length(union(own.flatMap(({ stretches }) => stretches))) / 1000,
      downtimeInside: didNothing(task) ? 0 : Math.max(0, downUntil(task.lastedUntil) - downUntil(task.start)) / 1000,
      windows: own.length,
    };
  });
}

/** How much of those stretches, which are sorted and do not overlap, lies before a moment; in milliseconds. */
function lengthUntil(sorted: readonly Interval[]): (at: Millis) => number {
  const before = [0];
  for (const { from, until } of sorted) before.push((before.at(-1) ?? 0) + until - from);
  return (at) => {
    const index = firstEndingAfter(sorted, at);
    const next = sorted[index];
    return (before[index] ?? 0) + (next === undefined ? 0 : Math.max(0, at - next.from));
  };
}

/** Of an open window up to its last failed sample. */
const stretchesOf = (window: BlamedWindow): readonly Interval[] => extentOf(window, window.lastSeen).estimate;
