import type { ApiChartTasks } from '../api/chart.ts';
import { partitionPoint } from '../domain/binary-search.ts';

/** A task of the upgrade as the timeline draws it; times in milliseconds since 1970. */
export type TaskBar = {
  readonly name: string;
  readonly handler: boolean;
  readonly status: 'running' | 'ok' | 'failed' | 'unknown' | 'dry-run';
  readonly start: number;
  /** Infinity while it runs. */
  readonly end: number;
};

const STATUSES: ReadonlyMap<string | undefined, TaskBar['status']> = new Map([
  ['r', 'running'],
  ['o', 'ok'],
  ['f', 'failed'],
  ['d', 'dry-run'],
]);

/** Parses the tasks, sorted by start. */
export function readTasks(columns: ApiChartTasks): TaskBar[] {
  let start = Date.parse(columns.origin);
  return columns.after.map((after, index) => {
    start += after;
    const took = columns.took[index] ?? null;
    return {
      name: columns.names[columns.name[index] ?? -1] ?? '',
      handler: columns.kinds[index] === 'h',
      status: STATUSES.get(columns.statuses[index]) ?? 'unknown',
      start,
      end: took === null ? Infinity : start + took,
    };
  });
}

/** Replaces the known tasks that ended at `since` or later with `reported`, which contains all of them. */
export function mergeTasks(known: readonly TaskBar[], reported: readonly TaskBar[], since: number): TaskBar[] {
  return [...known.filter(({ start, end }) => start < since && end < since), ...reported].sort(
    (a, b) => a.start - b.start,
  );
}

/**
 * Returns the time from which tasks must be fetched again: slightly before the last known task started; null if no task
 * is known.
 */
export function fetchSince(known: readonly TaskBar[]): number | null {
  const last = known.at(-1);
  if (last === undefined) return null;
  // A log reports a task after its start, and two sources report the same task at different times.
  return last.start - 10_000;
}

/** Assigns each task to one of `rows` rows, so that none overlaps another; -1 if there is no room. */
export function pack(tasks: readonly TaskBar[], rows: number): Int8Array {
  const ends = new Array<number>(rows).fill(Number.NEGATIVE_INFINITY);
  return Int8Array.from(tasks, ({ start, end }) => {
    const row = ends.findIndex((rowEnd) => rowEnd <= start);
    if (row >= 0) ends[row] = end;
    return row;
  });
}

/** Returns the index of the first task that starts after `at`. */
export const firstTaskAfter = (tasks: readonly TaskBar[], at: number): number =>
  partitionPoint(tasks.length, (index) => (tasks[index]?.start ?? Infinity) <= at);
