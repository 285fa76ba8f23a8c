import type { ApiReport } from '../api/report.ts';
import type { ApiBracket } from '../api/shared.ts';
import type { ApiWindow } from '../api/window.ts';
import type { VerdictResult } from '../domain/upgrade/verdict.ts';
import { seriesNames } from '../format/run-labels.ts';
import { type Filter, matchesSeries, NO_FILTER, windowFilter } from './filter.ts';
import { idOf, type SampleColumns } from './samples.ts';
import type { PageState } from './state.ts';
import { pack, type TaskBar } from './tasks.ts';

/**
 * Everything that the timeline draws, prepared to be drawn sixty times a second. Times are in milliseconds since 1970.
 */
export type Scene = {
  readonly from: number;
  /** The end of the observed time; now if the run is active. */
  readonly until: number;
  /** Whether it grows; never in a file. */
  readonly running: boolean;
  readonly lanes: readonly SeriesLane[];
  /** Whether there is no room for names beside the plot, so that they are within it. */
  readonly narrow: boolean;
  readonly phases: readonly PhaseBand[];
  readonly tasks: readonly TaskBar[];
  /** The row of each task (-1 if there is no room) and the number of rows. */
  readonly rows: TaskRows;
  /** 1 for each task that the search found; null without a search. */
  readonly found: Uint8Array | null;
  /** The start of each task that downtime is attributed to. */
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
  /** The lanes of a group share a name; null if each lane has its own. */
  readonly group: string | null;
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
  /** Whether its last interval has not ended. */
  readonly running: boolean;
  readonly intervals: readonly Span[];
};

export type TaskRows = { readonly of: Int8Array; readonly count: number };

const TASK_ROWS = 3;
/** More lanes than this are grouped by cloud, if there are several. */
const MAX_SINGLE_LANES = 8;

/** The part of the scene that comes from the report; computed once per report and filter. */
export type ReportScene = Pick<Scene, 'from' | 'until' | 'running' | 'phases' | 'attributed'> & {
  readonly lanes: readonly Omit<SeriesLane, 'samples' | 'knownUntil'>[];
};

export function readReport(report: ApiReport, filter: Filter = NO_FILTER): ReportScene {
  const nameOf = seriesNames(report);
  const windows = Map.groupBy(report.windows.filter(windowFilter(filter)).map(bandOf), ({ window }) => idOf(window));
  const shown = report.probes.filter((series) => matchesSeries(filter, series));
  const placeOf = ({ cloud, vantage }: { readonly cloud: string; readonly vantage: string }) =>
    report.run.vantages.length > 1 ? `${cloud} ${vantage}` : cloud;
  const isGrouped = shown.length > MAX_SINGLE_LANES && new Set(shown.map(placeOf)).size > 1;
  return {
    from: Date.parse(report.run.startedAt),
    until: Date.parse(report.run.endedAt),
    running: report.run.running,
    lanes: shown.map((series) => ({
      id: idOf(series),
      name: nameOf(series),
      group: isGrouped ? placeOf(series) : null,
      probe: series.probe,
      connection: series.connection,
      slow: series.slowSeconds,
      windows: windows.get(idOf(series)) ?? [],
      gaps: series.gaps.map(spanOf),
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
    attributed: new Set(report.tasks.filter((task) => task.windows > 0).map(({ start }) => Date.parse(start))),
  };
}

/** Adds samples and tasks to what the report shows. While the run is active, the scene lasts until `now`. */
export const sceneOf = (
  reportScene: ReportScene,
  { samples, tasks, link }: Pick<PageState, 'samples' | 'tasks' | 'link'>,
  {
    rows,
    now,
    found = null,
    narrow = false,
  }: {
    readonly rows: TaskRows;
    readonly now: number;
    readonly found?: Uint8Array | null;
    readonly narrow?: boolean;
  },
): Scene => {
  const until = reportScene.running ? Math.max(reportScene.until, now) : reportScene.until;
  return {
    ...reportScene,
    until,
    running: reportScene.running && link.kind !== 'file',
    phases: reportScene.phases.map((phase) => (phase.running ? extended(phase, until) : phase)),
    lanes: reportScene.lanes.map((lane) => {
      const columns = samples.series.get(lane.id) ?? null;
      return {
        ...lane,
        samples: columns,
        knownUntil: reportScene.running ? Math.min(lastAnswer(columns, reportScene.from), until) : until,
      };
    }),
    tasks,
    rows,
    found,
    narrow,
  };
};

/** Returns the end of the sample that was sent last; `otherwise` if there is none. */
function lastAnswer(columns: SampleColumns | null, otherwise: number): number {
  if (columns === null || columns.count === 0) return otherwise;
  return (columns.at[columns.count - 1] ?? otherwise) + (columns.took[columns.count - 1] ?? 0) * 1000;
}

function extended(phase: PhaseBand, until: number): PhaseBand {
  const intervals = phase.intervals.map((interval, index) =>
    index === phase.intervals.length - 1 ? { ...interval, until } : interval,
  );
  return { ...phase, intervals };
}

export function packTasks(tasks: readonly TaskBar[]): TaskRows {
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
