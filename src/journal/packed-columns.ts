/**
 * Columns of numbers and texts in few bytes. Everything that is packed is unpacked exactly as it was: a number that is
 * no integer in any of `SCALES` keeps the bytes of its double.
 */

import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { z } from 'zod';

export type Numbers = readonly (number | null)[];
export type Texts = readonly (string | null)[];
/** Indexes of rows, ascending. */
export type Rows = readonly number[];

export type ByteSink = {
  byte(value: number): void;
  /** Writes an integer from -2^52 to 2^53. */
  integer(value: number): void;
  /** Writes bytes, deflated if that saves any. */
  bytes(value: Uint8Array): void;
  finish(): Uint8Array;
};

export function createByteSink(): ByteSink {
  const parts: Uint8Array[] = [];
  let open: number[] = [];

  function integer(value: number): void {
    let rest = value < 0 ? -2 * value - 1 : 2 * value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) open.push((rest % 0x80) + 0x80);
    open.push(rest);
  }

  return {
    byte: (value) => void open.push(value),
    integer,
    bytes(value) {
      const deflated = shortest(value);
      const isDeflated = deflated.length < value.length;
      const written = isDeflated ? deflated : value;
      open.push(isDeflated ? 1 : 0);
      integer(written.length);
      parts.push(Uint8Array.from(open), written);
      open = [];
    },
    finish: () => Buffer.concat([...parts, Uint8Array.from(open)]),
  };
}

/** Deflates with and without references to earlier bytes: those make a column of noise longer. */
function shortest(bytes: Uint8Array): Uint8Array {
  const matched = deflateRawSync(bytes, { level: 9 });
  const entropyOnly = deflateRawSync(bytes, { level: 9, strategy: constants.Z_HUFFMAN_ONLY });
  return entropyOnly.length < matched.length ? entropyOnly : matched;
}

export type ByteSource = { byte(): number; integer(): number; bytes(): Uint8Array };

/** The methods throw a RangeError at the end of the bytes. */
export function createByteSource(bytes: Uint8Array): ByteSource {
  let at = 0;

  function byte(): number {
    const value = bytes[at++];
    if (value === undefined) throw new RangeError('unexpected end');
    return value;
  }

  function integer(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const next = byte();
      value += (next % 0x80) * factor;
      if (next < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  }

  return {
    byte,
    integer,
    bytes() {
      const isDeflated = byte() === 1;
      const length = integer();
      if (at + length > bytes.length) throw new RangeError('unexpected end');
      const read = bytes.subarray(at, at + length);
      at += length;
      return isDeflated ? inflateRawSync(read) : read;
    },
  };
}

/**
 * Units in which numbers may be integers. Timestamps in milliseconds are multiples of 1/4096 until the year 2039,
 * and of 1/2048 until 2109, because doubles of that size have no smaller steps. Stages are such durations divided by
 * 1000.
 */
const SCALES: readonly {
  readonly toInteger: (value: number) => number;
  readonly toValue: (integer: number) => number;
}[] = [
  { toInteger: (value) => Math.round(value), toValue: (integer) => integer },
  { toInteger: (value) => Math.round(value * 1e6), toValue: (integer) => integer / 1e6 },
  { toInteger: (value) => Math.round(value * 4096), toValue: (integer) => integer / 4096 },
  { toInteger: (value) => Math.round(value * 2048), toValue: (integer) => integer / 2048 },
  { toInteger: (value) => Math.round(value * 4_096_000), toValue: (integer) => integer / 4096 / 1000 },
];
const DOUBLES = 255;
/** Sums of three such integers are exact. */
const MAX_INTEGER = 2 ** 51;

/** What the numbers of a column are close to: the column `near`, or each the one before plus a constant step. */
export type Prediction = { readonly near: Numbers } | 'steps' | null;

/** Packs a column of numbers. The same prediction must be given to unpack it. */
export function packNumbers(sink: ByteSink, column: Numbers, prediction: Prediction): void {
  const rows = packPresence(sink, column);
  const values = rows.map((row) => column[row] ?? 0);
  if (values.length === 0) return;
  const near = nearOf(prediction, rows);
  for (const [scale, unit] of SCALES.entries()) {
    const integers = exactIntegers(values, unit);
    const bases = near?.map(unit.toInteger) ?? null;
    if (integers === null || bases?.every(Number.isSafeInteger) === false) continue;
    const found =
      prediction === 'steps' ? fromSteps(integers) : { origin: 0, step: 0, residuals: less(integers, bases) };
    const { origin, step, residuals } = found;
    const least = minimum(residuals);
    const range = -minimum(residuals.map((residual) => least - residual));
    if (origin < -MAX_INTEGER || ![step, least, range].every((integer) => Math.abs(integer) <= MAX_INTEGER)) continue;
    const width = widthOf(range);
    sink.byte(scale);
    for (const integer of [origin, step, least, width]) sink.integer(integer);
    packPlanes(sink, { rows: rows.length, width }, (row, plane) =>
      Math.floor(((residuals[row] ?? 0) - least) / 256 ** plane),
    );
    return;
  }
  sink.byte(DOUBLES);
  const doubles = Buffer.alloc(8 * values.length);
  for (const [row, value] of values.entries()) doubles.writeDoubleLE(value, 8 * row);
  packPlanes(sink, { rows: rows.length, width: 8 }, (row, plane) => doubles[8 * row + plane] ?? 0);
}

/** Unpacks a number per row; `all` are the indexes of the rows. */
export function unpackNumbers(source: ByteSource, all: Rows, prediction: Prediction): Numbers {
  const rows = unpackPresence(source, all);
  const column = new Array<number | null>(all.length).fill(null);
  if (rows.length === 0) return column;
  const scale = source.byte();
  if (scale === DOUBLES) {
    const doubles = unpackPlanes(source, 8);
    for (const [index, row] of rows.entries())
      column[row] = Buffer.from(doubles.map((plane) => plane[index] ?? 0)).readDoubleLE();
    return column;
  }
  const unit = SCALES[scale];
  if (unit === undefined) throw new RangeError('unknown scale');
  const [origin, step, least, width] = [source.integer(), source.integer(), source.integer(), source.integer()];
  const planes = unpackPlanes(source, width);
  const near = nearOf(prediction, rows);
  const residuals = new Array<number>(rows.length).fill(least);
  let factor = 1;
  for (const plane of planes) {
    for (let index = 0; index < residuals.length; index++)
      residuals[index] = (residuals[index] ?? 0) + (plane[index] ?? 0) * factor;
    factor *= 256;
  }
  let before = origin;
  for (const [index, row] of rows.entries()) {
    let integer = residuals[index] ?? 0;
    if (near !== null) integer += unit.toInteger(near[index] ?? 0);
    if (prediction === 'steps') {
      integer = index === 0 ? origin : before + (integer + step);
      before = integer;
    }
    column[row] = unit.toValue(integer);
  }
  return column;
}

/** Packs a column with the prediction that it is closest to, and writes which one that is. */
export function packNearest(sink: ByteSink, column: Numbers, predictions: readonly Numbers[]): void {
  const errors = predictions.map((near) => spread(column, near));
  const best = Math.max(0, errors.indexOf(minimum(errors)));
  sink.integer(best);
  packNumbers(sink, column, { near: predictions[best] ?? [] });
}

/** Unpacks a column that `packNearest` has packed with the same predictions. */
export const unpackNearest = (source: ByteSource, all: Rows, predictions: readonly Numbers[]): Numbers =>
  unpackNumbers(source, all, { near: predictions[source.integer()] ?? [] });

/** Returns the mean distance of the differences of two columns from their median. */
function spread(column: Numbers, near: Numbers): number {
  const differences = column.flatMap((value, row) => (value === null ? [] : [value - (near[row] ?? 0)]));
  const median = differences.toSorted((a, b) => a - b)[Math.floor(differences.length / 2)] ?? 0;
  return differences.reduce((sum, difference) => sum + Math.abs(difference - median), 0);
}

const nearOf = (prediction: Prediction, rows: Rows): readonly number[] | null =>
  prediction === null || prediction === 'steps' ? null : rows.map((row) => prediction.near[row] ?? 0);

function exactIntegers(
  values: readonly number[],
  { toInteger, toValue }: (typeof SCALES)[number],
): readonly number[] | null {
  const integers: number[] = [];
  for (const value of values) {
    const integer = toInteger(value);
    const isExact = Number.isSafeInteger(integer) && toValue(integer) === value && !Object.is(value, -0);
    if (!isExact) return null;
    integers.push(integer);
  }
  return integers;
}

const less = (integers: readonly number[], bases: readonly number[] | null): readonly number[] =>
  bases === null ? integers : integers.map((integer, index) => integer - (bases[index] ?? 0));

/** Returns how much each integer differs from the one before plus the usual step; the first is the origin. */
function fromSteps(integers: readonly number[]) {
  const origin = integers[0] ?? 0;
  const steps = integers.slice(1).map((integer, index) => integer - (integers[index] ?? 0));
  const step = steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
  return { origin, step, residuals: [0, ...steps.map((found) => found - step)] };
}

const minimum = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b), Infinity);

function widthOf(most: number): number {
  let width = 0;
  for (let rest = most; rest > 0; rest = Math.floor(rest / 256)) width++;
  return width;
}

/** Writes the lowest bytes of all rows, then the next ones: bytes of one significance deflate best together. */
function packPlanes(
  sink: ByteSink,
  { rows, width }: { readonly rows: number; readonly width: number },
  byteOf: (row: number, plane: number) => number,
): void {
  for (let plane = 0; plane < width; plane++) {
    const bytes = new Uint8Array(rows);
    for (let row = 0; row < rows; row++) bytes[row] = byteOf(row, plane) % 256;
    sink.bytes(bytes);
  }
}

const unpackPlanes = (source: ByteSource, width: number): readonly Uint8Array[] =>
  Array.from({ length: width }, () => source.bytes());

/** Writes which rows of a column are not null, and returns them. */
function packPresence(sink: ByteSink, column: Numbers | Texts): Rows {
  const rows = [...column.keys()].filter((row) => column[row] !== null);
  if (rows.length === 0 || rows.length === column.length) {
    sink.byte(rows.length === 0 ? NONE : ALL);
    return rows;
  }
  sink.byte(SOME);
  const bits = new Uint8Array(Math.ceil(column.length / 8));
  for (const row of rows) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7));
  sink.bytes(bits);
  return rows;
}

const NONE = 0;
const ALL = 1;
const SOME = 2;

function unpackPresence(source: ByteSource, all: Rows): Rows {
  const kind = source.byte();
  if (kind !== SOME) return kind === ALL ? all : [];
  const bits = source.bytes();
  return all.filter((row) => ((bits[row >> 3] ?? 0) & (1 << (row & 7))) !== 0);
}

const DICTIONARY = 0;
const UUIDS = 1;
const UUID_PREFIXES = ['', 'req-'];
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Packs a column of texts: UUIDs, also those of requests, in 16 bytes each, other texts as a dictionary. */
export function packTexts(sink: ByteSink, column: Texts): void {
  const distinct = [...new Set(column)];
  const prefix = distinct.length < 2 ? -1 : UUID_PREFIXES.findIndex((start) => distinct.every(isUuidAfter(start)));
  if (prefix === -1) {
    sink.byte(DICTIONARY);
    const places = new Map(distinct.map((text, place) => [text, place]));
    sink.bytes(Buffer.from(JSON.stringify(distinct)));
    packNumbers(
      sink,
      column.map((text) => places.get(text) ?? 0),
      null,
    );
    return;
  }
  sink.byte(UUIDS);
  sink.byte(prefix);
  const rows = packPresence(sink, column);
  const start = UUID_PREFIXES[prefix] ?? '';
  const uuids = rows.map((row) => Buffer.from((column[row] ?? '').slice(start.length).replaceAll('-', ''), 'hex'));
  packPlanes(sink, { rows: uuids.length, width: 16 }, (row, plane) => uuids[row]?.[plane] ?? 0);
}

const isUuidAfter = (prefix: string) => (text: string | null) =>
  text === null || (text.startsWith(prefix) && UUID.test(text.slice(prefix.length)));

const dictionarySchema = z.array(z.string().nullable());

/** Unpacks a text per row. */
export function unpackTexts(source: ByteSource, all: Rows): Texts {
  if (source.byte() === DICTIONARY) {
    const distinct = dictionarySchema.parse(JSON.parse(Buffer.from(source.bytes()).toString()));
    return unpackNumbers(source, all, null).map((place) => distinct[place ?? 0] ?? null);
  }
  const prefix = UUID_PREFIXES[source.byte()] ?? '';
  const rows = unpackPresence(source, all);
  const planes = unpackPlanes(source, 16);
  const column = new Array<string | null>(all.length).fill(null);
  for (const [index, row] of rows.entries()) {
    const hex = Buffer.from(planes.map((plane) => plane[index] ?? 0)).toString('hex');
    column[row] =
      `${prefix}${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }
  return column;
}
