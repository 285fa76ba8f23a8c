import type { ApiReport } from '../api/report.ts';
import type { ApiBracket } from '../api/shared.ts';
import type { ApiWindow } from '../api/window.ts';
import type { VerdictResult } from '../domain/upgrade/verdict.ts';
import { idOf, type SampleColumns, type SeriesName } from './samples.ts';
import type { PageState } from './state.ts';
import { pack, type TaskBar } from './tasks.ts';

/** All that the timeline draws, in milliseconds since 1970, ready to be drawn sixty times a second. */
export type Scene = {
  readonly from: number;
  /** The last moment that was watched: now, while it runs. */
  readonly until: number;
  readonly running: boolean;
  readonly lanes: readonly SeriesLane[];
  readonly phases: readonly PhaseBand[];
  readonly tasks: readonly TaskBar[];
  /** The row of each task, -1 if there is no room; and the number of rows. */
  readonly rows: TaskRows;
  /** Tasks in which downtime began: each start, in milliseconds. */
  readonly attributed: ReadonlySet<number>;
};

export type Stretch = { readonly from: number; readonly until: number };

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
  /** Later than this no sample says anything yet. */
  readonly knownUntil: number;
  readonly windows: readonly WindowBand[];
  readonly gaps: readonly Stretch[];
};

export type PhaseBand = {
  readonly name: string;
  readonly promise: string;
  readonly result: VerdictResult | null;
  /** Its last stretch goes on. */
  readonly running: boolean;
  readonly stretches: readonly Stretch[];
};

export type TaskRows = { readonly of: Int8Array; readonly count: number };

const TASK_ROWS = 3;

/** What the report says, read once for each report. */
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
      gaps: one.gaps.map(stretchOf),
    })),
    phases: report.phases
      .filter(({ stretches }) => stretches.length > 0)
      .map(({ name, promise, result, running, stretches }) => ({
        name,
        promise,
        result,
        running,
        stretches: stretches.map(stretchOf),
      })),
    attributed: new Set(report.tasks.filter((one) => one.windows > 0).map(({ start }) => Date.parse(start))),
  };
}

/** `lastedUntil` is now, for a run that goes on. */
export const sceneOf = (
  read: ReportScene,
  { samples, tasks }: Pick<PageState, 'samples' | 'tasks'>,
  { rows, lastedUntil }: { readonly rows: TaskRows; readonly lastedUntil: number },
): Scene => {
  const until = read.running ? Math.max(read.until, lastedUntil) : read.until;
  return {
    ...read,
    until,
    phases: read.phases.map((phase) => (phase.running ? goingOn(phase, until) : phase)),
    lanes: read.lanes.map((lane) => {
      const own = samples.series.get(lane.id) ?? null;
      return { ...lane, samples: own, knownUntil: read.running ? Math.min(lastAnswer(own, read.from), until) : until };
    }),
    tasks,
    rows,
  };
};

/** When the sample that was sent last had ended. What a run that has ended lacks is in its gaps. */
function lastAnswer(own: SampleColumns | null, otherwise: number): number {
  if (own === null || own.count === 0) return otherwise;
  return (own.at[own.count - 1] ?? otherwise) + (own.took[own.count - 1] ?? 0) * 1000;
}

function goingOn(phase: PhaseBand, until: number): PhaseBand {
  const stretches = phase.stretches.map((one, index) =>
    index === phase.stretches.length - 1 ? { ...one, until } : one,
  );
  return { ...phase, stretches };
}

export function packed(tasks: readonly TaskBar[]): TaskRows {
  const of = pack(tasks, TASK_ROWS);
  return { of, count: of.reduce((most, row) => Math.max(most, row + 1), 0) };
}

const stretchOf = ({ startedAt, endedAt }: { readonly startedAt: string; readonly endedAt: string }): Stretch => ({
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

/** What a series is called: cloud and vantage only where there are several. */
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
