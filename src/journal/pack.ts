import { isDeepStrictEqual } from 'node:util';
import type { Kysely } from 'kysely';
import { z } from 'zod';
import { isPackable, packBlock, unpackBlock } from './sample-block.ts';
import type { SampleBlockRow, SampleRow, Tables } from './tables.ts';

/** How samples are moved from rows, which take about 200 bytes each, to blocks, where they take about 13. */
export type Packing = {
  /** Samples per block. Its transaction holds the database for a time that grows with this number. */
  readonly blockSamples: number;
  /** Samples of the open session stay rows until they are this old: the page and the API ask for those most often. */
  readonly settledAfterMs: number;
  /** The least time between two blocks, so that a journal with millions of rows is packed without haste. */
  readonly pauseMs: number;
  /** The time until the next search if there was nothing to pack. */
  readonly searchIntervalMs: number;
};

/**
 * With 1000 samples per block the transaction takes about 20 ms (`npm run bench -- journal`). Twice as many would save a
 * quarter of a byte per sample.
 */
export const DEFAULT_PACKING: Packing = {
  blockSamples: 1000,
  settledAfterMs: 60_000,
  pauseMs: 250,
  searchIntervalMs: 10_000,
};

/** A series of a session. */
type Place = { readonly session: number; readonly series: number };

export type PackRequest = {
  /** Where the search continues; null: at the first session and series. */
  readonly after: Place | null;
  /** Only whole blocks of this session are packed, of samples sent before `settledBefore`. Others are packed to the end. */
  readonly openSession: number | null;
  readonly settledBefore: number;
  readonly blockSamples: number;
};

const placeSchema = z.object({ session: z.int(), series: z.int() });

/** `after` is where the next search continues; null: at the beginning. This one reached the end if `samples` is 0 as well. */
export const packedSchema = z.object({ after: placeSchema.nullable(), samples: z.int() });
export type Packed = z.infer<typeof packedSchema>;

/** Series that one step examines: each takes a lookup or two in an index. */
const MAX_SERIES_PER_STEP = 50;
const ROWS_PER_DELETE = 500;

/**
 * Packs one block of the next series that has enough samples. Insert and delete are one transaction, so a kill leaves
 * each sample in exactly one of the two tables.
 */
export async function packNext(db: Kysely<Tables>, request: PackRequest): Promise<Packed> {
  let { after } = request;
  for (let examined = 0; examined < MAX_SERIES_PER_STEP; examined++) {
    const place = await nextPlace(db, after);
    if (place === null) return { after: null, samples: 0 };
    const samples = (await hasBlock(db, place, request)) ? await packPlace(db, place, request) : 0;
    // The series may have enough samples for a further block.
    if (samples > 0) return { after, samples };
    after = place;
  }
  return { after, samples: 0 };
}

async function nextPlace(db: Kysely<Tables>, after: Place | null): Promise<Place | null> {
  const place = await db
    .selectFrom('samples')
    .select(['session', 'series'])
    .$if(after !== null, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('session', 'series'), '>', tuple(after?.session ?? 0, after?.series ?? 0)),
      ),
    )
    .orderBy('session')
    .orderBy('series')
    .limit(1)
    .executeTakeFirst();
  // Ids beyond 2^53 are damage, and JavaScript would round them.
  return place !== undefined && Number.isSafeInteger(place.session) && Number.isSafeInteger(place.series)
    ? place
    : null;
}

/** Whether a series has samples for a block: a full one in the open session, any number in others. */
async function hasBlock(
  db: Kysely<Tables>,
  { session, series }: Place,
  { openSession, settledBefore, blockSamples }: PackRequest,
): Promise<boolean> {
  if (session !== openSession) return true;
  const last = await db
    .selectFrom('samples')
    .select('started_at')
    .where('session', '=', session)
    .where('series', '=', series)
    .orderBy('seq')
    .limit(1)
    .offset(blockSamples - 1)
    .executeTakeFirst();
  return last !== undefined && last.started_at < settledBefore;
}

/** Packs the first samples of a series, and returns how many. Rows that cannot be packed stay as they are. */
async function packPlace(
  db: Kysely<Tables>,
  { session, series }: Place,
  { blockSamples }: PackRequest,
): Promise<number> {
  return await db.transaction().execute(async (transaction) => {
    const rows = await transaction
      .selectFrom('samples')
      .selectAll()
      .where('session', '=', session)
      .where('series', '=', series)
      .orderBy('seq')
      .limit(blockSamples)
      .execute();
    const [first, ...others] = rows.filter(isPackable).sort((a, b) => a.started_at - b.started_at || a.seq - b.seq);
    if (first === undefined) return 0;
    const packed: readonly [SampleRow, ...SampleRow[]] = [first, ...others];
    const block = packBlock(packed);
    if (!givesBack(block, packed)) return 0;
    await transaction.insertInto('sample_blocks').values(block).execute();
    for (let from = 0; from < packed.length; from += ROWS_PER_DELETE) {
      await transaction
        .deleteFrom('samples')
        .where('session', '=', session)
        .where('series', '=', series)
        .where(
          'seq',
          'in',
          packed.slice(from, from + ROWS_PER_DELETE).map(({ seq }) => seq),
        )
        .execute();
    }
    return packed.length;
  });
}

/** Whether a block unpacks to the same rows: they are about to be deleted, and this is the only other copy. */
function givesBack(block: Omit<SampleBlockRow, 'id'>, rows: readonly SampleRow[]): boolean {
  const unpacked = unpackBlock(block);
  return 'value' in unpacked && rows.every((row, index) => isDeepStrictEqual(unpacked.value.row(index), row));
}
