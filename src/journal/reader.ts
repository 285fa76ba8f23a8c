import type { Annotation } from '../domain/annotation.ts';
import type { CheckRun } from '../domain/checks/check.ts';
import type { JournalReader, Mark, PhaseMark, SampleFilter, ServerEvent, Session } from '../domain/ports.ts';
import { Refusal } from '../domain/refusal.ts';
import type { Sample, Series, SeriesKey } from '../domain/sample.ts';
import type { Task } from '../domain/task.ts';
import type { Interval } from '../domain/time.ts';
import { annotationOf } from './annotation-row.ts';
import { checkRunOf } from './check-row.ts';
import type { Database } from './dialect.ts';
import { damaged, markOf, seriesKeyOf, seriesOf, serverEventOf, sessionOf } from './rows.ts';
import { streamSamples } from './sample-stream.ts';
import { phaseOf, taskOf } from './task-row.ts';

/** Reads a journal in any dialect. What cannot be read, be it the disk's fault or a damaged row, is a Refusal. */
export async function createReader(database: Database): Promise<JournalReader> {
  const { name } = database;
  const refusing = async <T>(read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      throw refusalFor(database, error);
    }
  };

  const keys = async (): Promise<ReadonlyMap<number, SeriesKey>> => {
    const rows = await database.db().selectFrom('series').selectAll().execute();
    return new Map(rows.map((row) => [row.id, seriesKeyOf(row, name)]));
  };

  const meta = await refusing(() => database.db().selectFrom('meta').select('run').executeTakeFirst());
  if (meta === undefined) throw damaged({ name, row: 'meta' }, 'no row');

  return {
    run: meta.run,
    sessions: () =>
      refusing(async (): Promise<readonly Session[]> => {
        const rows = await database.db().selectFrom('sessions').selectAll().orderBy('id').execute();
        return rows.map((row) => sessionOf(row, name));
      }),
    series: (session) =>
      refusing(async (): Promise<readonly Series[]> => {
        const rows = await database
          .db()
          .selectFrom('session_series')
          .innerJoin('series', 'series.id', 'session_series.series')
          .selectAll()
          .$if(session !== undefined, (query) => query.where('session', '=', session ?? 0))
          .orderBy('session')
          .orderBy('place')
          .execute();
        // Later sessions overwrite earlier ones, in the place where the series stood first.
        return [...new Map(rows.map((row) => [row.series, seriesOf(row, name)])).values()];
      }),
    marks: ({ from, until }: Partial<Interval> = {}) =>
      refusing(async (): Promise<readonly Mark[]> => {
        const rows = await database
          .db()
          .selectFrom('marks')
          .selectAll()
          .$if(from !== undefined, (query) => query.where('until_at', '>=', from ?? 0))
          .$if(until !== undefined, (query) => query.where('from_at', '<', until ?? 0))
          .orderBy('number')
          .execute();
        return rows.map((row) => markOf(row, name));
      }),
    serverEvents: () =>
      refusing(async (): Promise<readonly ServerEvent[]> => {
        const rows = await database.db().selectFrom('server_events').selectAll().orderBy('number').execute();
        return rows.map((row) => serverEventOf(row, name));
      }),
    tasks: () =>
      refusing(async (): Promise<readonly Task[]> => {
        const rows = await database.db().selectFrom('tasks').selectAll().orderBy('started_at').orderBy('id').execute();
        return rows.map((row) => taskOf(row, name));
      }),
    phases: () =>
      refusing(async (): Promise<readonly PhaseMark[]> => {
        const rows = await database.db().selectFrom('phases').selectAll().orderBy('number').execute();
        return rows.map((row) => phaseOf(row, name));
      }),
    annotations: () =>
      refusing(async (): Promise<readonly Annotation[]> => {
        const rows = await database.db().selectFrom('annotations').selectAll().orderBy('id').execute();
        return rows.map((row) => annotationOf(row, name));
      }),
    checkRuns: () =>
      refusing(async (): Promise<readonly CheckRun[]> => {
        const rows = await database.db().selectFrom('check_runs').selectAll().orderBy('number').execute();
        return rows.map((row) => checkRunOf(row, name));
      }),
    async *samples(filter: SampleFilter = {}): AsyncGenerator<Sample> {
      try {
        yield* streamSamples(database, { keys, filter });
      } catch (error) {
        throw refusalFor(database, error);
      }
    },
    close: () => database.close(),
  };
}

function refusalFor(database: Database, error: unknown): unknown {
  if (error instanceof Refusal) return error;
  const reason = database.explain(error);
  return reason === null ? error : new Refusal(`${database.name} cannot be read: ${reason}`, 3);
}
