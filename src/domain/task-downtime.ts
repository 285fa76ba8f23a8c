import type { BlamedWindow } from './blame.ts';
import { intersect, length, union } from './interval.ts';
import type { KnownTask } from './task-book.ts';
import type { Interval } from './time.ts';
import { extentOf } from './window.ts';

/** A task with what it may have cost, in seconds, by the estimates: unions over all probes, never sums. */
export type TaskDowntime = KnownTask & {
  /** Of the down windows for which it is the first candidate. */
  readonly downtimeBegan: number;
  /** Whatever was down while it ran. */
  readonly downtimeInside: number;
  readonly windows: number;
};

export function taskDowntimes(tasks: readonly KnownTask[], windows: readonly BlamedWindow[]): readonly TaskDowntime[] {
  const down = windows
    .filter((one) => one.kind === 'down')
    .map((window) => ({ blamed: window.candidates[0]?.id ?? null, stretches: stretchesOf(window) }));
  const all = union(down.flatMap(({ stretches }) => stretches));
  const begun = Map.groupBy(down, ({ blamed }) => blamed);
  return tasks.map((task) => {
    const own = begun.get(task.id) ?? [];
    const inside = all.length === 0 ? [] : intersect(all, [{ from: task.start, until: task.lastedUntil }]);
    return {
      ...task,
      downtimeBegan: length(union(own.flatMap(({ stretches }) => stretches))) / 1000,
      downtimeInside: length(inside) / 1000,
      windows: own.length,
    };
  });
}

/** Of an open window up to its last failed sample. */
const stretchesOf = (window: BlamedWindow): readonly Interval[] => extentOf(window, window.lastSeen).estimate;
