import type { Kysely } from 'kysely';
import type { JournalEntry, Session } from '../domain/journal.ts';
import { type Series, type SeriesKey, seriesId } from '../domain/sample.ts';
import { annotationRow, checkRunRow, observationGapRow, serverEventRow, sessionRow, taskRow } from './rows.ts';
import { sampleRow } from './sample-row.ts';
import type {
  AnnotationRow,
  CheckRunRow,
  ObservationGapRow,
  PhaseRow,
  SampleRow,
  SeriesRow,
  ServerEventRow,
  Tables,
  TaskRow,
} from './tables.ts';

/** A session whose row must be written, and those of its series that are not written yet. */
export type PendingSession = { readonly session: Session; readonly series: readonly Series[] };

/** An entry with a row of its own. Facts are a column of the session instead. */
export type RowEntry = Exclude<JournalEntry, { type: 'facts' }>;

/** What one transaction writes. */
export type Batch = {
  readonly sessions: readonly PendingSession[];
  /** False if entries remain for later batches: until they are written, `alive_at` must not move past them. */
  readonly isLast: boolean;
  readonly entries: readonly RowEntry[];
  /** The number of the first entry. */
  readonly firstNumber: number;
};

/** Keeps the parameters of a statement below the limit of any database (SQLite: 32,766). */
const ROWS_PER_INSERT = 100;

/** Writes a batch. Writing it again is harmless: every row has a key that was assigned before the first attempt. */
export async function writeBatch(db: Kysely<Tables>, batch: Batch, registry: SeriesRegistry): Promise<void> {
  const samples: SampleRow[] = [];
  const gaps: ObservationGapRow[] = [];
  const events: ServerEventRow[] = [];
  const tasks = new Map<string, TaskRow>();
  const phases: PhaseRow[] = [];
  const annotations = new Map<number, AnnotationRow>();
  const checkRuns: CheckRunRow[] = [];
  for (const [index, entry] of batch.entries.entries()) {
    const number = batch.firstNumber + index;
    if (entry.type === 'sample') samples.push(sampleRow(registry.idOf(entry.sample), entry.sample));
    else if (entry.type === 'gap') gaps.push(observationGapRow(number, entry.gap));
    else if (entry.type === 'server') events.push(serverEventRow(number, entry.event));
    else if (entry.type === 'task') tasks.set(entry.task.id, taskRow(number, entry.task));
    else if (entry.type === 'annotation') annotations.set(entry.annotation.id, annotationRow(entry.annotation));
    else if (entry.type === 'check') checkRuns.push(checkRunRow(number, entry.run));
    else phases.push({ number, ...entry.phase });
  }
  for (const pending of batch.sessions) await writeSession(db, pending, { registry, isLast: batch.isLast });
  await writeSeries(db, registry.unwritten());
  for (const rows of chunks(samples)) {
    await db
      .insertInto('samples')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  for (const rows of chunks(gaps)) {
    await db
      .insertInto('observation_gaps')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  for (const rows of chunks(events)) {
    await db
      .insertInto('server_events')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  await writeTasks(db, [...tasks.values()]);
  await writeAnnotations(db, [...annotations.values()]);
  for (const rows of chunks(checkRuns)) {
    await db
      .insertInto('check_runs')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  for (const rows of chunks(phases)) {
    await db
      .insertInto('phases')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

/** Inserts tasks, or replaces their earlier state. */
async function writeTasks(db: Kysely<Tables>, tasks: readonly TaskRow[]): Promise<void> {
  for (const rows of chunks(tasks)) {
    await db
      .insertInto('tasks')
      .values(rows)
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet(({ ref }) => ({
          number: ref('excluded.number'),
          name: ref('excluded.name'),
          role: ref('excluded.role'),
          play: ref('excluded.play'),
          playbook: ref('excluded.playbook'),
          hosts: ref('excluded.hosts'),
          groups: ref('excluded.groups'),
          tags: ref('excluded.tags'),
          kind: ref('excluded.kind'),
          status: ref('excluded.status'),
          started_at: ref('excluded.started_at'),
          ended_at: ref('excluded.ended_at'),
          source: ref('excluded.source'),
        })),
      )
      .execute();
  }
}

async function writeAnnotations(db: Kysely<Tables>, annotations: readonly AnnotationRow[]): Promise<void> {
  for (const rows of chunks(annotations)) {
    await db
      .insertInto('annotations')
      .values(rows)
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet(({ ref }) => ({
          time: ref('excluded.time'),
          time_end: ref('excluded.time_end'),
          text: ref('excluded.text'),
          tags: ref('excluded.tags'),
          data: ref('excluded.data'),
          updated: ref('excluded.updated'),
          deleted: ref('excluded.deleted'),
        })),
      )
      .execute();
  }
}

async function writeSession(
  db: Kysely<Tables>,
  { session, series }: PendingSession,
  { registry, isLast }: { registry: SeriesRegistry; isLast: boolean },
): Promise<void> {
  const row = sessionRow(session);
  const { alive_at, ended, facts } = row;
  await db
    .insertInto('sessions')
    .values(isLast ? row : { ...row, alive_at: row.started_at, ended: 0 })
    .onConflict((conflict) => {
      const sameId = conflict.column('id');
      return isLast ? sameId.doUpdateSet({ alive_at, ended, facts }) : sameId.doNothing();
    })
    .execute();
  const rows = series.map(({ interval, validFor, slow, ...key }, place) => ({
    session: session.id,
    series: registry.idOf(key),
    place,
    interval,
    valid_for: validFor,
    slow,
  }));
  for (const chunk of chunks(rows)) {
    await db
      .insertInto('session_series')
      .values(chunk)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

async function writeSeries(db: Kysely<Tables>, rows: readonly SeriesRow[]): Promise<void> {
  for (const chunk of chunks(rows)) {
    await db
      .insertInto('series')
      .values(chunk)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

function* chunks<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < rows.length; from += ROWS_PER_INSERT) yield rows.slice(from, from + ROWS_PER_INSERT);
}

/** Assigns series ids in memory, so that appending a sample never waits for the disk. */
export type SeriesRegistry = {
  /** Returns the id of a series; assigns a new one if it has none. */
  idOf(key: SeriesKey): number;
  /** Returns the rows of series that are not written yet. */
  unwritten(): readonly SeriesRow[];
  /** Marks the rows that `unwritten` returns as written. */
  markWritten(): void;
};

/** Creates a registry of the known series; `nextId` is the first free id. */
export function createSeriesRegistry(
  known: readonly (SeriesKey & { readonly id: number })[],
  nextId: number,
): SeriesRegistry {
  const ids = new Map(known.map((row) => [seriesId(row), row.id]));
  let next = nextId;
  let unwritten: readonly SeriesRow[] = [];
  return {
    idOf(key) {
      const name = seriesId(key);
      const id = ids.get(name);
      if (id !== undefined) return id;
      const { cloud, vantage, probe, connection, target } = key;
      unwritten = [...unwritten, { id: next, cloud, vantage, probe, connection, target }];
      ids.set(name, next);
      return next++;
    },
    unwritten: () => unwritten,
    markWritten() {
      unwritten = [];
    },
  };
}
