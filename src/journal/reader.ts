import type { z } from 'zod';
import type { JournalReader, SampleFilter } from '../domain/ports.ts';
import { type Sample, seriesId } from '../domain/sample.ts';
import type { Interval } from '../domain/time.ts';
import { Refusal } from '../domain/user-error.ts';
import { annotationSchema } from './annotation-row.ts';
import { checkRunSchema } from './check-row.ts';
import { createDamageBook } from './damage.ts';
import type { Database } from './dialect.ts';
import { decode, markSchema, seriesKeySchema, seriesSchema, serverEventSchema, sessionSchema } from './rows.ts';
import type { SampleContext } from './sample-row.ts';
import { streamSamples } from './sample-stream.ts';
import type { Tables } from './tables.ts';
import { phaseSchema, taskSchema } from './task-row.ts';

/**
 * Reads a journal in any dialect. A row that makes no sense is left out and counted: see `damage`. What keeps the whole
 * from being read, be it the disk or a damaged page, is a Refusal.
 */
export async function createReader(database: Database): Promise<JournalReader> {
  const book = createDamageBook();
  for (const damage of database.damage) book.note(damage);

  const refusing = async <T>(read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      throw refusalFor(database, error);
    }
  };

  /** Those rows that make sense; `key` names a row in a message. */
  const whole = <Row, T>(
    table: keyof Tables,
    rows: readonly Row[],
    { schema, key }: { readonly schema: z.ZodType<T>; readonly key: (row: Row) => string | number },
  ): readonly T[] =>
    rows.flatMap((row) => {
      const value = book.read(table, { key: `row ${key(row)}`, decoded: decode(schema, row) });
      return value === null ? [] : [value];
    });

  async function context(): Promise<SampleContext> {
    const series = await database.db().selectFrom('series').selectAll().execute();
    const sessions = await database.db().selectFrom('sessions').selectAll().execute();
    const keys = series.flatMap((row) => {
      const [key] = whole('series', [row], { schema: seriesKeySchema, key: ({ id }) => id });
      return key === undefined ? [] : [[row.id, key] as const];
    });
    const lives = whole('sessions', sessions, { schema: sessionSchema, key: ({ id }) => id }).map(
      ({ id, startedAt, aliveAt }) => [id, { from: startedAt, until: aliveAt }] as const,
    );
    return { keys: new Map(keys), lives: new Map(lives) };
  }

  const meta = await refusing(() => database.db().selectFrom('meta').select('run').executeTakeFirst());
  if (meta === undefined) book.note({ table: 'meta', rows: 1, reason: 'row 1: is missing' });

  return {
    run: typeof meta?.run === 'string' ? meta.run : 'unknown',
    sessions: () =>
      refusing(async () => {
        const rows = await database.db().selectFrom('sessions').selectAll().orderBy('id').execute();
        return whole('sessions', rows, { schema: sessionSchema, key: ({ id }) => id });
      }),
    series: (session) =>
      refusing(async () => {
        const rows = await database
          .db()
          .selectFrom('session_series')
          .innerJoin('series', 'series.id', 'session_series.series')
          .selectAll()
          .$if(session !== undefined, (query) => query.where('session', '=', session ?? 0))
          .orderBy('session')
          .orderBy('place')
          .execute();
        const found = whole('session_series', rows, {
          schema: seriesSchema,
          key: (row) => `of session ${row.session} and series ${row.series}`,
        });
        // Later sessions overwrite earlier ones, in the place where the series stood first.
        return [...new Map(found.map((one) => [seriesId(one), one])).values()];
      }),
    marks: ({ from, until }: Partial<Interval> = {}) =>
      refusing(async () => {
        const rows = await database
          .db()
          .selectFrom('marks')
          .selectAll()
          .$if(from !== undefined, (query) => query.where('until_at', '>=', from ?? 0))
          .$if(until !== undefined, (query) => query.where('from_at', '<', until ?? 0))
          .orderBy('number')
          .execute();
        return whole('marks', rows, { schema: markSchema, key: ({ number }) => number });
      }),
    serverEvents: () =>
      refusing(async () => {
        const rows = await database.db().selectFrom('server_events').selectAll().orderBy('number').execute();
        return whole('server_events', rows, { schema: serverEventSchema, key: ({ number }) => number });
      }),
    tasks: () =>
      refusing(async () => {
        const rows = await database.db().selectFrom('tasks').selectAll().orderBy('started_at').orderBy('id').execute();
        return whole('tasks', rows, { schema: taskSchema, key: ({ id }) => id });
      }),
    phases: () =>
      refusing(async () => {
        const rows = await database.db().selectFrom('phases').selectAll().orderBy('number').execute();
        return whole('phases', rows, { schema: phaseSchema, key: ({ number }) => number });
      }),
    annotations: () =>
      refusing(async () => {
        const rows = await database.db().selectFrom('annotations').selectAll().orderBy('id').execute();
        return whole('annotations', rows, { schema: annotationSchema, key: ({ id }) => id });
      }),
    checkRuns: () =>
      refusing(async () => {
        const rows = await database.db().selectFrom('check_runs').selectAll().orderBy('number').execute();
        return whole('check_runs', rows, { schema: checkRunSchema, key: ({ number }) => number });
      }),
    async *samples(filter: SampleFilter = {}): AsyncGenerator<Sample> {
      try {
        yield* streamSamples(database, { context, filter, book });
      } catch (error) {
        throw refusalFor(database, error);
      }
    },
    damage: book.found,
    close: () => database.close(),
  };
}

function refusalFor(database: Database, error: unknown): unknown {
  if (error instanceof Refusal) return error;
  const reason = database.explain(error);
  return reason === null ? error : new Refusal(`${database.name} cannot be read: ${reason}`, 3);
}
