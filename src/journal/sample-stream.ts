import { setImmediate as breathe } from 'node:timers/promises';
import { expressionBuilder, type SelectQueryBuilder, sql } from 'kysely';
import type { SampleFilter } from '../domain/ports.ts';
import type { Sample, SeriesKey } from '../domain/sample.ts';
import type { DamageBook } from './damage.ts';
import type { Database } from './dialect.ts';
import { type SampleContext, sampleOf } from './sample-row.ts';
import type { SampleRow, Tables } from './tables.ts';

/** Rows in memory at once, and read in one go while everything else in the process waits: a few milliseconds. */
const PAGE = 500;

/** Reads the keys anew for each stream: a writer may have added some. */
type StreamOptions = {
  readonly context: () => Promise<SampleContext>;
  readonly filter: SampleFilter;
  readonly book: DamageBook;
};

/**
 * Samples by session, then by the moment sent (`from` <= startedAt < `until`), page by page along the index
 * samples_in_order. Whoever reads may take its time: no query stays open between two pages.
 */
export async function* streamSamples(database: Database, { context: readContext, filter, book }: StreamOptions) {
  const context = await readContext();
  const { keys } = context;
  const chosen = [...keys].filter(([, key]) => isChosen(key, filter)).map(([id]) => id);
  let left = filter.limit ?? Infinity;
  if (chosen.length === 0) return;
  const query = narrowed(database, filter, chosen.length === keys.size ? null : chosen);
  for await (const session of sessionsOf(database, filter)) {
    let after: Position = { started_at: filter.from ?? -Infinity, seq: -1, series: -1 };
    while (left > 0) {
      const rows = await page(query(), { session, after, limit: PAGE });
      for (const row of rows) {
        if (left === 0) return;
        const sample: Sample | null = book.read('samples', {
          key: `session ${row.session}, series ${row.series}, seq ${row.seq}`,
          decoded: sampleOf(row, context),
        });
        if (sample === null) continue;
        yield sample;
        left--;
      }
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
    // A number beyond 2^53 is damage, and does not come back from the database as it is there.
    if (next === undefined || next.session === null || !(next.session > last)) return;
    if (!Number.isSafeInteger(next.session)) return;
    last = next.session;
    yield last;
  }
}
