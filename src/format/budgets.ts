import type { Measured } from '../domain/downtime/window.ts';
import type { ZeroProof } from '../domain/downtime/zero-proof.ts';
import { BUDGETS, type BudgetName, type BudgetUnit } from '../domain/upgrade/plan.ts';
import type { BudgetVerdict, VerdictResult } from '../domain/upgrade/verdict.ts';
import { duration, errorBar } from './quantities.ts';

const FORMATS: Readonly<Record<Exclude<BudgetUnit, 'seconds'>, (value: number) => string>> = {
  count: String,
  share: (value) => `${Number((value * 100).toPrecision(3))} %`,
  factor: (value) => `${value.toFixed(2)}x`,
};

export const budgetName = (name: BudgetName): string => BUDGETS[name].label;

/** Describes a budget: 'API downtime at most 120 s'. */
export const budgetLimit = ({ name, limit }: Pick<BudgetVerdict, 'name' | 'limit'>): string => {
  const unit = BUDGETS[name].unit;
  return `${BUDGETS[name].label} at most ${unit === 'seconds' ? duration(limit) : FORMATS[unit](limit)}`;
};

/** Describes what was measured: '6.9 s (6.5 to 7.4 s)', '1.34x (1.28x to 1.41x)', 'not measured'. */
export function measureText(name: BudgetName, measured: Measured | null): string {
  if (measured === null) return 'not measured';
  const unit = BUDGETS[name].unit;
  if (unit === 'seconds') return errorBar(measured);
  const [min, estimate, max] = [measured.min, measured.estimate, measured.max].map(FORMATS[unit]);
  return min === max ? `${estimate}` : `${estimate} (${min} to ${max})`;
}

/** Says what a phase without a failed sample proves: 'no outage of 0.51 s or longer; shorter ones together below 1.6 s (95 %)'. */
export const proofText = ({ outage, total }: ZeroProof): string =>
  `no outage of ${roundedUp(outage)} s or longer; shorter ones together below ${roundedUp(total)} s (95 %)`;

/** Rounds up to two significant digits. */
function roundedUp(seconds: number): number {
  const digit = 10 ** (Math.floor(Math.log10(seconds)) - 1);
  return Number((Math.ceil(seconds / digit - 1e-9) * digit).toPrecision(2));
}

/** The words for each result. */
export const RESULT_WORDS: Readonly<Record<VerdictResult, string>> = {
  'not-judged': 'not judged',
  pass: 'pass',
  'not-proven': 'not proven',
  fail: 'FAIL',
};

/** Describes a result: 'API downtime: 6.9 s (6.5 to 7.4 s), over the budget of 5 s even at the minimum'. */
export function budgetSentence({ name, limit, measured, unobserved, proof, result }: BudgetVerdict): string {
  const unit = BUDGETS[name].unit;
  const budget = `the budget of ${unit === 'seconds' ? duration(limit) : FORMATS[unit](limit)}`;
  const unknown = unobserved > 0 ? `, ${duration(unobserved)} not observed` : '';
  const figure = `${BUDGETS[name].label}: ${proof === null ? measureText(name, measured) : proofText(proof)}${unknown}`;
  if (result === 'pass') return `${figure}, within ${budget}`;
  if (result === 'not-proven') return `${figure}, not proven to be within ${budget}`;
  return `${figure}, over ${budget}${measured !== null && measured.min < measured.max ? ' even at the minimum' : ''}`;
}
