import type { Seconds } from '../domain/downtime/window.ts';
import type { PhaseSeries, Quantiles } from '../domain/upgrade/phase-measures.ts';
import type { BudgetName } from '../domain/upgrade/plan.ts';
import type { BudgetResult, PhaseVerdict, Result, Verdict } from '../domain/upgrade/verdict.ts';
import { rounded } from './rounded.ts';
import { type StretchFace, secondsFace, stretchFace } from './window.ts';

export type PhaseSeriesFace = {
  readonly cloud: string;
  readonly vantage: string;
  readonly probe: string;
  readonly connection: string;
  /** Which of several that are probed alike; empty where the probe has one alone. */
  readonly target: string;
  readonly samples: PhaseSeries['samples'];
  /** Before the first phase, and in this one. */
  readonly beforeSeconds: Quantiles | null;
  readonly duringSeconds: Quantiles | null;
};

/** A verdict as JSON shows it, but for the phases, which stand beside it. */
export type VerdictFace = Pick<Verdict, 'plan' | 'result' | 'judged' | 'notJudged'> & {
  /** The whole run and the time outside every phase; null where the plan has no budget for them. */
  readonly run: PhaseFace | null;
  readonly outside: PhaseFace | null;
};

export const verdictFace = ({ plan, result, judged, notJudged, run, outside }: Verdict): VerdictFace => ({
  plan,
  result,
  judged,
  notJudged,
  run: run && phaseFace(run),
  outside: outside && phaseFace(outside),
});

/** A phase as JSON shows it. All but name, promise, planned and result is null or empty where it never began. */
export type PhaseFace = {
  readonly name: string;
  readonly promise: string;
  readonly planned: boolean;
  readonly result: Result | null;
  readonly running: boolean;
  /** The task with which it began; null where it was begun by hand. */
  readonly task: string | null;
  readonly stretches: readonly StretchFace[];
  readonly elapsedSeconds: number | null;
  readonly recoverySeconds: Seconds | null;
  /** In the units of the plan: seconds, a share from 0 to 1, or a factor. */
  readonly measured: { readonly [name in BudgetName]: Seconds | null } | null;
  readonly budgets: readonly {
    readonly name: BudgetName;
    readonly limit: number;
    readonly measured: Seconds | null;
    readonly result: BudgetResult;
  }[];
  readonly series: readonly PhaseSeriesFace[];
  /** Ids of the down windows that may have fallen into it. */
  readonly windows: readonly string[];
};

const boundsFace = (bounds: Seconds | null): Seconds | null => bounds && secondsFace(bounds);

const quantilesFace = (one: Quantiles | null): Quantiles | null =>
  one && { p50: rounded(one.p50), p95: rounded(one.p95), p99: rounded(one.p99) };

export const phaseFace = (phase: PhaseVerdict): PhaseFace => ({
  name: phase.name,
  promise: phase.promise,
  planned: phase.planned,
  result: phase.result,
  running: phase.running,
  task: phase.task,
  stretches: phase.stretches.map(stretchFace),
  elapsedSeconds: phase.measures && rounded(phase.measures.elapsed),
  recoverySeconds: phase.measures && boundsFace(phase.measures.recovery),
  measured: phase.measures && {
    api_downtime: boundsFace(phase.measures.api_downtime),
    boot_downtime: boundsFace(phase.measures.boot_downtime),
    data_plane_downtime: boundsFace(phase.measures.data_plane_downtime),
    longest_window: boundsFace(phase.measures.longest_window),
    consecutive_failures: phase.measures.consecutive_failures,
    // not rounded: one failure of many may be what matters
    error_ratio: phase.measures.error_ratio,
    slowdown: boundsFace(phase.measures.slowdown),
  },
  budgets: phase.budgets.map(({ name, limit, measured, result }) => ({
    name,
    limit,
    measured: name === 'error_ratio' ? measured : boundsFace(measured),
    result,
  })),
  series: (phase.measures?.series ?? []).map(({ series, samples, before, during }) => ({
    cloud: series.cloud,
    vantage: series.vantage,
    probe: series.probe,
    connection: series.connection,
    target: series.target,
    samples,
    beforeSeconds: quantilesFace(before),
    duringSeconds: quantilesFace(during),
  })),
  windows: phase.windows.map(({ id }) => id),
});
