import type { Cause, VoidCause } from '../cause.ts';
import type { Health, JournalState } from '../ports.ts';
import type { Outcome, Series } from '../sample.ts';
import type { Millis } from '../time.ts';
import type { BlamedWindow } from '../upgrade/attribution.ts';
import type { KnownTask } from '../upgrade/task-registry.ts';
import type { Report } from './report.ts';

export type SeriesState = 'up' | 'degraded' | 'down' | 'unknown';

/** What is known of one series at this moment, provisional or not. */
export type LiveSeries = {
  readonly series: Series;
  readonly state: SeriesState;
  /** The valid sample sent last. */
  readonly last: {
    readonly at: Millis;
    readonly outcome: Outcome;
    readonly cause: Cause | VoidCause | null;
    readonly seconds: number;
  } | null;
  /** The sample that has waited longest for its answer. */
  readonly pending: { readonly since: Millis; readonly note: string } | null;
  /** Why it does not sample now. */
  readonly held: string | null;
  readonly open: BlamedWindow | null;
};

/** Everything the live faces show. */
export type Live = {
  readonly at: Millis;
  readonly paused: boolean;
  readonly series: readonly LiveSeries[];
  /** Upgrade tasks under way, the one that began last first. */
  readonly running: readonly KnownTask[];
  /** The phase of the upgrade that is under way. */
  readonly phase: string | null;
  /** All that the plan has or that have begun. */
  readonly phases: readonly string[];
  readonly report: Report;
  readonly journal: JournalState;
  readonly health: Health | null;
};
