import type { ApiPhase } from '../api/phase.ts';
import type { ApiOverall, ApiReport } from '../api/report.ts';
import type { ApiStatus } from '../api/status.ts';
import type { ApiWindow } from '../api/window.ts';
import type { Measured } from '../domain/downtime/window.ts';
import {
  BUDGETS,
  type BudgetName,
  type DowntimeBudget,
  forEachBudget,
  isDowntimeBudget,
} from '../domain/upgrade/plan.ts';
import { compareWithLimit } from '../domain/upgrade/verdict.ts';
import { capitalised } from '../format/quantities.ts';

/**
 * By how much the figures of a report are extended. A report is some seconds old when it is shown; open downtime keeps
 * growing in the banner, so these figures grow too.
 */
type Extension = {
  /** The open down windows. */
  readonly open: readonly ApiWindow[];
  /** The time up to which the windows are known. */
  readonly at: string;
  /** The time since `at`. */
  readonly seconds: number;
};

const isDown = ({ kind, end }: ApiWindow): boolean => kind === 'down' && end === null;

/** Returns whether the window is observed at its end; otherwise only its maximum grows. */
const isObserved = (window: ApiWindow, at: string): boolean => window.gaps.at(-1)?.endedAt !== at;

function grown(bar: Measured, windows: readonly ApiWindow[], { at, seconds }: Omit<Extension, 'open'>): Measured {
  if (windows.length === 0) return bar;
  const observed = windows.some((window) => isObserved(window, at));
  return { min: bar.min, estimate: bar.estimate + (observed ? seconds : 0), max: bar.max + seconds };
}

function extendOverall(overall: ApiOverall, { open, ...extension }: Extension): ApiOverall {
  const probes = Object.entries(overall.probes).map(([name, figures]) => {
    const ofProbe = open.filter(({ countsFor }) => countsFor === name);
    return [name, { ...figures, downtimeSeconds: grown(figures.downtimeSeconds, ofProbe, extension) }] as const;
  });
  return { ...overall, probes: Object.fromEntries(probes) };
}

/** Returns the overall downtime of a daemon's status, extended to `now` (milliseconds since 1970). */
export function overallAt({ at, overall, series }: ApiStatus, now: number): ApiOverall {
  const open = series.flatMap(({ open: window }) => (window !== null && isDown(window) ? [window] : []));
  return extendOverall(overall, { open, at, seconds: Math.max(0, now - Date.parse(at)) / 1000 });
}

/** Returns the downtime of each probe that was watched. */
export function downtimeFigures(
  { probes, probeTypes }: ApiReport,
  overall: ApiOverall,
): readonly { readonly title: string; readonly downtime: Measured }[] {
  const watched = new Set(probes.map(({ probe }) => probe));
  return probeTypes.flatMap(({ name, label }) => {
    const downtime = overall.probes[name]?.downtimeSeconds;
    return downtime === undefined || !watched.has(name) ? [] : [{ title: capitalised(label), downtime }];
  });
}

/** Returns a report extended to `now` (milliseconds since 1970), or the same object if nothing is down. */
export function reportAt(report: ApiReport, now: number): ApiReport {
  const { run, overall, windows, probes, phases } = report;
  const open = windows.filter(isDown);
  const seconds = Math.max(0, now - Date.parse(run.endedAt)) / 1000;
  const isOpen = open.length > 0 || report.incidents.some(({ end }) => end === null);
  if (!run.running || !isOpen || seconds === 0) return report;
  const extension = { at: run.endedAt, seconds };
  return {
    ...report,
    run: { ...run, durationSeconds: run.durationSeconds + seconds },
    overall: extendOverall(overall, { open, ...extension }),
    incidents: report.incidents.map((incident) => {
      const { min, estimate, max } = incident.durationSeconds;
      return incident.end === null
        ? { ...incident, durationSeconds: { min, estimate: estimate + seconds, max: max + seconds } }
        : incident;
    }),
    windows: windows.map((window) =>
      isDown(window) ? { ...window, durationSeconds: grown(window.durationSeconds, [window], extension) } : window,
    ),
    probes: probes.map((series) => {
      const ofSeries = open.filter(
        ({ cloud, vantage, probe, connection, target }) =>
          cloud === series.cloud &&
          vantage === series.vantage &&
          probe === series.probe &&
          connection === series.connection &&
          target === series.target,
      );
      return { ...series, downtimeSeconds: grown(series.downtimeSeconds, ofSeries, extension) };
    }),
    phases: phases.map((phase) => (phase.running ? extendPhase(phase, { open, ...extension }) : phase)),
  };
}

function extendPhase(phase: ApiPhase, { open, ...extension }: Extension): ApiPhase {
  const extendMeasure = (name: BudgetName, bar: Measured | null): Measured | null => {
    if (bar === null) return null;
    const openOf = (downtime: DowntimeBudget) => open.filter(({ countsFor }) => countsFor === BUDGETS[downtime].probe);
    // It is not known here whether the open window becomes the longest one, but it may.
    if (name === 'longest_window')
      return { ...bar, max: bar.max + (openOf('api_downtime').length > 0 ? extension.seconds : 0) };
    return isDowntimeBudget(name) ? grown(bar, openOf(name), extension) : bar;
  };
  const { measured } = phase;
  return {
    ...phase,
    elapsedSeconds: phase.elapsedSeconds === null ? null : phase.elapsedSeconds + extension.seconds,
    measured: measured && forEachBudget((name) => extendMeasure(name, measured[name])),
    budgets: phase.budgets.map((budget) => {
      const now = extendMeasure(budget.name, budget.measured);
      return {
        ...budget,
        measured: now,
        result: now === budget.measured ? budget.result : compareWithLimit(now, budget.limit, budget.unobservedSeconds),
      };
    }),
  };
}
