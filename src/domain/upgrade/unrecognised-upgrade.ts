import type { Millis } from '../time.ts';
import type { PhaseInterval } from './phases.ts';
import type { Plan } from './plan.ts';
import { isDone, type Task } from './task.ts';

/** An upgrade that is well under way without having begun a phase: the plan may not fit its tasks. */
export type UnrecognisedUpgrade = {
  readonly plan: string;
  /** How many tasks hosts have done. */
  readonly tasks: number;
  /** From the start of the first of them to the start of the last. */
  readonly millis: Millis;
};

/** Fewer tasks in less time may be preparations, such as a check of the connection to the hosts. */
const MIN_TASKS = 50;
const MIN_MILLIS = 300_000;

/** Returns null if a phase has begun, or if tasks begin none. `tasks` are in order of their start. */
export function unrecognisedUpgrade(
  plan: Plan | null,
  { tasks, phases }: { readonly tasks: readonly Task[]; readonly phases: readonly PhaseInterval[] },
): UnrecognisedUpgrade | null {
  if (plan === null || phases.length > 0 || plan.phases.every(({ begins }) => begins.length === 0)) return null;
  const done = tasks.filter(isDone);
  const millis = (done.at(-1)?.start ?? 0) - (done.at(0)?.start ?? 0);
  return done.length < MIN_TASKS || millis < MIN_MILLIS ? null : { plan: plan.name, tasks: done.length, millis };
}
