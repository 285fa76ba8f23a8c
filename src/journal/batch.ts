import type { Kysely } from 'kysely';
import type { JournalEntry, Session } from '../domain/ports.ts';
import type { Series } from '../domain/sample.ts';
import { annotationRow } from './annotation-row.ts';
import { checkRunRow } from './check-row.ts';
import { markRow, serverEventRow, sessionRow } from './rows.ts';
import { sampleRow } from './sample-row.ts';
import type { SeriesBook } from './series-registry.ts';
import type {
  AnnotationRow,
  CheckRunRow,
  MarkRow,
  PhaseRow,
  SampleRow,
  SeriesRow,
  ServerEventRow,
  Tables,
  TaskRow,
} from './tables.ts';
import { taskRow } from './task-row.ts';

/** A session that is not yet in the journal as it is here, and the series it watches. */
export type OpenSession = { readonly session: Session; readonly series: readonly Series[] };

/** Facts are part of the session, and never wait for themselves. */
export type Waiting = Exclude<JournalEntry, { type: 'facts' }>;

/** What is written in one transaction. */
export type Batch = {
  readonly sessions: readonly OpenSession[];
  /** What else waits for its turn belongs to a later batch: up to then the sessions must not say that they have lived. */
  readonly last: boolean;
  readonly entries: readonly Waiting[];
  /** Of the first entry. */
  readonly from: number;
};

/** Keeps the parameters of a statement well below what any database takes (SQLite: 32,766). */
const ROWS = 100;

/** Writing a batch again is harmless: every row bears a key that was given before it was first written. */
export async function writeBatch(db: Kysely<Tables>, batch: Batch, book: SeriesBook): Promise<void> {
  const samples: SampleRow[] = [];
  const marks: MarkRow[] = [];
  const events: ServerEventRow[] = [];
  const tasks = new Map<string, TaskRow>();
  const phases: PhaseRow[] = [];
  const annotations = new Map<number, AnnotationRow>();
  const checkRuns: CheckRunRow[] = [];
  for (const [index, entry] of batch.entries.entries()) {
    if (entry.type === 'sample') samples.push(sampleRow(book.idOf(entry.sample), entry.sample));
    else if (entry.type === 'mark') marks.push(markRow(batch.from + index, entry.mark));
    else if (entry.type === 'server') events.push(serverEventRow(batch.from + index, entry.event));
    else if (entry.type === 'task') tasks.set(entry.task.id, taskRow(batch.from + index, entry.task));
    else if (entry.type === 'annotation') annotations.set(entry.annotation.id, annotationRow(entry.annotation));
    else if (entry.type === 'check') checkRuns.push(checkRunRow(batch.from + index, entry.run));
    else phases.push({ number: batch.from + index, ...entry.phase });
  }
  for (const one of batch.sessions) await writeSession(db, one, { book, last: batch.last });
  await writeSeries(db, book.unwritten());
  for (const rows of chunks(samples)) {
    await db
      .insertInto('samples')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  for (const rows of chunks(marks)) {
    await db
      .insertInto('marks')
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

/** What was told later replaces what was told before. */
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
  { session, series }: OpenSession,
  { book, last }: { book: SeriesBook; last: boolean },
): Promise<void> {
  const row = sessionRow(session);
  const { alive_at, ended, facts } = row;
  await db
    .insertInto('sessions')
    .values(last ? row : { ...row, alive_at: row.started_at, ended: 0 })
    .onConflict((conflict) => {
      const known = conflict.column('id');
      return last ? known.doUpdateSet({ alive_at, ended, facts }) : known.doNothing();
    })
    .execute();
  const rows = series.map(({ interval, cover, slow, ...key }, place) => ({
    session: session.id,
    series: book.idOf(key),
    place,
    interval,
    cover,
    slow,
  }));
  for (const some of chunks(rows)) {
    await db
      .insertInto('session_series')
      .values(some)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

async function writeSeries(db: Kysely<Tables>, rows: readonly SeriesRow[]): Promise<void> {
  for (const some of chunks(rows)) {
    await db
      .insertInto('series')
      .values(some)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

function* chunks<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < rows.length; from += ROWS) yield rows.slice(from, from + ROWS);
}
