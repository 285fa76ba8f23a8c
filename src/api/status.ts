import type { JournalState } from '../domain/ports.ts';
import type { Live, LiveSeries, SeriesState } from '../domain/run/live.ts';
import type { ServerCounts } from '../domain/run/report.ts';
import type { Outcome } from '../domain/sample.ts';
import { iso } from '../domain/time.ts';
import { type OverallFace, overallFace } from './report.ts';
import { rounded } from './rounded.ts';
import { type CauseFace, causeFace } from './sample.ts';
import { type TaskFace, taskFace } from './task.ts';
import { type WindowFace, windowFace } from './window.ts';

export type SeriesStatusFace = {
  readonly cloud: string;
  readonly vantage: string;
  readonly probe: string;
  readonly connection: string;
  /** Which of several that are probed alike; empty where the probe has one alone. */
  readonly target: string;
  readonly state: SeriesState;
  readonly lastSample: {
    readonly startedAt: string;
    readonly outcome: Outcome;
    readonly durationSeconds: number;
    readonly cause: CauseFace | null;
  } | null;
  /** The sample that has waited longest for its answer. */
  readonly waiting: { readonly since: string; readonly seconds: number; readonly note: string } | null;
  readonly held: string | null;
  readonly open: WindowFace | null;
};

export type JournalFace =
  | { readonly state: 'recording' }
  | {
      readonly state: 'stopped';
      readonly since: string;
      readonly reason: string;
      readonly waitingEntries: number;
      readonly droppedEntries: number;
    };

/** That the daemon lives, and when its sampler told of itself last. */
export type AliveFace = { readonly at: string; readonly samplerAt: string | null };

export const aliveFace = ({ at, health }: Live): AliveFace => ({
  at: iso(at),
  samplerAt: health && iso(health.at),
});

/** What is known at this moment, as JSON shows it. */
export type StatusFace = {
  readonly at: string;
  readonly version: string;
  readonly run: string;
  readonly startedAt: string;
  readonly paused: boolean;
  readonly overall: OverallFace;
  readonly series: readonly SeriesStatusFace[];
  /** Upgrade tasks under way, the one that began last first. */
  readonly tasks: readonly TaskFace[];
  /** The phase of the upgrade that is under way. */
  readonly phase: string | null;
  readonly journal: JournalFace;
  readonly sampler: {
    readonly at: string;
    readonly lagSeconds: number;
    readonly inFlight: number;
    readonly clockOffsetSeconds: number;
  } | null;
  readonly servers: ServerCounts;
};

export const journalFace = (journal: JournalState): JournalFace =>
  journal.kind === 'recording'
    ? { state: 'recording' }
    : {
        state: 'stopped',
        since: iso(journal.since),
        reason: journal.reason,
        waitingEntries: journal.waiting,
        droppedEntries: journal.dropped,
      };

const seriesStatusFace = (one: LiveSeries, at: number): SeriesStatusFace => ({
  cloud: one.series.cloud,
  vantage: one.series.vantage,
  probe: one.series.probe,
  connection: one.series.connection,
  target: one.series.target,
  state: one.state,
  lastSample: one.last && {
    startedAt: iso(one.last.at),
    outcome: one.last.outcome,
    durationSeconds: rounded(one.last.seconds),
    cause: one.last.cause && causeFace(one.last.cause),
  },
  waiting: one.pending && {
    since: iso(one.pending.since),
    seconds: rounded(Math.max(0, at - one.pending.since) / 1000),
    note: one.pending.note,
  },
  held: one.held,
  open: one.open && windowFace(one.open),
});

export const statusFace = (live: Live): StatusFace => ({
  at: iso(live.at),
  version: live.report.run.version,
  run: live.report.run.id,
  startedAt: iso(live.report.run.startedAt),
  paused: live.paused,
  overall: overallFace(live.report.overall),
  series: live.series.map((one) => seriesStatusFace(one, live.at)),
  tasks: live.running.map(taskFace),
  phase: live.phase,
  journal: journalFace(live.journal),
  sampler: live.health && {
    at: iso(live.health.at),
    lagSeconds: rounded(live.health.lag / 1000),
    inFlight: live.health.inFlight,
    clockOffsetSeconds: rounded(live.health.clockOffset / 1000),
  },
  servers: live.report.servers,
});
