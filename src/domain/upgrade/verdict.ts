import { extentOf, type Seconds } from '../downtime/window.ts';
import { shares, subtract, union } from '../interval.ts';
import { seriesId } from '../sample.ts';
import type { Interval } from '../time.ts';
import type { BlamedWindow } from './attribution.ts';
import { createPhaseMeasures, type PhaseBook, type PhaseMeasures } from './phase-measures.ts';
import type { PhaseStretch } from './phases.ts';
import { BUDGETS, type Budget, type BudgetName, type Plan, type PlannedPhase } from './plan.ts';

/** Not proven: the estimate may be within the budget, but the error bar is not. */
export const BUDGET_RESULTS = ['pass', 'not-proven', 'fail'] as const;
export type BudgetResult = (typeof BUDGET_RESULTS)[number];

/** From good to bad, but for not judged: no budget was compared with anything, which is no pass. */
export const RESULTS = ['not-judged', ...BUDGET_RESULTS] as const;
export type Result = (typeof RESULTS)[number];

export type BudgetVerdict = {
  readonly name: BudgetName;
  readonly limit: number;
  /** In the unit of the budget, see plan.ts; null where it could not be measured, as a slowdown without a baseline. */
  readonly measured: Seconds | null;
  readonly result: BudgetResult;
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

/** Why a phase was not judged. */
export type Unjudged = { readonly name: string; readonly reason: 'never-began' | 'no-budget' | 'not-in-plan' };

export type Verdict = {
  readonly plan: string | null;
  /** The worst of what was judged. Not judged where the plan promises something of phases and none of them began. */
  readonly result: Result;
  readonly judged: readonly string[];
  readonly notJudged: readonly Unjudged[];
  readonly phases: readonly PhaseVerdict[];
  /** The whole run, and the time outside every phase; null where the plan has no budget for them. */
  readonly run: PhaseVerdict | null;
  readonly outside: PhaseVerdict | null;
};

export const WHOLE_RUN = 'the whole run';
export const OUTSIDE = 'the time outside every phase';

/** All that has budgets: the phases, then the time outside them, then the whole run. */
export const judgedParts = ({ phases, outside, run }: Verdict): readonly PhaseVerdict[] => [
  ...phases,
  ...(outside === null ? [] : [outside]),
  ...(run === null ? [] : [run]),
];

/** 1 where it is bad, as an exit code says it. Not judged is no pass. */
export const isAccepted = (result: Result | null, failOn: 'fail' | 'not-proven' = 'fail'): boolean =>
  result === 'pass' || (result === 'not-proven' && failOn === 'fail');

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
  const watchedUntil = new Map(books.map(({ series, watched }) => [seriesId(series), watched.until]));
  const down = windows
    .filter((one) => one.kind === 'down')
    .map((window) => ({ window, most: extentOf(window, watchedUntil.get(seriesId(window)) ?? run.until).max }));
  const windowsIn = (when: readonly Interval[]) =>
    down.filter(({ most }) => most.some((one) => shares(when, one))).map(({ window }) => window);
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
    const measures = measure({ stretches: when, over: !base.running, now: run.until, unobserved: 'may-be-down' });
    const budgets = judgeBudgets(phase.budget, measures);
    return { ...base, measures, budgets, result: worst(budgets), windows: windowsIn(union(when)) };
  });

  /** Nobody promises to watch all the time: what was not observed is not held against it. */
  function part(name: string, promise: string, when: readonly Interval[], budget: Budget = {}): PhaseVerdict | null {
    if (Object.keys(budget).length === 0 || when.length === 0) return null;
    const measures = measure({ stretches: when, over: !run.running, now: run.until, unobserved: 'not-counted' });
    const budgets = judgeBudgets(budget, measures);
    const running = run.running && when.at(-1)?.until === run.until;
    const base = { name, promise, planned: true, stretches: when, running, task: null, measures, budgets };
    return { ...base, result: worst(budgets), windows: windowsIn(when) };
  }

  const whole = [{ from: run.from, until: Math.max(run.from, run.until) }];
  const inPhases = phases.flatMap(({ stretches: own }) => own);
  const outside = part(OUTSIDE, 'before, between and after the phases', subtract(whole, inPhases), plan?.outside);
  const ofRun = part(WHOLE_RUN, 'from the first sample to the last', union(whole), plan?.run);
  const notJudged = phases.flatMap((phase): readonly Unjudged[] => {
    if (!phase.planned) return [{ name: phase.name, reason: 'not-in-plan' }];
    if (phase.measures === null) return [{ name: phase.name, reason: 'never-began' }];
    return phase.budgets.length === 0 ? [{ name: phase.name, reason: 'no-budget' }] : [];
  });
  const judged = phases.filter(({ name }) => !notJudged.some((one) => one.name === name));
  const parts = [...(outside === null ? [] : [outside]), ...(ofRun === null ? [] : [ofRun])];
  const inVain = judged.length === 0 && planned.some(({ budget }) => Object.keys(budget).length > 0);
  const found = worst([...judged, ...parts].flatMap(({ budgets }) => budgets));
  return {
    plan: plan?.name ?? null,
    result: inVain && found === 'pass' ? 'not-judged' : found,
    judged: [...judged, ...parts].map(({ name }) => name),
    notJudged,
    phases,
    run: ofRun,
    outside,
  };
}

const unplanned = (name: string): PlannedPhase => ({
  name,
  promise: '',
  begins: { task: [], tag: [] },
  budget: {},
});

const judgeBudgets = (budget: Budget, measures: PhaseMeasures): readonly BudgetVerdict[] =>
  BUDGETS.flatMap((name) => {
    const limit = budget[name];
    if (limit === undefined) return [];
    const measured = measures[name];
    return [{ name, limit, measured, result: compare(measured, limit) }];
  });

/** Sums of moments have a rounding error. */
const EPSILON = 1e-6;

/** Over only when even the least is over. */
export function compare(measured: Seconds | null, limit: number): BudgetResult {
  if (measured === null) return 'not-proven';
  if (measured.min > limit + EPSILON) return 'fail';
  return measured.max > limit + EPSILON ? 'not-proven' : 'pass';
}

const worst = (budgets: readonly BudgetVerdict[]): Result =>
  budgets.reduce<Result>(
    (bad, { result }) => (RESULTS.indexOf(result) > RESULTS.indexOf(bad) ? result : bad),
    'not-judged',
  );
