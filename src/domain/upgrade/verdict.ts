import { extentOf, isOutage, type Measured } from '../downtime/window.ts';
import type { ZeroProof } from '../downtime/zero-proof.ts';
import { overlapsAny, subtract, union } from '../interval.ts';
import type { ProbeDescription } from '../probe.ts';
import { seriesId } from '../sample.ts';
import type { Interval } from '../time.ts';
import type { AttributedWindow } from './attribution.ts';
import { createPhaseMeasures, type PhaseMeasures, type PhaseSeriesInput } from './phase-measures.ts';
import type { PhaseInterval } from './phases.ts';
import { BUDGET_NAMES, type Budget, type BudgetName, type Plan, type PlannedPhase } from './plan.ts';

/** `not-proven`: the error bar contains the limit, or nothing was measured. */
export const BUDGET_RESULTS = ['pass', 'not-proven', 'fail'] as const;
export type BudgetResult = (typeof BUDGET_RESULTS)[number];

/** `not-judged`: no budget was checked, which does not count as a pass. The others are in order from best to worst. */
export const VERDICT_RESULTS = ['not-judged', ...BUDGET_RESULTS] as const;
export type VerdictResult = (typeof VERDICT_RESULTS)[number];

export type BudgetVerdict = {
  readonly name: BudgetName;
  readonly limit: number;
  /** In the unit of the budget (plan.ts); null if it could not be measured, such as a slowdown without a baseline. */
  readonly measured: Measured | null;
  /** Seconds that were not observed, and may have been downtime that the budget limits. */
  readonly unobserved: number;
  /** What the samples of a phase without a failure prove, if the budget allows no downtime. */
  readonly proof: ZeroProof | null;
  readonly result: BudgetResult;
};

/** A phase judged by its budgets. */
export type PhaseVerdict = {
  readonly name: string;
  readonly promise: string;
  /** Whether the plan contains the phase. */
  readonly planned: boolean;
  /** When it was under way; empty if it never started. */
  readonly intervals: readonly Interval[];
  readonly running: boolean;
  /** The task that started it the first time; null if it was started by hand. */
  readonly task: string | null;
  /** Null if it never started. */
  readonly measures: PhaseMeasures | null;
  readonly budgets: readonly BudgetVerdict[];
  /** The worst result of its budgets; null if it never started. */
  readonly result: VerdictResult | null;
  /** The down and partial windows that may overlap it. */
  readonly windows: readonly AttributedWindow[];
};

/** Why a phase was not judged. */
export type UnjudgedPhase = { readonly name: string; readonly reason: 'never-started' | 'no-budget' | 'not-in-plan' };

export type Verdict = {
  readonly plan: string | null;
  /**
   * The worst result of all that was judged. Instead of `pass`, it is `not-judged` if the plan has phase budgets but no
   * such phase started.
   */
  readonly result: VerdictResult;
  readonly judged: readonly string[];
  readonly notJudged: readonly UnjudgedPhase[];
  readonly phases: readonly PhaseVerdict[];
  /** The whole run, and the time outside every phase; null if the plan has no budget for it. */
  readonly run: PhaseVerdict | null;
  readonly outside: PhaseVerdict | null;
};

const WHOLE_RUN = 'the whole run';
const OUTSIDE = 'the time outside every phase';

/** Returns everything that can have budgets: the phases, then the time outside them, then the whole run. */
export const verdictParts = ({ phases, outside, run }: Verdict): readonly PhaseVerdict[] => [
  ...phases,
  ...(outside === null ? [] : [outside]),
  ...(run === null ? [] : [run]),
];

/** Whether a run or phase with this result is accepted. `not-judged` is not. */
export const isAccepted = (result: VerdictResult | null, failOn: 'fail' | 'not-proven' = 'fail'): boolean =>
  result === 'pass' || (result === 'not-proven' && failOn === 'fail');

export type VerdictInput = {
  readonly phaseIntervals: readonly PhaseInterval[];
  readonly series: readonly PhaseSeriesInput[];
  readonly windows: readonly AttributedWindow[];
  readonly probes: readonly ProbeDescription[];
  /** The time that was watched. */
  readonly run: Interval & { readonly running: boolean };
};

/** Judges the phases of the plan in order, then those that were started by hand and are not in the plan. */
export function judge(
  plan: Plan | null,
  { phaseIntervals, series: allSeries, windows, probes, run }: VerdictInput,
): Verdict {
  const planned = plan?.phases ?? [];
  const plannedNames = new Set(planned.map(({ name }) => name));
  const unplannedNames = new Set(phaseIntervals.map(({ name }) => name)).difference(plannedNames);
  const firstStart = phaseIntervals.reduce((earliest, { from }) => Math.min(earliest, from), Infinity);
  const baseline = firstStart > run.from && firstStart < Infinity ? [{ from: run.from, until: firstStart }] : [];
  const measure = createPhaseMeasures(allSeries, { baseline, probes });
  const watchedUntil = new Map(allSeries.map(({ series, watched }) => [seriesId(series), watched.until]));
  const down = windows
    .filter(isOutage)
    .map((window) => ({ window, possible: extentOf(window, watchedUntil.get(seriesId(window)) ?? run.until).max }));
  const windowsIn = (intervals: readonly Interval[]) =>
    down
      .filter(({ possible }) => possible.some((interval) => overlapsAny(intervals, interval)))
      .map(({ window }) => window);
  const byName = Map.groupBy(phaseIntervals, ({ name }) => name);
  const phases = [...planned, ...[...unplannedNames].map(unplannedPhase)].map((phase): PhaseVerdict => {
    const own = byName.get(phase.name) ?? [];
    const intervals = own.map(({ from, until }) => ({ from, until: Math.max(from, until ?? run.until) }));
    const base = {
      name: phase.name,
      promise: phase.promise,
      planned: planned.includes(phase),
      intervals,
      running: run.running && own.some(({ until }) => until === null),
      task: own[0]?.task ?? null,
    };
    if (own.length === 0) return { ...base, measures: null, budgets: [], result: null, windows: [] };
    const measures = measure({ intervals, ended: !base.running, now: run.until, unobserved: 'may-be-down' });
    const budgets = judgeBudgets(phase.budget, measures);
    return { ...base, measures, budgets, result: worst(budgets), windows: windowsIn(union(intervals)) };
  });

  /**
   * Judges the time outside the phases, or the whole run. Unobserved time does not count here, as Rollwatch need not
   * run all the time.
   */
  function judgePart(
    name: string,
    promise: string,
    intervals: readonly Interval[],
    budget: Budget = {},
  ): PhaseVerdict | null {
    if (Object.keys(budget).length === 0 || intervals.length === 0) return null;
    const measures = measure({ intervals, ended: !run.running, now: run.until, unobserved: 'not-counted' });
    const budgets = judgeBudgets(budget, measures);
    const running = run.running && intervals.at(-1)?.until === run.until;
    const base = { name, promise, planned: true, intervals, running, task: null, measures, budgets };
    return { ...base, result: worst(budgets), windows: windowsIn(intervals) };
  }

  const whole = [{ from: run.from, until: Math.max(run.from, run.until) }];
  const inPhases = phases.flatMap(({ intervals }) => intervals);
  const outside = judgePart(OUTSIDE, 'before, between and after the phases', subtract(whole, inPhases), plan?.outside);
  const wholeRun = judgePart(WHOLE_RUN, 'from the first sample to the last', union(whole), plan?.run);
  const notJudged = phases.flatMap((phase): readonly UnjudgedPhase[] => {
    if (!phase.planned) return [{ name: phase.name, reason: 'not-in-plan' }];
    if (phase.measures === null) return [{ name: phase.name, reason: 'never-started' }];
    return phase.budgets.length === 0 ? [{ name: phase.name, reason: 'no-budget' }] : [];
  });
  const judged = phases.filter(({ name }) => !notJudged.some((phase) => phase.name === name));
  const parts = [...(outside === null ? [] : [outside]), ...(wholeRun === null ? [] : [wholeRun])];
  const noPhaseJudged = judged.length === 0 && planned.some(({ budget }) => Object.keys(budget).length > 0);
  const result = worst([...judged, ...parts].flatMap(({ budgets }) => budgets));
  return {
    plan: plan?.name ?? null,
    result: noPhaseJudged && result === 'pass' ? 'not-judged' : result,
    judged: [...judged, ...parts].map(({ name }) => name),
    notJudged,
    phases,
    run: wholeRun,
    outside,
  };
}

const unplannedPhase = (name: string): PlannedPhase => ({
  name,
  promise: '',
  begins: { task: [], tag: [] },
  budget: {},
});

const judgeBudgets = (budget: Budget, measures: PhaseMeasures): readonly BudgetVerdict[] =>
  BUDGET_NAMES.flatMap((name) => {
    const limit = budget[name];
    if (limit === undefined) return [];
    const measured = measures[name];
    const unobserved = measures.unobserved[name];
    const proof = limit === 0 ? measures.proof[name] : null;
    return [{ name, limit, measured, unobserved, proof, result: compareWithLimit(measured, limit, unobserved) }];
  });

/** Sums of durations have rounding errors. */
const EPSILON = 1e-6;

/**
 * Fails if even the lower bound exceeds the limit; passes if the upper bound does not, and would not either if all
 * unobserved time had been downtime.
 */
export function compareWithLimit(measured: Measured | null, limit: number, unobserved = 0): BudgetResult {
  if (measured === null) return 'not-proven';
  if (measured.min > limit + EPSILON) return 'fail';
  return measured.max + unobserved > limit + EPSILON ? 'not-proven' : 'pass';
}

const worst = (budgets: readonly BudgetVerdict[]): VerdictResult =>
  budgets.reduce<VerdictResult>(
    (found, { result }) => (VERDICT_RESULTS.indexOf(result) > VERDICT_RESULTS.indexOf(found) ? result : found),
    'not-judged',
  );
