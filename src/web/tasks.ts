import type { ChartTasksFace } from '../api/chart.ts';

/** A task of the upgrade as the timeline draws it; moments in milliseconds since 1970. */
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

/** By their start. */
export function readTasks(face: ChartTasksFace): TaskBar[] {
  let start = Date.parse(face.origin);
  return face.after.map((after, index) => {
    start += after;
    const took = face.took[index] ?? null;
    return {
      name: face.names[face.name[index] ?? -1] ?? '',
      handler: face.kinds[index] === 'h',
      status: STATUSES.get(face.statuses[index]) ?? 'unknown',
      start,
      end: took === null ? Infinity : start + took,
    };
  });
}

/** `told` has everything that lasted at `since` or began later, and replaces what was known of it. */
export function mergeTasks(known: readonly TaskBar[], told: readonly TaskBar[], since: number): TaskBar[] {
  return [...known.filter((one) => one.start < since && one.end < since), ...told].sort((a, b) => a.start - b.start);
}

/** What must be asked for again: from the start of the oldest task that may yet change, a little before the last one. */
export function askSince(known: readonly TaskBar[]): number | null {
  const last = known.at(-1);
  if (last === undefined) return null;
  // Logs tell of a task when it has begun already, and two sources of one task some moments apart.
  return last.start - 10_000;
}

/** Which of `rows` rows each task stands in, so that none covers another; -1 where there is no room. */
export function pack(tasks: readonly TaskBar[], rows: number): Int8Array {
  const ends = new Array<number>(rows).fill(Number.NEGATIVE_INFINITY);
  return Int8Array.from(tasks, ({ start, end }) => {
    const row = ends.findIndex((one) => one <= start);
    if (row >= 0) ends[row] = end;
    return row;
  });
}

/** The index of the first task that starts after `at`. */
export function firstTaskAfter(tasks: readonly TaskBar[], at: number): number {
  let low = 0;
  let high = tasks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tasks[middle]?.start ?? Infinity) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
