import type { Plan, PlannedPhase } from './plan.ts';
import { checkPlan, type PhaseCheck, type PlanCheck } from './plan-check.ts';
import type { Task } from './task.ts';
import { commonEntry, type TaskSelector } from './task-selector.ts';

/** A plan for upgrades like the one that had these tasks. */
export type DerivedPlan = {
  readonly plan: Plan;
  /** The known plan that recognised the most, from which promises and budgets are. */
  readonly base: Plan;
  /** What began each phase. */
  readonly phases: readonly PhaseCheck[];
};

/**
 * Derives a plan from the tasks of an earlier upgrade: the known plan that recognises the most phases, each begun by the
 * task that began it there, by its name, role and play. If it does not recognise a phase, another known plan may, by
 * the name of the phase and in the same order. A phase that no task began keeps what the known plan has. `plans` are in
 * order of preference.
 */
export function planFromTasks(
  tasks: readonly Task[],
  { name, plans }: { readonly name: string; readonly plans: readonly [Plan, ...Plan[]] },
): DerivedPlan {
  const checks = plans.map((base) => ({ base, check: checkPlan(base, tasks) }));
  const [first] = checks;
  if (first === undefined) throw new Error('no plans to derive one from');
  const { base, check } = checks.reduce((a, b) => (begunIn(b.check) > begunIn(a.check) ? b : a), first);
  const phases: PhaseCheck[] = [];
  for (const [index, own] of check.phases.entries()) {
    const after = phases.findLast(({ task }) => task !== null)?.task?.start ?? Number.NEGATIVE_INFINITY;
    const before = check.phases.slice(index).find(({ task }) => task !== null)?.task?.start ?? Infinity;
    const others = checks.flatMap((other) => other.check.phases.filter(({ phase }) => phase.name === own.phase.name));
    const other = others.find(({ task }) => task !== null && task.start > after && task.start < before);
    phases.push(own.task === null && other !== undefined ? { ...own, task: other.task, near: [] } : own);
  }
  return { base, phases, plan: { ...base, name, description: descriptionOf(base), phases: exactPhases(phases) } };
}

const descriptionOf = (base: Plan): string => `As in an earlier upgrade; promises and budgets of ${base.name}`;

/**
 * Begins each phase with the task that began it. What would begin an earlier phase as well is left out, so that the
 * phase is begun by hand.
 */
function exactPhases(checked: readonly PhaseCheck[]): readonly PlannedPhase[] {
  const phases: PlannedPhase[] = [];
  for (const { phase, task } of checked) {
    const isDistinct = (selector: TaskSelector): boolean =>
      !phases.some(({ begins }) => begins.some((other) => commonEntry(other, selector) !== null));
    phases.push({ ...phase, begins: (task === null ? phase.begins : [selectorOf(task)]).filter(isDistinct) });
  }
  return phases;
}

const begunIn = ({ phases }: PlanCheck): number => phases.filter(({ task }) => task !== null).length;

const selectorOf = ({ name, role, play }: Task): TaskSelector => ({
  task: [name],
  tag: [],
  play: play === null ? [] : [play],
  role: role === null ? [] : [role],
  playbook: [],
  host: [],
});
