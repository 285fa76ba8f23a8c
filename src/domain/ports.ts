import type { VoidKind } from './cause.ts';
import type { CheckRun } from './check.ts';
import type { Finding, Sample, Series, SeriesKey, Stages } from './sample.ts';
import type { Interval, Millis } from './time.ts';
import type { Annotation } from './upgrade/annotation.ts';
import type { Task } from './upgrade/task.ts';
import type { TaskLoad } from './upgrade/task-registry.ts';

/** Reads the session's timeline. */
export type Clock = { now(): Millis };

/** One operation that is checked again and again. A fault of the cloud is a finding; what it throws is a bug. */
export type Probe = {
  readonly series: Series;
  /** 'open': a slot waits for nobody. 'closed': the next one starts when the one before has ended. */
  readonly loop: 'open' | 'closed';
  /** Between samples after a failure, in milliseconds, and for how long at most. */
  readonly fast: { readonly interval: number; readonly limit: number };
  /** How many samples may be under way at once; in an open loop slots beyond it are missed. */
  readonly inFlight: number;
  /** Sends one sample and waits for its finding. `signal` aborts at our shutdown or pause. */
  run(context: ProbeContext): Promise<ProbeResult>;
  /** What must be done before the next sample of a closed loop (a failed boot's server is deleted); never throws. */
  readonly settle?: (context: ProbeContext) => Promise<void>;
  /** Of a closed loop: the sample that is under way learns nothing now, so another may be sent beside it. */
  readonly waitsInVain?: () => boolean;
  /** A reason not to sample now ('5 servers cannot be deleted'), or null. */
  readonly held?: () => string | null;
  close(): void;
};

export type ProbeContext = {
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Tells what is known before the end: 'BUILD/scheduling'. */
  readonly progress: (note: string) => void;
};

export type ProbeResult = Finding & {
  readonly stages: Stages;
  readonly requestId: string | null;
  readonly serverId: string | null;
};

/** A stretch that explains unobserved time. */
export type Mark = Interval & { readonly kind: VoidKind; readonly message: string };

/** What became of a server of ours. */
export type ServerEvent = {
  readonly cloud: string;
  readonly vantage: string;
  /** `leaked`: given up for now, it is tried again. */
  readonly kind: 'created' | 'gone' | 'leaked';
  readonly name: string;
  readonly id: string | null;
  readonly at: Millis;
  readonly message: string;
};

/** The sampler's own health over the last second or so. */
export type Health = {
  readonly at: Millis;
  /** The longest that the sampler's event loop was late, in milliseconds. */
  readonly lag: number;
  readonly inFlight: number;
  /** Reasons why a probe does not sample now, by series id: 'paused', '5 servers cannot be deleted'. */
  readonly held: { readonly [seriesId: string]: string };
  /** How far the wall clock has stepped away from the timeline, in milliseconds. */
  readonly clockOffset: number;
};

/** Whether a cloud can be watched as it is configured. */
export type PreflightReport = {
  readonly cloud: string;
  /** Why not; `exitCode` as of a `Refusal`. */
  readonly refused: { readonly message: string; readonly exitCode: 2 | 3 } | null;
};

/** What the sampler's thread tells the main thread, in the order in which it happened. */
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
  | { readonly type: 'mark'; readonly mark: Mark }
  | { readonly type: 'server'; readonly event: ServerEvent }
  | { readonly type: 'facts'; readonly facts: Facts }
  | { readonly type: 'health'; readonly health: Health }
  | { readonly type: 'preflight'; readonly preflight: PreflightReport }
  | { readonly type: 'log'; readonly level: 'info' | 'warn' | 'error'; readonly message: string }
  | { readonly type: 'stopped' };

/** A run of the sampler within a journal. */
export type Session = {
  readonly id: number;
  readonly startedAt: Millis;
  /** The last moment at which it is known to have lived; its end when it was stopped in order. */
  readonly aliveAt: Millis;
  /** False while it runs and after it was killed. */
  readonly ended: boolean;
  readonly version: string;
  readonly vantage: string;
  /** What the report tells of how was measured: microversion, flavor, image, ... */
  readonly facts: Facts;
};

/** Rows of a journal that could not be read: how many of which table (0: not known), and what is wrong with the first. */
export type Damage = { readonly table: string; readonly rows: number; readonly reason: string };

/** The journal, as everything but its own adapter sees it. What `append` has been given is written within a second. */
export type JournalReader = {
  /** A name for the whole journal, in the metadata of every server that is booted. */
  readonly run: string;
  sessions(): Promise<readonly Session[]>;
  /** As one session measured them; without one, every series there ever was, as it was measured last. */
  series(session?: number): Promise<readonly Series[]>;
  marks(range?: Partial<Interval>): Promise<readonly Mark[]>;
  serverEvents(): Promise<readonly ServerEvent[]>;
  /** Each as it was told last, by their start. */
  tasks(): Promise<readonly Task[]>;
  phases(): Promise<readonly PhaseMark[]>;
  /** Each as it was told last, deleted ones too, by their number. */
  annotations(): Promise<readonly Annotation[]>;
  /** In the order in which they were made. */
  checkRuns(): Promise<readonly CheckRun[]>;
  /** Sent at `from` or later and before `until`. By session, then by the moment sent; streamed, never all in memory. */
  samples(filter?: SampleFilter): AsyncIterable<Sample>;
  /** What was left out of everything that has been read so far. */
  damage(): readonly Damage[];
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

/** What is found out about how it is measured while it runs; added to the facts of the session that is open. */
export type Facts = { readonly [name: string]: string };

/** Somebody said that a phase of the upgrade begins. */
export type PhaseMark = { readonly name: string; readonly at: Millis };

export type JournalEntry =
  | { readonly type: 'facts'; readonly facts: Facts }
  | { readonly type: 'sample'; readonly sample: Sample }
  | { readonly type: 'mark'; readonly mark: Mark }
  | { readonly type: 'server'; readonly event: ServerEvent }
  | { readonly type: 'task'; readonly task: Task }
  | { readonly type: 'phase'; readonly phase: PhaseMark }
  | { readonly type: 'annotation'; readonly annotation: Annotation }
  | { readonly type: 'check'; readonly run: CheckRun };

export type JournalWriter = JournalReader & {
  openSession(session: Omit<Session, 'id' | 'aliveAt' | 'ended'>, series: readonly Series[]): Promise<Session>;
  /** Adds to what will be written; never blocks, never throws. */
  append(entry: JournalEntry): void;
  /** Writes what was appended, and that the session lives at this moment. Resolves also when there was no room: see `state`. */
  flush(aliveAt: Millis): Promise<void>;
  closeSession(aliveAt: Millis): Promise<void>;
  state(): JournalState;
};

export type JournalState =
  | { readonly kind: 'recording' }
  /** Not recording: what came since is kept in memory up to a limit, `dropped` is what went beyond it. */
  | {
      readonly kind: 'stopped';
      readonly since: Millis;
      readonly reason: string;
      readonly waiting: number;
      readonly dropped: number;
    };

/** Takes what is told of the upgrade, while it goes on. */
export type Upgrade = {
  /** `heartbeat`: its source reports a running task again at least so often, in milliseconds. */
  task(task: Task, heartbeat?: Millis): void;
  /** How many would be told, and run, if these were told too. */
  taskLoadWith(tasks: readonly Task[]): TaskLoad;
  phase(phase: PhaseMark): void;
  /** New, changed or deleted. */
  annotate(annotation: Annotation): void;
  /** By their number; deleted ones too. */
  annotations(): readonly Annotation[];
  /** Checks were made. */
  check(run: CheckRun): void;
  /** In the order in which they were made. */
  checkRuns(): readonly CheckRun[];
};
