import type { Measured } from '../downtime/window.ts';
import type { PhaseVerdict, VerdictResult } from '../upgrade/verdict.ts';
import type { Report } from './report.ts';

/** The figures of a run or a phase that are compared. Durations in seconds. */
export type RunFigures = {
  readonly elapsed: number;
  /** Null if it was not measured. */
  readonly api: Measured | null;
  readonly boot: Measured | null;
  readonly result: VerdictResult | null;
};

/** Runs side by side, in order of their start. */
export type Comparison = {
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
    runs: sorted.map(({ run, overall }, index) => ({
      id: run.id,
      startedAt: run.startedAt,
      clouds: run.clouds,
      elapsed: (run.endedAt - run.startedAt) / 1000,
      api: overall.api,
      boot: overall.boot,
      result: verdicts[index]?.result ?? null,
    })),
    phases: [...names].map((name) => ({
      name,
      runs: verdicts.map(({ phases }) => figuresOf(phases.find((one) => one.name === name))),
    })),
  };
}

function figuresOf(phase: PhaseVerdict | undefined): RunFigures | null {
  if (phase === undefined || phase.measures === null) return null;
  const { elapsed, api_downtime: api, boot_downtime: boot } = phase.measures;
  return { elapsed, api, boot, result: phase.result };
}
