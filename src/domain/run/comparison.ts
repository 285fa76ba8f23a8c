import type { Measured } from '../downtime/window.ts';
import type { ProbeDescription } from '../probe.ts';
import { BUDGET_NAMES, BUDGETS, isDowntimeBudget } from '../upgrade/plan.ts';
import type { PhaseVerdict, VerdictResult } from '../upgrade/verdict.ts';
import type { Report } from './report.ts';

/** The figures of a run or a phase that are compared. Durations in seconds. */
export type RunFigures = {
  readonly elapsed: number;
  /** The downtime of each probe by its name, as far as it was measured. */
  readonly downtime: ReadonlyMap<string, Measured>;
  readonly result: VerdictResult | null;
};

/** Runs side by side, by start time. */
export type Comparison = {
  /** The probes of any of the runs. */
  readonly probeTypes: readonly ProbeDescription[];
  readonly runs: readonly (RunFigures & {
    readonly id: string;
    readonly startedAt: number;
    readonly clouds: readonly string[];
  })[];
  /** Every phase that started in any of the runs; null for runs in which it did not. */
  readonly phases: readonly { readonly name: string; readonly runs: readonly (RunFigures | null)[] }[];
};

/** How a figure changed since the previous run; `same` if the error bars overlap, so that no change is proven. */
export type Trend = 'better' | 'same' | 'worse';

export const trend = (before: Measured, now: Measured): Trend =>
  now.min > before.max ? 'worse' : now.max < before.min ? 'better' : 'same';

export function compareRuns(reports: readonly Report[]): Comparison {
  const sorted = reports.toSorted((a, b) => a.run.startedAt - b.run.startedAt);
  const verdicts = sorted.map(({ verdict }) => verdict);
  const names = new Set(
    verdicts.flatMap(({ phases }) => phases.filter(({ measures }) => measures !== null).map(({ name }) => name)),
  );
  return {
    probeTypes: [
      ...new Map(sorted.flatMap(({ probeTypes }) => probeTypes.map((probe) => [probe.name, probe]))).values(),
    ],
    runs: sorted.map(({ run, overall }, index) => ({
      id: run.id,
      startedAt: run.startedAt,
      clouds: run.clouds,
      elapsed: (run.endedAt - run.startedAt) / 1000,
      downtime: new Map([...overall.byProbe].map(([probe, { downtime }]) => [probe, downtime])),
      result: verdicts[index]?.result ?? null,
    })),
    phases: [...names].map((name) => ({
      name,
      runs: verdicts.map(({ phases }) => figuresOf(phases.find((phase) => phase.name === name))),
    })),
  };
}

function figuresOf(phase: PhaseVerdict | undefined): RunFigures | null {
  if (phase === undefined || phase.measures === null) return null;
  const { measures, result } = phase;
  const downtime = new Map(
    BUDGET_NAMES.filter(isDowntimeBudget).flatMap((name) => {
      const measured = measures[name];
      return measured === null ? [] : [[BUDGETS[name].probe, measured] as const];
    }),
  );
  return { elapsed: measures.elapsed, downtime, result };
}
