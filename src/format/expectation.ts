import type { ProbeDescription } from '../domain/probe.ts';
import { BUDGETS, isDowntimeBudget } from '../domain/upgrade/plan.ts';
import type { BudgetVerdict } from '../domain/upgrade/verdict.ts';
import { budgetSentence } from './budgets.ts';
import { capitalised, duration } from './quantities.ts';

/** Whether the plan expects an outage: `good` if the phase allows it, `warn` if its budget may be used up. */
export type Expectation = { readonly tone: 'good' | 'bad' | 'warn' | 'unknown'; readonly text: string };

type FailedProbe = Pick<ProbeDescription, 'name' | 'label'> & {
  /** The phase under way when it began to fail; null if there was none. */
  readonly phase: JudgedPhase | null;
};
type JudgedPhase = { readonly name: string; readonly budgets: readonly BudgetVerdict[] };

/**
 * Says whether a phase allows downtime of a probe, and how much of its budget is used and left: 'Expected: maintenance
 * allows 120 s of API downtime; 9.5 s used, 110 s left.'
 */
function expectationOf({ name: probe, label, phase }: FailedProbe, when: 'now' | 'then'): Expectation {
  if (phase === null) {
    const why = when === 'now' ? `no phase allows ${label} downtime now` : 'no phase was under way';
    return { tone: 'bad', text: `Not expected: ${why}.` };
  }
  const { name } = phase;
  const budgets = phase.budgets.filter((budget) => BUDGETS[budget.name].probe === probe);
  const own = budgets.find((budget) => isDowntimeBudget(budget.name));
  if (own?.limit === 0) return { tone: 'bad', text: `Not expected: ${name} allows no ${label} downtime.` };
  const exceeded = budgets.find(({ result }) => result === 'fail');
  if (exceeded !== undefined) {
    return { tone: 'bad', text: `Not expected in ${name}. ${capitalised(budgetSentence(exceeded))}.` };
  }
  if (own === undefined) return { tone: 'unknown', text: `The plan has no budget for ${label} downtime in ${name}.` };
  const used = own.measured?.estimate ?? 0;
  const budget = `${name} allows ${duration(own.limit)} of ${label} downtime`;
  const rest = `${duration(used, 1)} used, ${duration(Math.max(0, own.limit - used))} left`;
  return own.result === 'pass'
    ? { tone: 'good', text: `Expected: ${budget}; ${rest}.` }
    : { tone: 'warn', text: `Expected, but the budget may be used up: ${budget}; ${rest}.` };
}

const SEVERITY: readonly Expectation['tone'][] = ['bad', 'warn', 'unknown', 'good'];

/** Returns what to expect of each probe that failed, worst first; probes without a budget only if no other failed. */
export function expectationsOf(probes: readonly FailedProbe[], when: 'now' | 'then'): readonly Expectation[] {
  const all = probes.map((probe) => expectationOf(probe, when));
  const known = all.filter(({ tone }) => tone !== 'unknown');
  return (known.length > 0 ? known : all).toSorted((a, b) => SEVERITY.indexOf(a.tone) - SEVERITY.indexOf(b.tone));
}
