import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { expressionBuilder, sql } from 'kysely';
import { partitionPoint } from '../domain/binary-search.ts';
import type { SampleFilter } from '../domain/journal.ts';
import type { Sample, SeriesKey } from '../domain/sample.ts';
import { type BlockListOptions, openBlockList } from './block-list.ts';
import type { DamageLog } from './decode.ts';
import type { Database } from './dialect.ts';
import type { SampleBlock, SamplePlace } from './sample-block.ts';
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
 * Yields samples by session, then by start (`from` <= startedAt < `until`), whether they are rows or packed in blocks.
 * No query stays open between pages, so a slow consumer blocks no other query, and a writer may pack samples meanwhile.
 */
export async function* streamSamples(database: Database, { readContext, filter, log }: StreamOptions) {
  const context = await readContext();
  const { keys } = context;
  const selected = [...keys].filter(([, key]) => matches(key, filter)).map(([id]) => id);
  const series = selected.length === keys.size ? null : selected;
  let remaining = filter.limit ?? Infinity;
  if (selected.length === 0 || remaining <= 0) return;
  for await (const session of sessionsOf(database, filter)) {
    for await (const row of rowsOfSession(database, { session, series, filter, keys, log })) {
      const sample: Sample | null = log.valueOf('samples', {
        key: `session ${row.session}, series ${row.series}, seq ${row.seq}`,
        decoded: sampleOf(row, context),
      });
      if (sample === null) continue;
      yield sample;
      if (--remaining === 0) return;
    }
  }
}

const matches = (key: SeriesKey, { cloud, probe, connection, target }: SampleFilter): boolean =>
  (cloud ?? key.cloud) === key.cloud &&
  (probe ?? key.probe) === key.probe &&
  (connection ?? key.connection) === key.connection &&
  (target ?? key.target) === key.target;

/** Compares by the order within a session. */
function compare(a: SamplePlace, b: SamplePlace): number {
  if (a.started_at !== b.started_at) return a.started_at - b.started_at;
  return a.seq === b.seq ? a.series - b.series : a.seq - b.seq;
}

/** Also true for a damaged row, whose time is no number: only rows that are yielded are reported. */
const isAfter = (place: SamplePlace, position: SamplePlace): boolean => !(compare(place, position) <= 0);

/**
 * Merges the rows and the blocks of a session. A sample that is packed meanwhile may be found in both. It is yielded
 * once, and never missed: each page of rows is read before the blocks that were added until then.
 */
async function* rowsOfSession(database: Database, options: BlockListOptions): AsyncGenerator<SampleRow, void, void> {
  const { from = -Infinity, until = Infinity, outcome } = options.filter;
  const blocks = await openBlockList(database, options);
  let position: SamplePlace = { started_at: from, seq: -1, series: -1 };
  /** One run per block with samples left, and one of the current page of rows, by their next sample. */
  const runs: Run[] = [];
  let page: Run | null = null;
  let isLastPage = false;
  let pageEnd = position;
  for (;;) {
    if (page === null && !isLastPage) {
      const rows = await readPage(database, { ...options, after: pageEnd });
      isLastPage = rows.length < PAGE_ROWS;
      pageEnd = rows.at(-1) ?? pageEnd;
      page = runFrom(samplesOf(rows), position);
      insert(runs, page);
      await blocks.findAdded(position.started_at);
      await yieldToEventLoop();
    }
    const [next] = runs;
    const nextAt = next?.place.started_at ?? null;
    if (blocks.isDue(nextAt)) {
      for (const block of await blocks.take(nextAt)) insert(runs, runFrom(block, position));
      await yieldToEventLoop();
      continue;
    }
    if (next === undefined || next.place.started_at >= until) return;
    const row = isAfter(next.place, position) ? next.samples.row(next.index) : null;
    runs.shift();
    if (advance(next)) insert(runs, next);
    else if (next === page) page = null;
    if (row === null) continue;
    position = row;
    if ((outcome ?? row.outcome) === row.outcome) yield row;
  }
}

/** Samples in order: of a block, or of a page of rows. */
type Samples = Pick<SampleBlock, 'count' | 'place' | 'row'>;

function samplesOf(rows: readonly SampleRow[]): Samples {
  const row = (index: number): SampleRow => {
    const found = rows[index];
    if (found === undefined) throw new RangeError(`no row ${index}`);
    return found;
  };
  return { count: rows.length, place: row, row };
}

/** `place` and `index` are those of the next sample. */
type Run = { place: SamplePlace; index: number; readonly samples: Samples };

/** Returns a run of the samples after a position; null if there are none. */
function runFrom(samples: Samples, position: SamplePlace): Run | null {
  for (let index = 0; index < samples.count; index++) {
    const place = samples.place(index);
    if (isAfter(place, position)) return { place, index, samples };
  }
  return null;
}

/** Moves to the next sample; returns false if there is none. */
function advance(run: Run): boolean {
  if (++run.index >= run.samples.count) return false;
  run.place = run.samples.place(run.index);
  return true;
}

/** Inserts a run before those whose next sample is later. */
function insert(runs: Run[], run: Run | null): void {
  if (run === null) return;
  const later = partitionPoint(runs.length, (index) => compare(runs[index]?.place ?? run.place, run.place) <= 0);
  runs.splice(later, 0, run);
}

type PageOptions = BlockListOptions & { readonly after: SamplePlace };

function readPage(database: Database, { session, series, filter, after }: PageOptions): Promise<SampleRow[]> {
  const { refTuple, tuple } = expressionBuilder<Tables, 'samples'>();
  const { outcome, until } = filter;
  return database
    .db()
    .selectFrom('samples')
    .selectAll()
    .$if(outcome !== undefined, (query) => query.where('outcome', '=', outcome ?? ''))
    .$if(until !== undefined, (query) => query.where('started_at', '<', until ?? Infinity))
    .$if(series !== null, (query) => query.where('series', 'in', series ?? []))
    .where('session', '=', session)
    .where(refTuple('started_at', 'seq', 'series'), '>', tuple(after.started_at, after.seq, after.series))
    .orderBy('session')
    .orderBy('started_at')
    .orderBy('seq')
    .orderBy('series')
    .limit(PAGE_ROWS)
    .execute();
}

/** Yields the sessions that have samples. Each takes two index lookups: `distinct` would scan all samples. */
async function* sessionsOf(database: Database, { session }: SampleFilter): AsyncGenerator<number> {
  if (session !== undefined) {
    yield session;
    return;
  }
  for (let last = -Infinity; ; ) {
    const next = Math.min(
      await sessionAfter(database, 'samples', last),
      await sessionAfter(database, 'sample_blocks', last),
    );
    if (next === Infinity) return;
    last = next;
    yield last;
  }
}

/** Returns the first session after another that a table has samples of; Infinity if there is none. */
async function sessionAfter(database: Database, table: 'samples' | 'sample_blocks', last: number): Promise<number> {
  const next = await database
    .db()
    .selectFrom(table)
    .select(sql<number | null>`min(session)`.as('session'))
    .where('session', '>', last)
    .executeTakeFirst();
  // Ids beyond 2^53 are damage, and JavaScript would round them.
  const session = next?.session ?? null;
  return session !== null && session > last && Number.isSafeInteger(session) ? session : Infinity;
}
