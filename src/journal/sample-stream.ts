import { setImmediate as breathe } from 'node:timers/promises';
import { expressionBuilder, type SelectQueryBuilder, sql } from 'kysely';
import type { SampleFilter } from '../domain/ports.ts';
import type { Sample, SeriesKey } from '../domain/sample.ts';
import type { Database } from './dialect.ts';
import { sampleOf } from './sample-row.ts';
import type { SampleRow, Tables } from './tables.ts';

/** Rows in memory at once, and read in one go while everything else in the process waits: a few milliseconds. */
const PAGE = 500;

/** Reads the keys anew for each stream: a writer may have added some. */
type StreamOptions = { readonly keys: () => Promise<ReadonlyMap<number, SeriesKey>>; readonly filter: SampleFilter };

/**
 * Samples by session, then by the moment sent (`from` <= startedAt < `until`), page by page along the index
 * samples_in_order. Whoever reads may take its time: no query stays open between two pages.
 */
export async function* streamSamples(database: Database, { keys: readKeys, filter }: StreamOptions) {
  const keys = await readKeys();
  const chosen = [...keys].filter(([, key]) => isChosen(key, filter)).map(([id]) => id);
  let left = filter.limit ?? Infinity;
  if (chosen.length === 0) return;
  const query = narrowed(database, filter, chosen.length === keys.size ? null : chosen);
  for await (const session of sessionsOf(database, filter)) {
    let after: Position = { started_at: filter.from ?? -Infinity, seq: -1, series: -1 };
    while (left > 0) {
      const rows = await page(query(), { session, after, limit: Math.min(PAGE, left) });
      for (const row of rows) yield sampleOf(row, { name: database.name, keys }) satisfies Sample;
      left -= rows.length;
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) break;
      after = last;
      await breathe();
    }
  }
}

type Position = Pick<SampleRow, 'started_at' | 'seq' | 'series'>;
type Query = SelectQueryBuilder<Tables, 'samples', SampleRow>;

const isChosen = (key: SeriesKey, { cloud, probe, connection, target }: SampleFilter): boolean =>
  (cloud ?? key.cloud) === key.cloud &&
  (probe ?? key.probe) === key.probe &&
  (connection ?? key.connection) === key.connection &&
  (target ?? key.target) === key.target;

function narrowed(database: Database, { outcome, until }: SampleFilter, series: readonly number[] | null) {
  return (): Query =>
    database
      .db()
      .selectFrom('samples')
      .selectAll()
      .$if(outcome !== undefined, (query) => query.where('outcome', '=', outcome ?? ''))
      .$if(until !== undefined, (query) => query.where('started_at', '<', until ?? Infinity))
      .$if(series !== null, (query) => query.where('series', 'in', series ?? []));
}

function page(
  query: Query,
  { session, after, limit }: { session: number; after: Position; limit: number },
): Promise<SampleRow[]> {
  const { refTuple, tuple } = expressionBuilder<Tables, 'samples'>();
  return query
    .where('session', '=', session)
    .where(refTuple('started_at', 'seq', 'series'), '>', tuple(after.started_at, after.seq, after.series))
    .orderBy('session')
    .orderBy('started_at')
    .orderBy('seq')
    .orderBy('series')
    .limit(limit)
    .execute();
}

/** The sessions that have samples, each found by one step along the index: there may be many samples. */
async function* sessionsOf(database: Database, { session }: SampleFilter): AsyncGenerator<number> {
  if (session !== undefined) {
    yield session;
    return;
  }
  for (let last = -Infinity; ; ) {
    const next = await database
      .db()
      .selectFrom('samples')
      .select(sql<number | null>`min(session)`.as('session'))
      .where('session', '>', last)
      .executeTakeFirst();
    if (next === undefined || next.session === null) return;
    last = next.session;
    yield last;
  }
}
