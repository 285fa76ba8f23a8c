import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { type Decoded, decode, timestamp } from './decode.ts';
import {
  type ByteSink,
  type ByteSource,
  createByteSink,
  createByteSource,
  type Numbers,
  type Prediction,
  packNearest,
  packNumbers,
  packTexts,
  type Rows,
  unpackNearest,
  unpackNumbers,
  unpackTexts,
} from './packed-columns.ts';
import { packStages, stageEnds, unpackStages } from './packed-stages.ts';
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
  /** Returns the place of a sample in that order. */
  place(index: number): SamplePlace;
  /** Returns a sample; the first call unpacks the other columns. */
  row(index: number): SampleRow;
};

export type SamplePlace = Pick<SampleRow, 'started_at' | 'seq' | 'series'>;

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
  const numbers = (of: (row: SampleRow) => number | null, prediction: Prediction): Numbers => {
    const column = rows.map(of);
    packNumbers(sink, column, prediction);
    return column;
  };
  const texts = (of: (row: SampleRow) => string | null) => packTexts(sink, rows.map(of));
  numbers((row) => row.seq, 'steps');
  const due = numbers((row) => row.due_at, 'steps');
  const started = numbers((row) => row.started_at, { near: due });
  const lastKnownUp = numbers((row) => row.last_known_up_at, { near: started });
  const failureStarted = numbers((row) => row.failure_started_at, { near: started });
  const durations = packStages(
    sink,
    rows.map((row) => row.stages),
  );
  const settled = rows.map((row) => row.settled_at);
  const times = likelyTimes({ started, lastKnownUp, failureStarted, durations });
  packNearest(sink, settled, times);
  packNearest(
    sink,
    rows.map((row) => row.ended_at),
    [settled.map((at, row) => at ?? started[row] ?? 0), ...times],
  );
  texts((row) => row.outcome);
  numbers((row) => row.extra, null);
  numbers((row) => row.slots, null);
  numbers((row) => row.timed_out, null);
  texts((row) => row.cause_kind);
  texts((row) => row.cause_service);
  texts((row) => row.cause_message);
  numbers((row) => row.cause_status, null);
  texts((row) => row.cause_body);
  texts((row) => row.request_id);
  texts((row) => row.server_id);
}

type Times = {
  readonly started: Numbers;
  readonly lastKnownUp: Numbers;
  readonly failureStarted: Numbers;
  readonly durations: readonly (readonly number[])[];
};

/** Returns the times near which a sample settles or ends: each end of a stage since it was started, or sent. */
function likelyTimes({ started, lastKnownUp, failureStarted, durations }: Times): readonly Numbers[] {
  const sent = started.map((at, row) => lastKnownUp[row] ?? failureStarted[row] ?? at);
  return [...stageEnds(sent, durations), ...stageEnds(started, durations)];
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
  const rows = Array.from({ length: count }, (_, index) => index);
  const numbers = (prediction: Prediction) => unpackNumbers(source, rows, prediction);
  const seqs = numbers('steps');
  const due = numbers('steps');
  const started = numbers({ near: due });
  const place = (index: number): SamplePlace => ({
    started_at: started[index] ?? 0,
    seq: seqs[index] ?? 0,
    series,
  });
  let unpacked: ((index: number) => SampleRow) | null = null;
  const row = (index: number): SampleRow => {
    unpacked ??= unpackRows(source, { session, series, rows, seqs, due, started });
    return unpacked(index);
  };
  return { value: { summary: decoded.value, count, place, row } };
}

type FirstColumns = {
  readonly session: number;
  readonly series: number;
  readonly rows: Rows;
  readonly seqs: Numbers;
  readonly due: Numbers;
  readonly started: Numbers;
};

/** Unpacks the columns that follow the first three, and returns a function that returns a row. */
function unpackRows(source: ByteSource, { session, series, rows, seqs, due, started }: FirstColumns) {
  const numbers = (prediction: Prediction) => unpackNumbers(source, rows, prediction);
  const texts = () => unpackTexts(source, rows);
  const lastKnownUp = numbers({ near: started });
  const failureStarted = numbers({ near: started });
  const stages = unpackStages(source, rows);
  const times = likelyTimes({ started, lastKnownUp, failureStarted, durations: stages.durations });
  const settled = unpackNearest(source, rows, times);
  const ended = unpackNearest(source, rows, [settled.map((at, index) => at ?? started[index] ?? 0), ...times]);
  const outcomes = texts();
  const extra = numbers(null);
  const slots = numbers(null);
  const timedOut = numbers(null);
  const causeKinds = texts();
  const causeServices = texts();
  const causeMessages = texts();
  const causeStatuses = numbers(null);
  const causeBodies = texts();
  const requestIds = texts();
  const serverIds = texts();
  return (index: number): SampleRow => ({
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
    stages: stages.texts[index] ?? '',
    request_id: requestIds[index] ?? null,
    server_id: serverIds[index] ?? null,
  });
}

/** Covers the columns as well: a block with the wrong series or time is as damaged as one with the wrong bytes. */
function checksumOf(summary: BlockSummary, data: Uint8Array): number {
  const { session, series, first_seq, last_seq, from_at, until_at, samples, failed } = summary;
  const columns = [session, series, first_seq, last_seq, from_at, until_at, samples, failed, summary.void];
  return crc32(data, crc32(columns.join(' ')));
}
