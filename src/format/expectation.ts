import { BUDGETS } from '../domain/upgrade/plan.ts';
import type { BudgetVerdict } from '../domain/upgrade/verdict.ts';
import { budgetSentence } from './budgets.ts';
import { duration } from './quantities.ts';

/** Whether the plan expects an outage: `good` if the phase allows it, `warn` if its budget may be used up. */
export type Expectation = { readonly tone: 'good' | 'bad' | 'warn' | 'unknown'; readonly text: string };

type JudgedPhase = { readonly name: string; readonly budgets: readonly BudgetVerdict[] };

/**
 * Says whether a phase allows downtime of a probe, and how much of its budget is used and left: 'Expected: maintenance
 * allows 120 s of API downtime; 9.5 s used, 110 s left.' `phase` is null if none is, or was then, under
 * way.
 */
export function expectationOf(
  { probe, label }: { readonly probe: string; readonly label: string },
  phase: JudgedPhase | null,
  when: 'now' | 'then',
): Expectation {
  if (phase === null) {
    const why = when === 'now' ? `no phase allows ${label} downtime now` : 'no phase was under way';
    return { tone: 'bad', text: `Not expected: ${why}.` };
  }
  const { name } = phase;
  const own = phase.budgets.find((budget) => BUDGETS[budget.name].downtimeOf === probe);
  const others = probe === 'server-list' ? phase.budgets.filter((budget) => !BUDGETS[budget.name].downtimeOf) : [];
  if (own?.limit === 0) return { tone: 'bad', text: `Not expected: ${name} allows no ${label} downtime.` };
  const exceeded = [...(own === undefined ? [] : [own]), ...others].find(({ result }) => result === 'fail');
  if (exceeded !== undefined) return { tone: 'bad', text: `Not expected in ${name}. ${budgetSentence(exceeded)}.` };
  if (own === undefined) return { tone: 'unknown', text: `The plan has no budget for ${label} downtime in ${name}.` };
  const used = own.measured?.estimate ?? 0;
  const budget = `${name} allows ${duration(own.limit)} of ${label} downtime`;
  const rest = `${duration(used, 1)} used, ${duration(Math.max(0, own.limit - used))} left`;
  return own.result === 'pass'
    ? { tone: 'good', text: `Expected: ${budget}; ${rest}.` }
    : { tone: 'warn', text: `Expected, but the budget may be used up: ${budget}; ${rest}.` };
}
