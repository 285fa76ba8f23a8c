import type { PhaseMark } from '../ports.ts';
import type { Millis } from '../time.ts';
import { beginning, type Plan } from './plan.ts';
import { isDone, type Task } from './task.ts';

/** A stretch of the upgrade that belongs to a phase. A phase that is begun again has several. */
export type PhaseStretch = {
  readonly name: string;
  readonly from: Millis;
  /** Null: it lasts still, or up to the end of the run. */
  readonly until: Millis | null;
  /** The task with which it began; null where it was begun by hand. */
  readonly task: string | null;
};

/** Begins no phase: what follows the last one. */
export const NO_PHASE = 'end';

/** Finds the phases by what is told; remembers which task begins which, as the same tasks are looked at again and again. */
export type PhaseFinder = (told: {
  readonly marks: readonly PhaseMark[];
  /** By their start. */
  readonly tasks: readonly Task[];
}) => readonly PhaseStretch[];

/**
 * When each phase was under way, in order. By hand any phase may begin at any moment, planned or not; by its tasks only
 * a phase that comes after all that have begun, so that a playbook that is run again does not turn the upgrade back.
 * A task begins it once a host has done the task, from the task's start on: one that is skipped, or runs dry, begins none.
 */
export function createPhaseFinder(plan: Plan | null): PhaseFinder {
  const planned = plan?.phases ?? [];
  const recognise = planned.map(({ begins }) => beginning(begins));
  const begun = new WeakMap<Task, readonly number[]>();

  function phasesOf(task: Task): readonly number[] {
    const known = begun.get(task);
    if (known !== undefined) return known;
    const found = recognise.flatMap((isBegunBy, index) => (isBegunBy(task) ? [index] : []));
    begun.set(task, found);
    return found;
  }

  return ({ marks, tasks }) => {
    const stretches: PhaseStretch[] = [];
    const byHand = marks.toSorted((a, b) => a.at - b.at);
    let reached = -1;
    let next = 0;

    function begin(name: string | null, at: Millis, task: string | null): void {
      const last = stretches.at(-1);
      if (last !== undefined && last.until === null) {
        if (last.name === name) return;
        stretches[stretches.length - 1] = { ...last, until: at };
      }
      if (name !== null) stretches.push({ name, from: at, until: null, task });
    }

    function beginByHand(until: Millis): void {
      for (let mark = byHand[next]; mark !== undefined && mark.at <= until; mark = byHand[++next]) {
        const { name, at } = mark;
        const found = planned.findIndex((phase) => phase.name === name);
        if (found >= 0) reached = found;
        begin(name === NO_PHASE && found < 0 ? null : name, at, null);
      }
    }

    for (const task of tasks) {
      if (!isDone(task)) continue;
      beginByHand(task.start);
      const found = phasesOf(task).find((index) => index > reached) ?? -1;
      const phase = planned[found];
      if (phase === undefined) continue;
      reached = found;
      begin(phase.name, task.start, task.name);
    }
    beginByHand(Infinity);
    return stretches.filter(({ from, until }) => until === null || until > from);
  };
}

/** The phase that was under way at a moment. */
export function phaseAt(stretches: readonly PhaseStretch[], at: Millis): string | null {
  let low = 0;
  let high = stretches.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((stretches[middle]?.from ?? Infinity) <= at) low = middle + 1;
    else high = middle;
  }
  const last = stretches[low - 1];
  return last !== undefined && (last.until === null || at < last.until) ? last.name : null;
}
