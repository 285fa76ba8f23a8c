import { extentOf, isOutage } from '../downtime/window.ts';
import { length, lengthUntil, union } from '../interval.ts';
import type { Interval } from '../time.ts';
import type { AttributedWindow } from './attribution.ts';
import { didNothing } from './task.ts';
import type { KnownTask } from './task-registry.ts';

/** A task and the downtime it may have caused, in seconds, by the estimates: unions over all probes, never sums. */
export type TaskDowntime = KnownTask & {
  /** Downtime of the windows for which it is the first candidate. */
  readonly attributedDowntime: number;
  /** All downtime while it ran; 0 if it did nothing. */
  readonly overlappingDowntime: number;
  /** The number of windows for which it is the first candidate. */
  readonly windows: number;
};

export function taskDowntimes(
  tasks: readonly KnownTask[],
  windows: readonly AttributedWindow[],
): readonly TaskDowntime[] {
  const down = windows
    .filter(isOutage)
    .map((window) => ({ task: window.candidates[0]?.id ?? null, intervals: estimateOf(window) }));
  const all = union(down.flatMap(({ intervals }) => intervals));
  const downUntil = lengthUntil(all);
  const byTask = Map.groupBy(down, ({ task }) => task);
  return tasks.map((task): TaskDowntime => {
    const own = byTask.get(task.id) ?? [];
    return {
      ...task,
      attributedDowntime: length(union(own.flatMap(({ intervals }) => intervals))) / 1000,
      overlappingDowntime: didNothing(task)
        ? 0
        : Math.max(0, downUntil(task.lastedUntil) - downUntil(task.start)) / 1000,
      windows: own.length,
    };
  });
}

/** Returns the estimated downtime of a window. An open one counts up to its last failed sample. */
const estimateOf = (window: AttributedWindow): readonly Interval[] => extentOf(window, window.knownUntil).estimate;
