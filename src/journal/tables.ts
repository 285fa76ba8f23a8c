/**
 * What a journal holds, in every dialect. Moments are milliseconds in double precision, durations too; flags are 0 or 1;
 * `stages` and `facts` are JSON in text, because nobody ever asks for a row by what is in them.
 *
 * What is read goes through the schemas in rows.ts and sample-row.ts all the same: a file may be damaged.
 */
export type Tables = {
  meta: MetaRow;
  sessions: SessionRow;
  series: SeriesRow;
  session_series: SessionSeriesRow;
  samples: SampleRow;
  marks: MarkRow;
  server_events: ServerEventRow;
  tasks: TaskRow;
  phases: PhaseRow;
  annotations: AnnotationRow;
  check_runs: CheckRunRow;
};

/** One row. */
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

/** A series by its key; how it was measured is told for each session apart. */
export type SeriesRow = {
  readonly id: number;
  readonly cloud: string;
  readonly vantage: string;
  readonly probe: string;
  readonly connection: string;
  readonly target: string;
};

export type SessionSeriesRow = {
  readonly session: number;
  readonly series: number;
  /** As the session named them: the order of the faces. */
  readonly place: number;
  readonly interval: number;
  readonly cover: number;
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
  readonly up_until: number | null;
  readonly broke_at: number | null;
  readonly settled_at: number | null;
  readonly hung: number | null;
  readonly cause_kind: string | null;
  readonly cause_service: string | null;
  readonly cause_message: string | null;
  readonly cause_status: number | null;
  readonly cause_body: string | null;
  readonly stages: string;
  readonly request_id: string | null;
  readonly server_id: string | null;
};

/** `number` counts what was appended, over all sessions, so that writing a row again is harmless. */
export type MarkRow = {
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

/** `number` is that of the entry that told of the task last; `hosts` and `tags` are JSON. */
export type TaskRow = {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly role: string | null;
  readonly play: string | null;
  readonly playbook: string | null;
  readonly hosts: string;
  readonly tags: string;
  readonly kind: string;
  readonly status: string;
  readonly started_at: number;
  readonly ended_at: number | null;
  readonly source: string;
};

export type PhaseRow = { readonly number: number; readonly name: string; readonly at: number };

/** `tags` is JSON; `data` is JSON, too, but nobody but its sender reads it. */
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

/** `checks` and `stock` are JSON; nobody but who made the checks reads the latter. */
export type CheckRunRow = {
  readonly number: number;
  readonly stage: string;
  readonly cloud: string;
  readonly vantage: string;
  readonly at: number;
  readonly checks: string;
  readonly stock: string;
};
