import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { type Decoded, decode, json, timestamp } from './decode.ts';
import {
  type ByteSink,
  type ByteSource,
  createByteSink,
  createByteSource,
  type Numbers,
  type Prediction,
  packNumbers,
  packTexts,
  type Texts,
  unpackNumbers,
  unpackTexts,
} from './packed-columns.ts';
import type { SampleBlockRow, SampleRow } from './tables.ts';

type BlockSummary = Omit<SampleBlockRow, 'id' | 'data' | 'checksum'>;

const summaryColumns = {
  session: z.int(),
  series: z.int(),
  first_seq: z.int().min(0),
  last_seq: z.int().min(0),
  from_at: timestamp,
  until_at: timestamp,
  samples: z.int().min(1).max(1_000_000),
  failed: z.int().min(0),
  void: z.int().min(0),
};

/** Accepts blocks whose content is what was written. */
export const blockSchema = z
  .object({ ...summaryColumns, checksum: z.int(), data: z.instanceof(Uint8Array) })
  .refine(({ checksum, data, ...summary }) => checksum === checksumOf(summary, data), {
    error: 'the checksum is wrong',
    path: ['data'],
  })
  .refine(({ data: [format] }) => format === FORMAT, { error: 'the format is unknown', path: ['data'] });

const FORMAT = 1;

/** The samples of a block, in the order in which samples are read: by start, then by number. */
export type SampleBlock = {
  readonly summary: BlockSummary;
  readonly count: number;
  row(index: number): SampleRow;
};

/**
 * Whether a row can be packed. Rows that another program has written may have values of other types; they stay as they
 * are.
 */
export const isPackable = (row: SampleRow): boolean => packableSchema.safeParse(row).success;

const number = z.number();
const text = z.string().refine((value) => value.isWellFormed());
const packableSchema = z.object({
  seq: z.int().min(0),
  due_at: number,
  started_at: timestamp,
  ended_at: number,
  outcome: text,
  extra: number,
  slots: number.nullable(),
  last_known_up_at: number.nullable(),
  failure_started_at: number.nullable(),
  settled_at: number.nullable(),
  timed_out: number.nullable(),
  cause_kind: text.nullable(),
  cause_service: text.nullable(),
  cause_message: text.nullable(),
  cause_status: number.nullable(),
  cause_body: text.nullable(),
  stages: text,
  request_id: text.nullable(),
  server_id: text.nullable(),
});

/** Packs rows of one series of a session, in the order of `SampleBlock`. */
export function packBlock(rows: readonly [SampleRow, ...SampleRow[]]): Omit<SampleBlockRow, 'id'> {
  const [first] = rows;
  const seqs = rows.map(({ seq }) => seq);
  const count = (outcome: string) => rows.filter((row) => row.outcome === outcome).length;
  const summary: BlockSummary = {
    session: first.session,
    series: first.series,
    first_seq: seqs.reduce((a, b) => Math.min(a, b)),
    last_seq: seqs.reduce((a, b) => Math.max(a, b)),
    from_at: first.started_at,
    until_at: rows.at(-1)?.started_at ?? first.started_at,
    samples: rows.length,
    failed: count('failed'),
    void: count('void'),
  };
  const sink = createByteSink();
  sink.byte(FORMAT);
  packRows(sink, rows);
  const data = sink.finish();
  return { ...summary, checksum: checksumOf(summary, data), data };
}

/** The order of columns is the format of `data`. */
function packRows(sink: ByteSink, rows: readonly SampleRow[]): void {
  const started = rows.map((row) => row.started_at);
  const ended = rows.map((row) => row.ended_at);
  const numbers = (column: Numbers, prediction: Prediction) => packNumbers(sink, column, prediction);
  const texts = (column: Texts) => packTexts(sink, column);
  const due = rows.map((row) => row.due_at);
  numbers(
    rows.map((row) => row.seq),
    'steps',
  );
  numbers(due, 'steps');
  numbers(started, { near: due });
  numbers(ended, { near: started });
  texts(rows.map((row) => row.outcome));
  numbers(
    rows.map((row) => row.extra),
    null,
  );
  numbers(
    rows.map((row) => row.slots),
    null,
  );
  numbers(
    rows.map((row) => row.last_known_up_at),
    { near: started },
  );
  numbers(
    rows.map((row) => row.failure_started_at),
    { near: started },
  );
  numbers(
    rows.map((row) => row.settled_at),
    { near: ended },
  );
  numbers(
    rows.map((row) => row.timed_out),
    null,
  );
  texts(rows.map((row) => row.cause_kind));
  texts(rows.map((row) => row.cause_service));
  texts(rows.map((row) => row.cause_message));
  numbers(
    rows.map((row) => row.cause_status),
    null,
  );
  texts(rows.map((row) => row.cause_body));
  packStages(
    sink,
    rows.map((row) => row.stages),
  );
  texts(rows.map((row) => row.request_id));
  texts(rows.map((row) => row.server_id));
}

/**
 * Unpacks a block. Its numbers and texts are those that were packed, to the last digit.
 *
 * Blocks that `blockSchema` rejects are damage: a changed byte could change every sample after it.
 */
export function unpackBlock(block: unknown): Decoded<SampleBlock> {
  const decoded = decode(blockSchema, block);
  if ('damage' in decoded) return decoded;
  const { session, series, samples: count, data } = decoded.value;
  const source = createByteSource(data.subarray(1));
  const numbers = (prediction: Prediction) => unpackNumbers(source, count, prediction);
  const texts = () => unpackTexts(source, count);
  const seqs = numbers('steps');
  const due = numbers('steps');
  const started = numbers({ near: due });
  const ended = numbers({ near: started });
  const outcomes = texts();
  const extra = numbers(null);
  const slots = numbers(null);
  const lastKnownUp = numbers({ near: started });
  const failureStarted = numbers({ near: started });
  const settled = numbers({ near: ended });
  const timedOut = numbers(null);
  const causeKinds = texts();
  const causeServices = texts();
  const causeMessages = texts();
  const causeStatuses = numbers(null);
  const causeBodies = texts();
  const stages = unpackStages(source, count);
  const requestIds = texts();
  const serverIds = texts();
  const row = (index: number): SampleRow => ({
    session,
    series,
    seq: seqs[index] ?? 0,
    due_at: due[index] ?? 0,
    started_at: started[index] ?? 0,
    ended_at: ended[index] ?? 0,
    outcome: outcomes[index] ?? '',
    extra: extra[index] ?? 0,
    slots: slots[index] ?? null,
    last_known_up_at: lastKnownUp[index] ?? null,
    failure_started_at: failureStarted[index] ?? null,
    settled_at: settled[index] ?? null,
    timed_out: timedOut[index] ?? null,
    cause_kind: causeKinds[index] ?? null,
    cause_service: causeServices[index] ?? null,
    cause_message: causeMessages[index] ?? null,
    cause_status: causeStatuses[index] ?? null,
    cause_body: causeBodies[index] ?? null,
    stages: stages[index] ?? '',
    request_id: requestIds[index] ?? null,
    server_id: serverIds[index] ?? null,
  });
  return { value: { summary: decoded.value, count, row } };
}

/** Covers the columns as well: a block with the wrong series or time is as damaged as one with the wrong bytes. */
function checksumOf(summary: BlockSummary, data: Uint8Array): number {
  const { session, series, first_seq, last_seq, from_at, until_at, samples, failed } = summary;
  const columns = [session, series, first_seq, last_seq, from_at, until_at, samples, failed, summary.void];
  return crc32(data, crc32(columns.join(' ')));
}

const TEXTS = 0;
const COLUMNS = 1;

/** Packs a column of stages: which stages there are as a text, and each stage as a column of its own. */
function packStages(sink: ByteSink, column: readonly string[]): void {
  const parsed = column.map(parseStages);
  const stages = parsed.filter((found) => found !== null);
  if (stages.length < column.length) {
    sink.byte(TEXTS);
    packTexts(sink, column);
    return;
  }
  sink.byte(COLUMNS);
  packTexts(
    sink,
    stages.map((found) => JSON.stringify([...found.keys()])),
  );
  for (const name of new Set(stages.flatMap((found) => [...found.keys()])))
    packNumbers(
      sink,
      stages.map((found) => found.get(name) ?? null),
      null,
    );
}

const stagesSchema = z.record(z.string(), z.number());

/** Returns the stages of a sample; null if they cannot be written again as the same text. */
function parseStages(text: string): ReadonlyMap<string, number> | null {
  const parsed = decode(json.pipe(stagesSchema), text);
  if ('damage' in parsed) return null;
  const stages = new Map(Object.entries(parsed.value));
  return stagesText(stages) === text ? stages : null;
}

const stagesText = (stages: Iterable<readonly [string, number]>): string => JSON.stringify(Object.fromEntries(stages));

const namesSchema = json.pipe(z.array(z.string()));

function unpackStages(source: ByteSource, count: number): Texts {
  if (source.byte() === TEXTS) return unpackTexts(source, count);
  const shapes = unpackTexts(source, count);
  const distinct = new Map([...new Set(shapes)].map((shape) => [shape, namesSchema.parse(shape)]));
  const columns = new Map<string, Numbers>();
  for (const name of new Set([...distinct.values()].flat())) columns.set(name, unpackNumbers(source, count, null));
  return shapes.map((shape, index) =>
    stagesText((distinct.get(shape) ?? []).map((name) => [name, columns.get(name)?.[index] ?? 0])),
  );
}
