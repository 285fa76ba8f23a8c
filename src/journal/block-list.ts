import { expressionBuilder } from 'kysely';
import type { SampleFilter } from '../domain/journal.ts';
import type { SeriesKey } from '../domain/sample.ts';
import { toIso } from '../domain/time.ts';
import { type DamageLog, timestamp } from './decode.ts';
import type { Database } from './dialect.ts';
import { type SampleBlock, unpackBlock } from './sample-block.ts';
import type { SampleBlockRow, Tables } from './tables.ts';

/** Blocks per query, without their data. */
const PAGE_BLOCKS = 200;

export type BlockListOptions = {
  readonly session: number;
  /** The series whose blocks are read; null: all. */
  readonly series: readonly number[] | null;
  readonly filter: SampleFilter;
  readonly keys: ReadonlyMap<number, SeriesKey>;
  readonly log: DamageLog;
};

/** The blocks of a session in the order of their first samples. Their data is read when it is needed. */
export type BlockList = {
  /** Finds the blocks that a writer has added since the last call and that end at `from` or later. */
  findAdded(from: number): Promise<void>;
  /** Whether `take` may have blocks for `until`. */
  isDue(until: number | null): boolean;
  /** Returns the next blocks that begin at `until` or before; the next one if `until` is null. */
  take(until: number | null): Promise<readonly SampleBlock[]>;
};

type Summary = Pick<SampleBlockRow, 'id' | 'series' | 'samples' | 'from_at' | 'until_at'>;

/** Opens the list of blocks that may have samples that match the filter. Unreadable blocks are left out and logged. */
export async function openBlockList(database: Database, options: BlockListOptions): Promise<BlockList> {
  const { session, series, filter, keys, log } = options;
  const { refTuple, tuple } = expressionBuilder<Tables, 'sample_blocks'>();
  const { from, until, outcome } = filter;
  const newest = await database
    .db()
    .selectFrom('sample_blocks')
    .select(({ fn }) => fn.max('id').as('id'))
    .executeTakeFirst();
  const newestAtFirst = newest?.id ?? 0;
  let newestFound = newestAtFirst;
  /** The last block of the last page. */
  let last: Pick<Summary, 'from_at' | 'id'> = { from_at: -Infinity, id: 0 };
  let isComplete = false;
  let found: readonly Summary[] = [];

  const query = () =>
    database
      .db()
      .selectFrom('sample_blocks')
      .select(['id', 'series', 'samples', 'from_at', 'until_at'])
      .where('session', '=', session)
      .$if(series !== null, (blocks) => blocks.where('series', 'in', series ?? []))
      .$if(until !== undefined, (blocks) => blocks.where('from_at', '<', until ?? 0))
      .$if(outcome === 'failed' || outcome === 'void', (blocks) =>
        blocks.where(outcome === 'failed' ? 'failed' : 'void', '>', 0),
      );

  async function readPage(): Promise<void> {
    const page = await query()
      .where('id', '<=', newestAtFirst)
      .$if(from !== undefined, (blocks) => blocks.where('until_at', '>=', from ?? 0))
      .where(refTuple('from_at', 'id'), '>', tuple(last.from_at, last.id))
      .orderBy('from_at')
      .orderBy('id')
      .limit(PAGE_BLOCKS)
      .execute();
    last = page.at(-1) ?? last;
    isComplete = page.length < PAGE_BLOCKS;
    found = inOrder([...found, ...page]);
  }

  async function unpack(summary: Summary): Promise<SampleBlock | null> {
    const row = await database
      .db()
      .selectFrom('sample_blocks')
      .selectAll()
      .where('id', '=', summary.id)
      .executeTakeFirst();
    return log.valueOf('samples', {
      key: describeBlock(summary, { session, key: keys.get(summary.series) }),
      rows: Number.isSafeInteger(summary.samples) ? summary.samples : 1,
      decoded: unpackBlock(row),
    });
  }

  const isPageDue = (position: number | null): boolean =>
    !isComplete && (position === null ? found.length === 0 : last.from_at <= position);

  /** Returns the next block if it begins at `position` or before. */
  function nextUntil(position: number | null): Summary | null {
    const [next] = found;
    return next === undefined || (position !== null && next.from_at > position) ? null : next;
  }

  return {
    isDue: (position) => isPageDue(position) || nextUntil(position) !== null,
    async findAdded(position) {
      const added = await query().where('id', '>', newestFound).where('until_at', '>=', position).execute();
      newestFound = added.reduce((latest, { id }) => Math.max(latest, id), newestFound);
      found = inOrder([...found, ...added]);
    },
    async take(position) {
      const blocks: SampleBlock[] = [];
      while (position !== null || blocks.length === 0) {
        while (isPageDue(position)) await readPage();
        const next = nextUntil(position);
        if (next === null) break;
        found = found.slice(1);
        const block = await unpack(next);
        if (block !== null) blocks.push(block);
      }
      return blocks;
    },
  };
}

const inOrder = (blocks: readonly Summary[]): readonly Summary[] =>
  blocks.toSorted((a, b) => a.from_at - b.from_at || a.id - b.id);

/** Names a block in the damage: its series and its time. */
function describeBlock(
  { series, from_at, until_at }: Summary,
  { session, key }: { readonly session: number; readonly key: SeriesKey | undefined },
): string {
  const name =
    key === undefined
      ? `series ${series}`
      : [key.probe, key.connection, key.target, `of ${key.cloud}`].filter((part) => part !== '').join(' ');
  const [from, until] = [from_at, until_at].map((at) => (timestamp.safeParse(at).success ? toIso(at) : 'unknown'));
  return `session ${session}, ${name}, ${from} to ${until}`;
}
