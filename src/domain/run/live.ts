import type { Cause, VoidCause } from '../cause.ts';
import type { WindowKind } from '../downtime/window.ts';
import type { JournalState } from '../journal.ts';
import type { Outcome, Series } from '../sample.ts';
import type { Health } from '../sampler-event.ts';
import type { Millis } from '../time.ts';
import type { AttributedWindow } from '../upgrade/attribution.ts';
import type { TaskDowntime } from '../upgrade/task-downtime.ts';
import type { KnownTask } from '../upgrade/task-registry.ts';
import type { Verdict } from '../upgrade/verdict.ts';
import type { BriefReport, Report } from './report.ts';

export type SeriesStatus = 'up' | WindowKind | 'unknown';

/** The current state of one series, which may be provisional. */
export type LiveSeries = {
  readonly series: Series;
  readonly status: SeriesStatus;
  /** The latest valid sample, by the time it was sent. */
  readonly last: {
    readonly at: Millis;
    readonly outcome: Outcome;
    readonly cause: Cause | VoidCause | null;
    readonly seconds: number;
  } | null;
  /** The oldest sample in flight. */
  readonly pending: { readonly since: Millis; readonly note: string } | null;
  /** Why the probe is suspended; null if it is not. */
  readonly suspended: string | null;
  readonly open: AttributedWindow | null;
};

/** The current state of a run: status line, page, metrics and API show it. */
export type LiveStatus = {
  readonly at: Millis;
  readonly paused: boolean;
  readonly series: readonly LiveSeries[];
  /** Running tasks, latest start first. */
  readonly running: readonly KnownTask[];
  /** The current phase of the upgrade. */
  readonly phase: string | null;
  /** All phases of the plan, and all that have started. */
  readonly phases: readonly string[];
  readonly report: BriefReport;
  readonly journal: JournalState;
  readonly health: Health | null;
};

/** Whether sampler and journal work, without the windows that were found. */
export type SamplingStatus = Pick<LiveStatus, 'at' | 'paused' | 'journal' | 'health'> & {
  readonly series: readonly Omit<LiveSeries, 'open'>[];
};

/**
 * Reads the state of a run at a given time, now by default. Each function computes what it returns and no more; calls
 * for the same time share the work.
 */
export type RunReader = {
  now(): Millis;
  sampling(at?: Millis): SamplingStatus;
  live(at?: Millis): LiveStatus;
  /** Judges the phases by the plan. */
  verdict(at?: Millis): Verdict;
  /** Returns the tasks by start time. */
  tasks(at?: Millis): readonly TaskDowntime[];
  report(at?: Millis): Report;
};
