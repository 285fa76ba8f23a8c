import type { z } from 'zod';
import { UserError } from '../domain/errors.ts';
import type { JournalReader, SampleFilter } from '../domain/journal.ts';
import { type Sample, seriesId } from '../domain/sample.ts';
import type { Interval } from '../domain/time.ts';
import { createDamageLog, decode } from './decode.ts';
import type { Database } from './dialect.ts';
import {
  annotationSchema,
  checkRunSchema,
  observationGapSchema,
  phaseSchema,
  seriesKeySchema,
  seriesSchema,
  serverEventSchema,
  sessionSchema,
  taskSchema,
} from './rows.ts';
import type { SampleContext } from './sample-row.ts';
import { streamSamples } from './sample-stream.ts';
import type { Tables } from './tables.ts';

/**
 * Reads a journal in any dialect. Unreadable rows are skipped and counted in `damage`.
 *
 * @throws UserError (also from the methods) if the database cannot be read: a disk error, a damaged page
 */
export async function createReader(database: Database): Promise<JournalReader> {
  const log = createDamageLog();
  for (const damage of database.damage) log.add(damage);

  const withUserErrors = async <T>(read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      throw userErrorFor(database, error);
    }
  };

  /** Decodes rows and skips unreadable ones; `key` names a row in the damage. */
  const decodeRows = <Row, T>(
    table: keyof Tables,
    rows: readonly Row[],
    { schema, key }: { readonly schema: z.ZodType<T>; readonly key: (row: Row) => string | number },
  ): readonly T[] =>
    rows.flatMap((row) => {
      const value = log.valueOf(table, { key: `row ${key(row)}`, decoded: decode(schema, row) });
      return value === null ? [] : [value];
    });

  async function readContext(): Promise<SampleContext> {
    const series = await database.db().selectFrom('series').selectAll().execute();
    const sessions = await database.db().selectFrom('sessions').selectAll().execute();
    const keys = series.flatMap((row) => {
      const [key] = decodeRows('series', [row], { schema: seriesKeySchema, key: ({ id }) => id });
      return key === undefined ? [] : [[row.id, key] as const];
    });
    const lifetimes = decodeRows('sessions', sessions, { schema: sessionSchema, key: ({ id }) => id }).map(
      ({ id, startedAt, aliveAt }) => [id, { from: startedAt, until: aliveAt }] as const,
    );
    return { keys: new Map(keys), lifetimes: new Map(lifetimes) };
  }

  const meta = await withUserErrors(() => database.db().selectFrom('meta').select('run').executeTakeFirst());
  if (meta === undefined) log.add({ table: 'meta', rows: 1, reason: 'row 1 is missing' });

  return {
    run: typeof meta?.run === 'string' ? meta.run : 'unknown',
    sessions: () =>
      withUserErrors(async () => {
        const rows = await database.db().selectFrom('sessions').selectAll().orderBy('id').execute();
        return decodeRows('sessions', rows, { schema: sessionSchema, key: ({ id }) => id });
      }),
    series: (session) =>
      withUserErrors(async () => {
        const rows = await database
          .db()
          .selectFrom('session_series')
          .innerJoin('series', 'series.id', 'session_series.series')
          .selectAll()
          .$if(session !== undefined, (query) => query.where('session', '=', session ?? 0))
          .orderBy('session')
          .orderBy('place')
          .execute();
        const series = decodeRows('session_series', rows, {
          schema: seriesSchema,
          key: (row) => `of session ${row.session} and series ${row.series}`,
        });
        // The latest settings win; the position is that of the first session.
        return [...new Map(series.map((settings) => [seriesId(settings), settings])).values()];
      }),
    observationGaps: ({ from, until }: Partial<Interval> = {}) =>
      withUserErrors(async () => {
        const rows = await database
          .db()
          .selectFrom('observation_gaps')
          .selectAll()
          .$if(from !== undefined, (query) => query.where('until_at', '>=', from ?? 0))
          .$if(until !== undefined, (query) => query.where('from_at', '<', until ?? 0))
          .orderBy('number')
          .execute();
        return decodeRows('observation_gaps', rows, { schema: observationGapSchema, key: ({ number }) => number });
      }),
    serverEvents: () =>
      withUserErrors(async () => {
        const rows = await database.db().selectFrom('server_events').selectAll().orderBy('number').execute();
        return decodeRows('server_events', rows, { schema: serverEventSchema, key: ({ number }) => number });
      }),
    tasks: () =>
      withUserErrors(async () => {
        const rows = await database.db().selectFrom('tasks').selectAll().orderBy('started_at').orderBy('id').execute();
        return decodeRows('tasks', rows, { schema: taskSchema, key: ({ id }) => id });
      }),
    phases: () =>
      withUserErrors(async () => {
        const rows = await database.db().selectFrom('phases').selectAll().orderBy('number').execute();
        return decodeRows('phases', rows, { schema: phaseSchema, key: ({ number }) => number });
      }),
    annotations: () =>
      withUserErrors(async () => {
        const rows = await database.db().selectFrom('annotations').selectAll().orderBy('id').execute();
        return decodeRows('annotations', rows, { schema: annotationSchema, key: ({ id }) => id });
      }),
    checkRuns: () =>
      withUserErrors(async () => {
        const rows = await database.db().selectFrom('check_runs').selectAll().orderBy('number').execute();
        return decodeRows('check_runs', rows, { schema: checkRunSchema, key: ({ number }) => number });
      }),
    async *samples(filter: SampleFilter = {}): AsyncGenerator<Sample> {
      try {
        yield* streamSamples(database, { readContext, filter, log });
      } catch (error) {
        throw userErrorFor(database, error);
      }
    },
    damage: log.all,
    close: () => database.close(),
  };
}

/** Returns a UserError for what `explain` explains, and any other error unchanged. */
function userErrorFor(database: Database, error: unknown): unknown {
  if (error instanceof UserError) return error;
  const reason = database.explain(error);
  return reason === null ? error : new UserError(`${database.name} cannot be read: ${reason}`, 3);
}
