import type { ApiReport } from '../api/report.ts';
import type { ApiBracket } from '../api/shared.ts';
import type { ApiWindow } from '../api/window.ts';
import type { VerdictResult } from '../domain/upgrade/verdict.ts';
import { idOf, type SampleColumns, type SeriesName } from './samples.ts';
import type { PageState } from './state.ts';
import { pack, type TaskBar } from './tasks.ts';

/**
 * Everything that the timeline draws, prepared to be drawn sixty times a second. Times are in milliseconds since 1970.
 */
export type Scene = {
  readonly from: number;
  /** The end of the observed time: now, while the run is active. */
  readonly until: number;
  readonly running: boolean;
  readonly lanes: readonly SeriesLane[];
  readonly phases: readonly PhaseBand[];
  readonly tasks: readonly TaskBar[];
  /** The row of each task, -1 if there is no room; and the number of rows. */
  readonly rows: TaskRows;
  /** Start of each task that downtime is attributed to, in milliseconds. */
  readonly attributed: ReadonlySet<number>;
};

export type Span = { readonly from: number; readonly until: number };

type Edge = { readonly earliest: number; readonly estimate: number; readonly latest: number };

export type WindowBand = {
  readonly window: ApiWindow;
  readonly start: Edge;
  /** Null while it is open. */
  readonly end: Edge | null;
};

export type SeriesLane = {
  readonly id: string;
  readonly name: string;
  readonly probe: string;
  readonly connection: string;
  readonly slow: number;
  readonly samples: SampleColumns | null;
  /** The time up to which the state is known. */
  readonly knownUntil: number;
  readonly windows: readonly WindowBand[];
  readonly gaps: readonly Span[];
};

export type PhaseBand = {
  readonly name: string;
  readonly promise: string;
  readonly result: VerdictResult | null;
  /** Its last interval has not ended. */
  readonly running: boolean;
  readonly intervals: readonly Span[];
};

export type TaskRows = { readonly of: Int8Array; readonly count: number };

const TASK_ROWS = 3;

/** The part of the scene that comes from the report; computed once per report. */
export type ReportScene = Pick<Scene, 'from' | 'until' | 'running' | 'phases' | 'attributed'> & {
  readonly lanes: readonly Omit<SeriesLane, 'samples' | 'knownUntil'>[];
};

export function readReport(report: ApiReport): ReportScene {
  const nameOf = seriesNames(report);
  const windows = Map.groupBy(report.windows.map(bandOf), ({ window }) => idOf(window));
  return {
    from: Date.parse(report.run.startedAt),
    until: Date.parse(report.run.endedAt),
    running: report.run.running,
    lanes: report.probes.map((one) => ({
      id: idOf(one),
      name: nameOf(one),
      probe: one.probe,
      connection: one.connection,
      slow: one.slowSeconds,
      windows: windows.get(idOf(one)) ?? [],
      gaps: one.gaps.map(spanOf),
    })),
    phases: report.phases
      .filter(({ intervals }) => intervals.length > 0)
      .map(({ name, promise, result, running, intervals }) => ({
        name,
        promise,
        result,
        running,
        intervals: intervals.map(spanOf),
      })),
    attributed: new Set(report.tasks.filter((one) => one.windows > 0).map(({ start }) => Date.parse(start))),
  };
}

/** `lastedUntil` is now, for an active run. */
export const sceneOf = (
  read: ReportScene,
  { samples, tasks }: Pick<PageState, 'samples' | 'tasks'>,
  { rows, lastedUntil }: { readonly rows: TaskRows; readonly lastedUntil: number },
): Scene => {
  const until = read.running ? Math.max(read.until, lastedUntil) : read.until;
  return {
    ...read,
    until,
    phases: read.phases.map((phase) => (phase.running ? extended(phase, until) : phase)),
    lanes: read.lanes.map((lane) => {
      const own = samples.series.get(lane.id) ?? null;
      return { ...lane, samples: own, knownUntil: read.running ? Math.min(lastAnswer(own, read.from), until) : until };
    }),
    tasks,
    rows,
  };
};

/** Returns the end of the last sample. Unobserved time of a run that has ended is in its gaps. */
function lastAnswer(own: SampleColumns | null, otherwise: number): number {
  if (own === null || own.count === 0) return otherwise;
  return (own.at[own.count - 1] ?? otherwise) + (own.took[own.count - 1] ?? 0) * 1000;
}

function extended(phase: PhaseBand, until: number): PhaseBand {
  const intervals = phase.intervals.map((one, index) =>
    index === phase.intervals.length - 1 ? { ...one, until } : one,
  );
  return { ...phase, intervals };
}

export function packed(tasks: readonly TaskBar[]): TaskRows {
  const of = pack(tasks, TASK_ROWS);
  return { of, count: of.reduce((most, row) => Math.max(most, row + 1), 0) };
}

const spanOf = ({ startedAt, endedAt }: { readonly startedAt: string; readonly endedAt: string }): Span => ({
  from: Date.parse(startedAt),
  until: Date.parse(endedAt),
});

const edgeOf = ({ earliest, estimate, latest }: ApiBracket): Edge => ({
  earliest: Date.parse(earliest),
  estimate: Date.parse(estimate),
  latest: Date.parse(latest),
});

const bandOf = (window: ApiWindow): WindowBand => ({
  window,
  start: edgeOf(window.start),
  end: window.end === null ? null : edgeOf(window.end),
});

/** Returns a function that names a series: with cloud and vantage only if there are several. */
export function seriesNames({ run }: Pick<ApiReport, 'run'>) {
  return ({ cloud, vantage, probe, connection, target }: SeriesName): string =>
    [
      ...(run.clouds.length > 1 ? [cloud] : []),
      ...(run.vantages.length > 1 ? [vantage] : []),
      probe,
      connection,
      target,
    ]
      .filter((part) => part !== '')
      .join(' ');
}
