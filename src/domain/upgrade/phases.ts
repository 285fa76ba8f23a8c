import { partitionPoint } from '../binary-search.ts';
import type { Millis } from '../time.ts';
import type { Plan } from './plan.ts';
import { isDone, type Task } from './task.ts';
import { selectsTask } from './task-selector.ts';

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
 *
 * A phase with `ends` lasts until the end of the first such task, or of the last one if several follow each other
 * directly. If a task that begins it runs again before the next phase, as in the next batch of a `serial` play, the
 * phase is under way again.
 */
export function createPhaseFinder(plan: Plan | null): PhaseFinder {
  const planned = plan?.phases ?? [];
  const selectors = planned.map(({ begins, ends }) => ({ begins: selectsTask(begins), ends: selectsTask(ends) }));
  const edgesByTask = new WeakMap<Task, TaskEdges>();

  function edgesOf(task: Task): TaskEdges {
    const known = edgesByTask.get(task);
    if (known !== undefined) return known;
    const phasesWhere = (edge: 'begins' | 'ends'): readonly number[] =>
      selectors.flatMap((phase, index) => (phase[edge](task) ? [index] : []));
    const found = { begins: phasesWhere('begins'), ends: phasesWhere('ends') };
    edgesByTask.set(task, found);
    return found;
  }

  return ({ marks, tasks }) => {
    const intervals: PhaseInterval[] = [];
    const sortedMarks = marks.toSorted((a, b) => a.at - b.at);
    /** The latest phase of the plan that has started. */
    let reached = -1;
    let isEndedByHand = false;
    /** When the current phase ends: the end of its last task of `ends` so far. */
    let endsAt: Millis | null = null;
    let next = 0;

    function end(at: Millis): void {
      const last = intervals.at(-1);
      if (last?.until === null) intervals[intervals.length - 1] = { ...last, until: at };
      endsAt = null;
    }

    function start(name: string | null, at: Millis, task: string | null): void {
      if (endsAt !== null && endsAt <= at) end(endsAt);
      const last = intervals.at(-1);
      if (last?.until === null && last.name === name) {
        endsAt = null;
        return;
      }
      end(at);
      if (name !== null) intervals.push({ name, from: at, until: null, task });
    }

    function applyMarks(until: Millis): void {
      for (let mark = sortedMarks[next]; mark !== undefined && mark.at <= until; mark = sortedMarks[++next]) {
        const { name, at } = mark;
        const found = planned.findIndex((phase) => phase.name === name);
        if (found >= 0) reached = found;
        isEndedByHand = name === END_MARK && found < 0;
        start(isEndedByHand ? null : name, at, null);
      }
    }

    /** Returns whether the task is one of those that end the current phase. */
    function endsCurrent(task: Task): boolean {
      const isCurrent = intervals.at(-1)?.until === null && intervals.at(-1)?.name === planned[reached]?.name;
      return isCurrent && edgesOf(task).ends.includes(reached);
    }

    for (const task of tasks) {
      if (!isDone(task)) continue;
      applyMarks(task.start);
      if (endsAt !== null && endsAt <= task.start && !endsCurrent(task)) end(endsAt);
      const isUnderWay = intervals.at(-1)?.until === null;
      const begins = edgesOf(task).begins;
      const resumed = !isUnderWay && !isEndedByHand && begins.includes(reached) ? reached : undefined;
      const found = resumed ?? begins.find((index) => index > reached) ?? -1;
      const phase = planned[found];
      if (phase !== undefined) {
        reached = found;
        isEndedByHand = false;
        start(phase.name, task.start, task.name);
      }
      if (endsCurrent(task)) endsAt = task.end === null ? null : Math.max(endsAt ?? task.end, task.end);
    }
    applyMarks(Infinity);
    if (endsAt !== null) end(endsAt);
    return intervals.filter(({ from, until }) => until === null || until > from);
  };
}

/** The phases, by their place in the plan, that a task begins and ends. */
type TaskEdges = { readonly begins: readonly number[]; readonly ends: readonly number[] };

/** Returns the name of the phase that was under way at a time, or null. */
export function phaseAt(intervals: readonly PhaseInterval[], at: Millis): string | null {
  const last = intervals[partitionPoint(intervals.length, (index) => (intervals[index]?.from ?? Infinity) <= at) - 1];
  return last !== undefined && (last.until === null || at < last.until) ? last.name : null;
}

/** The start of a phase, or with `END_MARK` the end of the current one, marked by hand. */
export type PhaseMark = { readonly name: string; readonly at: Millis };
