import type { Seconds } from '../downtime/window.ts';
import type { PhaseVerdict, Result } from '../upgrade/verdict.ts';
import type { Report } from './report.ts';

/** What of a run, or of one of its phases, is laid beside others. Durations in seconds. */
export type Figures = {
  readonly elapsed: number;
  /** Null where it was not measured. */
  readonly api: Seconds | null;
  readonly boot: Seconds | null;
  readonly result: Result | null;
};

/** Runs side by side, in the order of their start. */
export type Comparison = {
  readonly runs: readonly (Figures & {
    readonly id: string;
    readonly startedAt: number;
    readonly clouds: readonly string[];
  })[];
  /** Each phase that began in any of the runs; null for a run in which it didn't. */
  readonly phases: readonly { readonly name: string; readonly runs: readonly (Figures | null)[] }[];
};

/** How a figure has changed against the run before; `same` where the error bars overlap, so that nobody can tell. */
export type Trend = 'better' | 'same' | 'worse';

export const trend = (before: Seconds, now: Seconds): Trend =>
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

function figuresOf(phase: PhaseVerdict | undefined): Figures | null {
  if (phase === undefined || phase.measures === null) return null;
  const { elapsed, api_downtime: api, boot_downtime: boot } = phase.measures;
  return { elapsed, api, boot, result: phase.result };
}
