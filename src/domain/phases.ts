import { isBegunBy, type Plan } from './plan.ts';
import type { PhaseMark } from './ports.ts';
import type { Task } from './task.ts';
import type { Millis } from './time.ts';

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

type Event = { readonly at: Millis } & ({ readonly name: string } | { readonly task: Task });

/**
 * When each phase was under way, in order. By hand any phase may begin at any moment, planned or not; by its tasks only
 * a phase that comes after all that have begun, so that a playbook that is run again does not turn the upgrade back.
 */
export function phaseStretches(
  plan: Plan | null,
  { marks, tasks }: { readonly marks: readonly PhaseMark[]; readonly tasks: readonly Task[] },
): readonly PhaseStretch[] {
  const planned = plan?.phases ?? [];
  const events: readonly Event[] = [...marks, ...tasks.map((task) => ({ at: task.start, task }))].toSorted(
    (a, b) => a.at - b.at,
  );
  const stretches: PhaseStretch[] = [];
  let reached = -1;

  function begin(name: string | null, at: Millis, task: string | null): void {
    const last = stretches.at(-1);
    if (last !== undefined && last.until === null) {
      if (last.name === name) return;
      stretches[stretches.length - 1] = { ...last, until: at };
    }
    if (name !== null) stretches.push({ name, from: at, until: null, task });
  }

  for (const event of events) {
    if ('task' in event) {
      if (reached + 1 >= planned.length) continue;
      const found = planned.findIndex((phase, index) => index > reached && isBegunBy(phase, event.task));
      const phase = planned[found];
      if (phase === undefined) continue;
      reached = found;
      begin(phase.name, event.at, event.task.name);
    } else {
      const found = planned.findIndex(({ name }) => name === event.name);
      if (found >= 0) reached = found;
      begin(event.name === NO_PHASE && found < 0 ? null : event.name, event.at, null);
    }
  }
  return stretches.filter(({ from, until }) => until === null || until > from);
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
