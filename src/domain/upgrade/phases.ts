import { partitionPoint } from '../binary-search.ts';
import type { Millis } from '../time.ts';
import { type Plan, startsPhase } from './plan.ts';
import { isDone, type Task } from './task.ts';

/** Time that belongs to a phase. A phase that is started again has several intervals. */
export type PhaseInterval = {
  readonly name: string;
  readonly from: Millis;
  /** Null: until now, or until the end of the run. */
  readonly until: Millis | null;
  /** The name of the task that started it; null if it was started by hand. */
  readonly task: string | null;
};

/** The name of a mark that ends the current phase and starts none. */
export const END_MARK = 'end';

/** Finds the phases by marks and tasks. Caches which task starts which phase, as it sees the same tasks repeatedly. */
export type PhaseFinder = (input: {
  readonly marks: readonly PhaseMark[];
  /** Sorted by start time. */
  readonly tasks: readonly Task[];
}) => readonly PhaseInterval[];

/**
 * Creates a function that finds when each phase was under way, in order. A mark can start any phase at any time,
 * planned or not. A task starts only a phase that the plan lists after all that have started, so running a playbook
 * again does not return to an earlier phase. A task starts its phase once a host has run it, from the task's start on;
 * a skipped task or a dry run starts none.
 */
export function createPhaseFinder(plan: Plan | null): PhaseFinder {
  const planned = plan?.phases ?? [];
  const startMatchers = planned.map(({ begins }) => startsPhase(begins));
  const phasesByTask = new WeakMap<Task, readonly number[]>();

  function phasesOf(task: Task): readonly number[] {
    const known = phasesByTask.get(task);
    if (known !== undefined) return known;
    const found = startMatchers.flatMap((isStart, index) => (isStart(task) ? [index] : []));
    phasesByTask.set(task, found);
    return found;
  }

  return ({ marks, tasks }) => {
    const intervals: PhaseInterval[] = [];
    const sortedMarks = marks.toSorted((a, b) => a.at - b.at);
    let reached = -1;
    let next = 0;

    function start(name: string | null, at: Millis, task: string | null): void {
      const last = intervals.at(-1);
      if (last !== undefined && last.until === null) {
        if (last.name === name) return;
        intervals[intervals.length - 1] = { ...last, until: at };
      }
      if (name !== null) intervals.push({ name, from: at, until: null, task });
    }

    function applyMarks(until: Millis): void {
      for (let mark = sortedMarks[next]; mark !== undefined && mark.at <= until; mark = sortedMarks[++next]) {
        const { name, at } = mark;
        const found = planned.findIndex((phase) => phase.name === name);
        if (found >= 0) reached = found;
        start(name === END_MARK && found < 0 ? null : name, at, null);
      }
    }

    for (const task of tasks) {
      if (!isDone(task)) continue;
      applyMarks(task.start);
      const found = phasesOf(task).find((index) => index > reached) ?? -1;
      const phase = planned[found];
      if (phase === undefined) continue;
      reached = found;
      start(phase.name, task.start, task.name);
    }
    applyMarks(Infinity);
    return intervals.filter(({ from, until }) => until === null || until > from);
  };
}

/** Returns the name of the phase that was under way at a time, or null. */
export function phaseAt(intervals: readonly PhaseInterval[], at: Millis): string | null {
  const last = intervals[partitionPoint(intervals.length, (index) => (intervals[index]?.from ?? Infinity) <= at) - 1];
  return last !== undefined && (last.until === null || at < last.until) ? last.name : null;
}

/** The start of a phase, or with `END_MARK` the end of the current one, marked by hand. */
export type PhaseMark = { readonly name: string; readonly at: Millis };
