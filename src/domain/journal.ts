import type { CheckRun } from './check.ts';
import type { Sample, Series } from './sample.ts';
import type { Facts, ObservationGap, ServerEvent } from './sampler-event.ts';
import type { Interval, Millis } from './time.ts';
import type { Annotation } from './upgrade/annotation.ts';
import type { PhaseMark } from './upgrade/phases.ts';
import type { Task } from './upgrade/task.ts';

/** An uninterrupted run of the sampler within a journal. */
export type Session = {
  readonly id: number;
  readonly startedAt: Millis;
  /** The latest time at which the session is known to have been running; its end if it was stopped cleanly. */
  readonly aliveAt: Millis;
  /** False while it runs and if it was killed. */
  readonly ended: boolean;
  readonly version: string;
  readonly vantage: string;
  /** Facts about the measurement, for reports: microversion, flavor, image, ... */
  readonly facts: Facts;
};

/** Reads a journal. */
export type JournalReader = {
  /** The id of the journal, which is in the metadata of every server that its sessions create. */
  readonly run: string;
  sessions(): Promise<readonly Session[]>;
  /** Returns the series of a session; by default all series, with their latest settings. */
  series(session?: number): Promise<readonly Series[]>;
  observationGaps(range?: Partial<Interval>): Promise<readonly ObservationGap[]>;
  serverEvents(): Promise<readonly ServerEvent[]>;
  /** Returns the latest report of each task, by start time. */
  tasks(): Promise<readonly Task[]>;
  phases(): Promise<readonly PhaseMark[]>;
  /** Returns the latest version of each annotation, deleted ones included, by id. */
  annotations(): Promise<readonly Annotation[]>;
  /** Returns the check runs in the order in which they were run. */
  checkRuns(): Promise<readonly CheckRun[]>;
  /** Yields samples sent in [from, until), by session and time sent. They are never all in memory. */
  samples(filter?: SampleFilter): AsyncIterable<Sample>;
  /** Returns the rows that were skipped in everything read so far. */
  damage(): readonly JournalDamage[];
  close(): Promise<void>;
};

export type SampleFilter = Partial<Interval> & {
  readonly cloud?: string;
  readonly probe?: string;
  readonly connection?: string;
  readonly target?: string;
  readonly outcome?: string;
  readonly session?: number;
  readonly limit?: number;
};

/**
 * Rows of a table of the journal that could not be read: their number (0: unknown) and what is wrong with the first.
 */
export type JournalDamage = { readonly table: string; readonly rows: number; readonly reason: string };

/** Writes a journal. Entries are written within a second after `append`. */
export type Journal = JournalReader & {
  openSession(session: Omit<Session, 'id' | 'aliveAt' | 'ended'>, series: readonly Series[]): Promise<Session>;
  /** Queues an entry; never blocks, never throws. */
  append(entry: JournalEntry): void;
  /**
   * Writes queued entries, and records that the session is alive at `aliveAt`. Resolves even if the disk is full: see
   * `state`.
   */
  flush(aliveAt: Millis): Promise<void>;
  closeSession(aliveAt: Millis): Promise<void>;
  state(): JournalState;
};

export type JournalEntry =
  | { readonly type: 'facts'; readonly facts: Facts }
  | { readonly type: 'sample'; readonly sample: Sample }
  | { readonly type: 'gap'; readonly gap: ObservationGap }
  | { readonly type: 'server'; readonly event: ServerEvent }
  | { readonly type: 'task'; readonly task: Task }
  | { readonly type: 'phase'; readonly phase: PhaseMark }
  | { readonly type: 'annotation'; readonly annotation: Annotation }
  | { readonly type: 'check'; readonly run: CheckRun };

export type JournalState =
  | { readonly kind: 'recording' }
  /** Not recording: `waiting` entries are queued in memory; `dropped` entries exceeded the limit of that queue. */
  | {
      readonly kind: 'stopped';
      readonly since: Millis;
      readonly reason: string;
      readonly waiting: number;
      readonly dropped: number;
    };
