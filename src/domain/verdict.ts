import type { BlamedWindow } from './blame.ts';
import { shares, union } from './interval.ts';
import { createPhaseMeasures, type PhaseBook, type PhaseMeasures } from './phase-measures.ts';
import type { PhaseStretch } from './phases.ts';
import { BUDGETS, type BudgetName, type Plan, type PlannedPhase } from './plan.ts';
import type { Interval } from './time.ts';
import { extentOf, type Seconds } from './window.ts';

/** Not proven: the estimate may be within the budget, but the error bar is not. */
export const RESULTS = ['pass', 'not-proven', 'fail'] as const;
export type Result = (typeof RESULTS)[number];

export type BudgetVerdict = {
  readonly name: BudgetName;
  readonly limit: number;
  /** In the unit of the budget, see plan.ts; null where it could not be measured, as a slowdown without a baseline. */
  readonly measured: Seconds | null;
  readonly result: Result;
};

/** What a phase promised and what it cost. */
export type PhaseVerdict = {
  readonly name: string;
  readonly promise: string;
  /** The plan has it. */
  readonly planned: boolean;
  /** When it was under way; none where it never began. */
  readonly stretches: readonly Interval[];
  readonly running: boolean;
  /** The task with which it began first; null where it was begun by hand. */
  readonly task: string | null;
  /** Null where it never began. */
  readonly measures: PhaseMeasures | null;
  readonly budgets: readonly BudgetVerdict[];
  /** The worst of the budgets; null where it never began. */
  readonly result: Result | null;
  /** The down windows that may have fallen into it. */
  readonly windows: readonly BlamedWindow[];
};

export type Verdict = {
  readonly plan: string | null;
  /** The worst of the phases that began; null where none has. */
  readonly result: Result | null;
  readonly phases: readonly PhaseVerdict[];
};

export type VerdictInput = {
  readonly stretches: readonly PhaseStretch[];
  readonly books: readonly PhaseBook[];
  readonly windows: readonly BlamedWindow[];
  /** What was watched. */
  readonly run: Interval & { readonly running: boolean };
};

/** The phases of the plan in its order, then those that were begun by hand without being in it. */
export function judge(plan: Plan | null, { stretches, books, windows, run }: VerdictInput): Verdict {
  const planned = plan?.phases ?? [];
  const others = [...new Set(stretches.map(({ name }) => name)).difference(new Set(planned.map(({ name }) => name)))];
  const first = stretches.reduce((earliest, { from }) => Math.min(earliest, from), Infinity);
  const baseline = first > run.from && first < Infinity ? [{ from: run.from, until: first }] : [];
  const measure = createPhaseMeasures(books, baseline);
  const down = windows
    .filter((one) => one.kind === 'down')
    .map((window) => ({ window, most: extentOf(window, run.until).max }));
  const byName = Map.groupBy(stretches, ({ name }) => name);
  const phases = [...planned, ...others.map(unplanned)].map((phase): PhaseVerdict => {
    const own = byName.get(phase.name) ?? [];
    const when = own.map(({ from, until }) => ({ from, until: Math.max(from, until ?? run.until) }));
    const base = {
      name: phase.name,
      promise: phase.promise,
      planned: planned.includes(phase),
      stretches: when,
      running: run.running && own.some(({ until }) => until === null),
      task: own[0]?.task ?? null,
    };
    if (own.length === 0) return { ...base, measures: null, budgets: [], result: null, windows: [] };
    const measures = measure({ stretches: when, over: !base.running, now: run.until });
    const budgets = judgeBudgets(phase, measures);
    const whole = union(when);
    const inside = down.filter(({ most }) => most.some((one) => shares(whole, one))).map(({ window }) => window);
    return {
      ...base,
      measures,
      budgets,
      result: worst(budgets.map(({ result }) => result)) ?? 'pass',
      windows: inside,
    };
  });
  return { plan: plan?.name ?? null, result: worst(phases.map(({ result }) => result)), phases };
}

const unplanned = (name: string): PlannedPhase => ({
  name,
  promise: '',
  begins: { task: [], tag: [] },
  budget: {},
});

const judgeBudgets = ({ budget }: PlannedPhase, measures: PhaseMeasures): readonly BudgetVerdict[] =>
  BUDGETS.flatMap((name) => {
    const limit = budget[name];
    if (limit === undefined) return [];
    const measured = measures[name];
    return [{ name, limit, measured, result: compare(measured, limit) }];
  });

/** Sums of moments have a rounding error. */
const EPSILON = 1e-6;

/** Over only when even the least is over. */
export function compare(measured: Seconds | null, limit: number): Result {
  if (measured === null) return 'not-proven';
  if (measured.min > limit + EPSILON) return 'fail';
  return measured.max > limit + EPSILON ? 'not-proven' : 'pass';
}

/** Null of none. */
export function worst(results: readonly (Result | null)[]): Result | null {
  const known = results.filter((one) => one !== null);
  return known.reduce<Result | null>(
    (bad, one) => (bad === null || RESULTS.indexOf(one) > RESULTS.indexOf(bad) ? one : bad),
    null,
  );
}
