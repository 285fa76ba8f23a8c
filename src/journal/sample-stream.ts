import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { expressionBuilder, type SelectQueryBuilder, sql } from 'kysely';
import type { SampleFilter } from '../domain/journal.ts';
import type { Sample, SeriesKey } from '../domain/sample.ts';
import type { DamageLog } from './decode.ts';
import type { Database } from './dialect.ts';
import { type SampleContext, sampleOf } from './sample-row.ts';
import type { SampleRow, Tables } from './tables.ts';

/** Rows per query. Reading a page blocks the process for a few milliseconds. */
const PAGE_ROWS = 500;

type StreamOptions = {
  /** Called once per stream: a writer may have added series and sessions since the last one. */
  readonly readContext: () => Promise<SampleContext>;
  readonly filter: SampleFilter;
  readonly log: DamageLog;
};

/**
 * Yields samples by session, then by start (`from` <= startedAt < `until`), page by page along the index
 * samples_in_order. No query stays open between pages, so a slow consumer blocks no other query.
 */
export async function* streamSamples(database: Database, { readContext, filter, log }: StreamOptions) {
  const context = await readContext();
  const { keys } = context;
  const series = [...keys].filter(([, key]) => matches(key, filter)).map(([id]) => id);
  let remaining = filter.limit ?? Infinity;
  if (series.length === 0) return;
  const query = queryFor(database, filter, series.length === keys.size ? null : series);
  for await (const session of sessionsOf(database, filter)) {
    let after: Position = { started_at: filter.from ?? -Infinity, seq: -1, series: -1 };
    while (remaining > 0) {
      const rows = await readPage(query(), { session, after, limit: PAGE_ROWS });
      for (const row of rows) {
        if (remaining === 0) return;
        const sample: Sample | null = log.valueOf('samples', {
          key: `session ${row.session}, series ${row.series}, seq ${row.seq}`,
          decoded: sampleOf(row, context),
        });
        if (sample === null) continue;
        yield sample;
        remaining--;
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE_ROWS) break;
      after = last;
      await yieldToEventLoop();
    }
  }
}

type Position = Pick<SampleRow, 'started_at' | 'seq' | 'series'>;
type Query = SelectQueryBuilder<Tables, 'samples', SampleRow>;

const matches = (key: SeriesKey, { cloud, probe, connection, target }: SampleFilter): boolean =>
  (cloud ?? key.cloud) === key.cloud &&
  (probe ?? key.probe) === key.probe &&
  (connection ?? key.connection) === key.connection &&
  (target ?? key.target) === key.target;

function queryFor(database: Database, { outcome, until }: SampleFilter, series: readonly number[] | null) {
  return (): Query =>
    database
      .db()
      .selectFrom('samples')
      .selectAll()
      .$if(outcome !== undefined, (query) => query.where('outcome', '=', outcome ?? ''))
      .$if(until !== undefined, (query) => query.where('started_at', '<', until ?? Infinity))
      .$if(series !== null, (query) => query.where('series', 'in', series ?? []));
}

function readPage(
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

/** Yields the sessions that have samples. Each takes one index lookup: `distinct` would scan all samples. */
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
    // Ids beyond 2^53 are damage, and JavaScript would round them.
    if (next === undefined || next.session === null || !(next.session > last)) return;
    if (!Number.isSafeInteger(next.session)) return;
    last = next.session;
    yield last;
  }
}
