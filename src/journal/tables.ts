import type { Generated } from 'kysely';

/**
 * The tables of a journal, in every dialect. Timestamps and durations are milliseconds in double precision; flags are 0
 * or 1; `stages`, `facts`, `hosts`, `groups`, `tags` and `checks` are JSON, because no query filters by their content.
 *
 * Files may be damaged: rows are validated by the schemas in rows.ts and sample-row.ts when they are read.
 */
export type Tables = {
  meta: MetaRow;
  sessions: SessionRow;
  series: SeriesRow;
  session_series: SessionSeriesRow;
  samples: SampleRow;
  sample_blocks: Omit<SampleBlockRow, 'id'> & { readonly id: Generated<number> };
  observation_gaps: ObservationGapRow;
  server_events: ServerEventRow;
  tasks: TaskRow;
  phases: PhaseRow;
  annotations: AnnotationRow;
  check_runs: CheckRunRow;
};

/** A table of exactly one row. */
export type MetaRow = {
  readonly id: number;
  readonly run: string;
  readonly writer_pid: number | null;
  readonly writer_vantage: string | null;
};

export type SessionRow = {
  readonly id: number;
  readonly started_at: number;
  readonly alive_at: number;
  readonly ended: number;
  readonly version: string;
  readonly vantage: string;
  readonly facts: string;
};

/** The key of a series; its settings are in `session_series`. */
export type SeriesRow = {
  readonly id: number;
  readonly cloud: string;
  readonly vantage: string;
  readonly probe: string;
  readonly connection: string;
  readonly target: string;
};

/** The settings with which a session measured a series. */
export type SessionSeriesRow = {
  readonly session: number;
  readonly series: number;
  /** The position among the session's series, which is the order of display. */
  readonly place: number;
  readonly interval: number;
  readonly valid_for: number;
  readonly slow: number;
};

export type SampleRow = {
  readonly session: number;
  readonly series: number;
  readonly seq: number;
  readonly due_at: number;
  readonly started_at: number;
  readonly ended_at: number;
  readonly outcome: string;
  readonly extra: number;
  readonly slots: number | null;
  readonly last_known_up_at: number | null;
  readonly failure_started_at: number | null;
  readonly settled_at: number | null;
  readonly timed_out: number | null;
  readonly cause_kind: string | null;
  readonly cause_service: string | null;
  readonly cause_message: string | null;
  readonly cause_status: number | null;
  readonly cause_body: string | null;
  readonly stages: string;
  readonly request_id: string | null;
  readonly server_id: string | null;
};

/**
 * Samples of one series and session that are no longer rows: `from_at` is the start of the first, `until_at` that of
 * the last, `failed` and `void` count those outcomes, `data` has all columns of `SampleRow`, packed by packBlock in
 * sample-block.ts, and `checksum` is a CRC-32 of everything else.
 */
export type SampleBlockRow = {
  readonly id: number;
  readonly session: number;
  readonly series: number;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly from_at: number;
  readonly until_at: number;
  readonly samples: number;
  readonly failed: number;
  readonly void: number;
  readonly checksum: number;
  readonly data: Uint8Array;
};

/** `number` counts appended entries over all sessions, so that writing a row again is harmless. */
export type ObservationGapRow = {
  readonly number: number;
  readonly from_at: number;
  readonly until_at: number;
  readonly kind: string;
  readonly message: string;
};

export type ServerEventRow = {
  readonly number: number;
  readonly cloud: string;
  readonly vantage: string;
  readonly kind: string;
  readonly name: string;
  readonly server_id: string | null;
  readonly at: number;
  readonly message: string;
};

/** `number` is that of the task's latest entry. */
export type TaskRow = {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly role: string | null;
  readonly play: string | null;
  readonly playbook: string | null;
  readonly hosts: string;
  readonly groups: string;
  readonly tags: string;
  readonly kind: string;
  readonly status: string;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly source: string;
};

export type PhaseRow = { readonly number: number; readonly name: string; readonly at: number };

/** `data` is opaque to Rollwatch: clients store JSON in it. */
export type AnnotationRow = {
  readonly id: number;
  readonly time: number;
  readonly time_end: number;
  readonly text: string;
  readonly tags: string;
  readonly data: string | null;
  readonly dashboard_uid: string;
  readonly panel_id: number;
  readonly created: number;
  readonly updated: number;
  readonly deleted: number;
};

/** `baseline` is JSON that only the checks read. */
export type CheckRunRow = {
  readonly number: number;
  readonly stage: string;
  readonly cloud: string;
  readonly vantage: string;
  readonly at: number;
  readonly checks: string;
  readonly baseline: string;
};
