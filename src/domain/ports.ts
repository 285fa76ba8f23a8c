import type { VoidKind } from './cause.ts';
import type { CheckRun } from './check.ts';
import type { Finding, Sample, Series, SeriesKey, Stages } from './sample.ts';
import type { Interval, Millis } from './time.ts';
import type { Annotation } from './upgrade/annotation.ts';
import type { Task } from './upgrade/task.ts';
import type { TaskLoad } from './upgrade/task-registry.ts';

/** Most detailed first; a log prints its own level and every later one. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFields = Readonly<Record<string, string | number>>;
/** Logs a message; `fields` appear in JSON lines only. */
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

/** The clock of the session; see time.ts. */
export type Clock = { now(): Millis };

/** An operation that is sampled repeatedly. Failures of the cloud are results; an exception is a bug. */
export type Probe = {
  readonly series: Series;
  /** 'open': samples start at their slots. 'closed': a sample starts only after the previous one has ended. */
  readonly loop: 'open' | 'closed';
  /** The interval of extra samples after a failure, and for how long they are sent, in milliseconds. */
  readonly afterFailure: { readonly interval: number; readonly limit: number };
  /** The maximum number of samples in flight; an open loop misses slots beyond it. */
  readonly inFlight: number;
  /** Sends one sample and returns its result. `signal` aborts at shutdown or pause. */
  run(context: ProbeContext): Promise<ProbeResult>;
  /** Cleans up before the next sample of a closed loop, such as the server of a failed boot; never throws. */
  readonly settle?: (context: ProbeContext) => Promise<void>;
  /** Whether the sample in flight of a closed loop makes no progress, so that another one may be sent. */
  readonly isStuck?: () => boolean;
  /** Returns why the probe is suspended ('5 servers cannot be deleted'), or null. */
  readonly suspendedReason?: () => string | null;
  close(): void;
};

export type ProbeContext = {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Reports the progress of a sample: 'BUILD/scheduling'. */
  readonly progress: (note: string) => void;
};

export type ProbeResult = Finding & {
  readonly stages: Stages;
  readonly requestId: string | null;
  readonly serverId: string | null;
};

/** A period that explains unobserved time. */
export type ObservationGap = Interval & { readonly kind: VoidKind; readonly message: string };

/** A change of a test server. */
export type ServerEvent = {
  readonly cloud: string;
  readonly vantage: string;
  /** `leaked`: not deleted within the limit; deletion is still being retried. */
  readonly kind: 'created' | 'gone' | 'leaked';
  readonly name: string;
  readonly id: string | null;
  readonly at: Millis;
  readonly message: string;
};

/** The health of the sampler over the last second or so. */
export type Health = {
  readonly at: Millis;
  /** The maximum delay of the event loop, in milliseconds. */
  readonly lag: number;
  readonly inFlight: number;
  /** Why probes are suspended, by series id: 'paused', '5 servers cannot be deleted'. */
  readonly suspended: { readonly [seriesId: string]: string };
  /** The difference between the wall clock and the clock of the session, in milliseconds. */
  readonly clockOffset: number;
};

/** Whether a cloud can be probed as configured. */
export type PreflightReport = {
  readonly cloud: string;
  /** Why not, or null; `exitCode` as in `UserError`. */
  readonly refused: { readonly message: string; readonly exitCode: 2 | 3 } | null;
};

/** A message from the sampler thread to the main thread, in order of the events. */
export type SamplerEvent =
  | { readonly type: 'sent'; readonly key: SeriesKey; readonly seq: number; readonly at: Millis }
  | {
      readonly type: 'progress';
      readonly key: SeriesKey;
      readonly seq: number;
      readonly at: Millis;
      readonly note: string;
    }
  | { readonly type: 'sample'; readonly sample: Sample }
  | { readonly type: 'gap'; readonly gap: ObservationGap }
  | { readonly type: 'server'; readonly event: ServerEvent }
  | { readonly type: 'facts'; readonly facts: Facts }
  | { readonly type: 'health'; readonly health: Health }
  | { readonly type: 'preflight'; readonly preflight: PreflightReport }
  | { readonly type: 'log'; readonly level: LogLevel; readonly message: string }
  | { readonly type: 'stopped' };

/** An uninterrupted run of the sampler within a journal. */
export type Session = {
  readonly id: number;
  readonly startedAt: Millis;
  /** The latest time at which it is known to have been running; its end if it was stopped cleanly. */
  readonly aliveAt: Millis;
  /** False while it runs and if it was killed. */
  readonly ended: boolean;
  readonly version: string;
  readonly vantage: string;
  /** Facts about the measurement, for reports: microversion, flavor, image, ... */
  readonly facts: Facts;
};

/**
 * Rows of a table of the journal that could not be read: their number (0: unknown) and what is wrong with the first.
 */
export type JournalDamage = { readonly table: string; readonly rows: number; readonly reason: string };

/** Reads a journal. */
export type JournalReader = {
  /** The id of the journal, which is in the metadata of every server that its sessions create. */
  readonly run: string;
  sessions(): Promise<readonly Session[]>;
  /** The series of a session; by default all series, with their latest settings. */
  series(session?: number): Promise<readonly Series[]>;
  observationGaps(range?: Partial<Interval>): Promise<readonly ObservationGap[]>;
  serverEvents(): Promise<readonly ServerEvent[]>;
  /** The latest report of each task, by start time. */
  tasks(): Promise<readonly Task[]>;
  phases(): Promise<readonly PhaseMark[]>;
  /** The latest version of each annotation, deleted ones included, by id. */
  annotations(): Promise<readonly Annotation[]>;
  /** In the order in which they were run. */
  checkRuns(): Promise<readonly CheckRun[]>;
  /** Samples sent in [from, until), by session and time sent. Streamed, so that they are never all in memory. */
  samples(filter?: SampleFilter): AsyncIterable<Sample>;
  /** The rows that were skipped in everything read so far. */
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

/** Facts discovered while the sampler runs; added to those of the open session. */
export type Facts = { readonly [name: string]: string };

/** The start of a phase, marked by hand. */
export type PhaseMark = { readonly name: string; readonly at: Millis };

export type JournalEntry =
  | { readonly type: 'facts'; readonly facts: Facts }
  | { readonly type: 'sample'; readonly sample: Sample }
  | { readonly type: 'gap'; readonly gap: ObservationGap }
  | { readonly type: 'server'; readonly event: ServerEvent }
  | { readonly type: 'task'; readonly task: Task }
  | { readonly type: 'phase'; readonly phase: PhaseMark }
  | { readonly type: 'annotation'; readonly annotation: Annotation }
  | { readonly type: 'check'; readonly run: CheckRun };

/** Writes a journal. Entries are written within a second after `append`. */
export type JournalWriter = JournalReader & {
  openSession(session: Omit<Session, 'id' | 'aliveAt' | 'ended'>, series: readonly Series[]): Promise<Session>;
  /** Queues an entry; never blocks, never throws. */
  append(entry: JournalEntry): void;
  /**
   * Writes queued entries, and that the session is alive at `aliveAt`. Resolves even if the disk is full: see `state`.
   */
  flush(aliveAt: Millis): Promise<void>;
  closeSession(aliveAt: Millis): Promise<void>;
  state(): JournalState;
};

export type JournalState =
  | { readonly kind: 'recording' }
  /** Not recording: `waiting` entries are queued in memory; `dropped` entries exceeded its limit. */
  | {
      readonly kind: 'stopped';
      readonly since: Millis;
      readonly reason: string;
      readonly waiting: number;
      readonly dropped: number;
    };

/** Accepts reports about the upgrade while it runs. */
export type UpgradeRecorder = {
  /** `heartbeat`: the source repeats its report of a running task at least this often, in milliseconds. */
  task(task: Task, heartbeat?: Millis): void;
  /** Returns what the load would be after these reports. */
  taskLoadWith(tasks: readonly Task[]): TaskLoad;
  phase(phase: PhaseMark): void;
  /** Adds, changes or deletes an annotation. */
  annotate(annotation: Annotation): void;
  /** By id, deleted ones included. */
  annotations(): readonly Annotation[];
  /** Adds the results of a check run. */
  check(run: CheckRun): void;
  /** In the order in which they were run. */
  checkRuns(): readonly CheckRun[];
};
