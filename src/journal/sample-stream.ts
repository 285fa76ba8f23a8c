import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { expressionBuilder, sql } from 'kysely';
import type { SampleFilter } from '../domain/journal.ts';
import type { Sample, SeriesKey } from '../domain/sample.ts';
import { type BlockListOptions, openBlockList } from './block-list.ts';
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

type Position = Pick<SampleRow, 'started_at' | 'seq' | 'series'>;

/** Compares by the order within a session. */
function compare(a: Position, b: Position): number {
  if (a.started_at !== b.started_at) return a.started_at - b.started_at;
  return a.seq === b.seq ? a.series - b.series : a.seq - b.seq;
}

/** Also true for a damaged row, whose time is no number: only rows that are yielded are reported. */
const isAfter = (row: Position, position: Position): boolean => !(compare(row, position) <= 0);

/**
 * Merges the rows and the blocks of a session. A sample that is packed meanwhile may be found in both. It is yielded
 * once, and never missed: each page of rows is read before the blocks that were added until then.
 */
async function* rowsOfSession(database: Database, options: BlockListOptions): AsyncGenerator<SampleRow, void, void> {
  const { from = -Infinity, until = Infinity, outcome } = options.filter;
  const blocks = await openBlockList(database, options);
  let position: Position = { started_at: from, seq: -1, series: -1 };
  /** The rows of the current page, and one run per block with samples left. */
  let page: Run | null = null;
  let isLastPage = false;
  let pageEnd = position;
  let runs: readonly Run[] = [];
  for (;;) {
    if (page === null && !isLastPage) {
      const rows = await readPage(database, { ...options, after: pageEnd });
      isLastPage = rows.length < PAGE_ROWS;
      pageEnd = rows.at(-1) ?? pageEnd;
      page = runFrom({ count: rows.length, row: (index) => rows[index] ?? null }, position);
      await blocks.findAdded(position.started_at);
      await yieldToEventLoop();
    }
    const next = earliest(page === null ? runs : [page, ...runs]);
    const added = await blocks.take(next === null ? null : next.head.started_at);
    if (added.length > 0) {
      runs = [...runs, ...added.map((block) => runFrom(block, position)).filter((run) => run !== null)];
      await yieldToEventLoop();
      continue;
    }
    if (next === null || next.head.started_at >= until) return;
    const { head } = next;
    const isNew = isAfter(head, position);
    if (!advance(next)) {
      if (next === page) page = null;
      else runs = runs.filter((run) => run !== next);
    }
    if (!isNew) continue;
    position = head;
    if ((outcome ?? head.outcome) === head.outcome) yield head;
  }
}

type Rows = { readonly count: number; row(index: number): SampleRow | null };

/** Rows in order; `head` is the next one. */
type Run = { head: SampleRow; index: number; readonly rows: Rows };

/** Returns a run of the rows after a position; null if there are none. */
function runFrom(rows: Rows, position: Position): Run | null {
  for (let index = 0; index < rows.count; index++) {
    const head = rows.row(index);
    if (head !== null && isAfter(head, position)) return { head, index, rows };
  }
  return null;
}

/** Moves to the next row; returns false if there is none. */
function advance(run: Run): boolean {
  const head = run.rows.row(++run.index);
  if (run.index >= run.rows.count || head === null) return false;
  run.head = head;
  return true;
}

function earliest(runs: readonly Run[]): Run | null {
  let first: Run | null = null;
  for (const run of runs) if (first === null || compare(run.head, first.head) < 0) first = run;
  return first;
}

type PageOptions = BlockListOptions & { readonly after: Position };

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
