import type { Measured } from '../domain/downtime/window.ts';
import type { BudgetName } from '../domain/upgrade/plan.ts';
import type { BudgetVerdict, VerdictResult } from '../domain/upgrade/verdict.ts';
import { duration, errorBar } from './quantities.ts';

type Unit = 'seconds' | 'count' | 'share' | 'factor';

const UNITS: Readonly<Record<BudgetName, Unit>> = {
  api_downtime: 'seconds',
  boot_downtime: 'seconds',
  data_plane_downtime: 'seconds',
  longest_window: 'seconds',
  consecutive_failures: 'count',
  error_ratio: 'share',
  slowdown: 'factor',
};

const WHAT: Readonly<Record<BudgetName, string>> = {
  api_downtime: 'API downtime',
  boot_downtime: 'boot downtime',
  data_plane_downtime: 'data-plane downtime',
  longest_window: 'longest API window',
  consecutive_failures: 'failures in a row',
  error_ratio: 'failed lists',
  slowdown: 'slowdown of the median list',
};

const NUMBERS: Readonly<Record<Exclude<Unit, 'seconds'>, (value: number) => string>> = {
  count: String,
  share: (value) => `${Number((value * 100).toPrecision(3))} %`,
  factor: (value) => `${value.toFixed(2)}x`,
};

export const budgetName = (name: BudgetName): string => WHAT[name];

/** 'API downtime at most 120 s' */
export const budgetLimit = ({ name, limit }: Pick<BudgetVerdict, 'name' | 'limit'>): string => {
  const unit = UNITS[name];
  return `${WHAT[name]} at most ${unit === 'seconds' ? duration(limit) : NUMBERS[unit](limit)}`;
};

/** '6.9 s (6.5 to 7.4 s)', '1.34x (1.28x to 1.41x)', 'not measured' */
export function measureText(name: BudgetName, measured: Measured | null): string {
  if (measured === null) return 'not measured';
  const unit = UNITS[name];
  if (unit === 'seconds') return errorBar(measured);
  const [min, estimate, max] = [measured.min, measured.estimate, measured.max].map(NUMBERS[unit]);
  return min === max ? `${estimate}` : `${estimate} (${min} to ${max})`;
}

/** Each result in words. */
export const RESULT_WORDS: Readonly<Record<VerdictResult, string>> = {
  'not-judged': 'not judged',
  pass: 'pass',
  'not-proven': 'not proven',
  fail: 'FAIL',
};

/** 'API downtime: 6.9 s (6.5 to 7.4 s), over the budget of 5 s even at the minimum' */
export function budgetSentence({ name, limit, measured, result }: BudgetVerdict): string {
  const unit = UNITS[name];
  const budget = `the budget of ${unit === 'seconds' ? duration(limit) : NUMBERS[unit](limit)}`;
  const was = `${WHAT[name]}: ${measureText(name, measured)}`;
  if (result === 'pass') return `${was}, within ${budget}`;
  if (result === 'not-proven') return `${was}, not proven to be within ${budget}`;
  return `${was}, over ${budget}${measured !== null && measured.min < measured.max ? ' even at the minimum' : ''}`;
}
