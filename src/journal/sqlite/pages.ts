import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** A row as it lies in a page: `rowid` is null in a table without one, and in an index. */
export type RawRow = { readonly rowid: number | null; readonly values: readonly RawValue[] };
export type RawValue = number | string | Uint8Array | null;

/** Where the rows come from: a page that holds any, and how many of its rows are unreadable. */
export type RawPage = { readonly page: number; readonly rows: readonly RawRow[]; readonly unreadable: number };

const PAGE_SIZE = 4096;
const FILE_HEADER = 100;
const LOG_HEADER = 32;
const FRAME_HEADER = 24;
/** The kinds of pages that hold rows: https://sqlite.org/fileformat2.html#b_tree_pages */
const TABLE_LEAF = 0x0d;
const INDEX_LEAF = 0x0a;
const INDEX_INTERIOR = 0x02;
/** No row of a journal is as long as this; a length beyond it is damage. */
const ROW_MOST = 64 * 1024 * 1024;

/**
 * Reads the rows of a SQLite database page by page, without the tree that leads to them: what is in a whole page is
 * found even where the header, the schema or every page above it is damaged. What is committed to the log (FILE-wal)
 * counts instead of the page in the file. Pages that are free may give rows that were moved, or their former state.
 */
export function* readPages(file: string): Generator<RawPage> {
  const main = openSync(file, 'r');
  const log = openLog(`${file}-wal`);
  try {
    const bytes = fstatSync(main).size;
    const pageSize = pageSizeOf(readAt(main, { from: 0, length: FILE_HEADER }));
    const frames = log === null ? new Map<number, number>() : framesOf(log, pageSize);
    const count = Math.max(Math.ceil(bytes / pageSize), ...frames.keys());
    const page = (number: number): Buffer => {
      const frame = frames.get(number);
      const [from, at] = frame === undefined || log === null ? [main, (number - 1) * pageSize] : [log, frame];
      return readAt(from, { from: at, length: pageSize });
    };
    for (let number = 1; number <= count; number++) {
      const found = rowsOf(page(number), { number, pageSize, count, page });
      if (found !== null) yield found;
    }
  } finally {
    closeSync(main);
    if (log !== null) closeSync(log);
  }
}

function openLog(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch {
    return null;
  }
}

/** Shorter at the end of the file. */
function readAt(descriptor: number, { from, length }: { from: number; length: number }): Buffer {
  const buffer = Buffer.alloc(length);
  return buffer.subarray(0, readSync(descriptor, buffer, 0, length, from));
}

function pageSizeOf(header: Buffer): number {
  if (header.length < FILE_HEADER || !header.toString('latin1').startsWith('SQLite format 3\0')) return PAGE_SIZE;
  const size = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  return size >= 512 && Number.isInteger(Math.log2(size)) ? size : PAGE_SIZE;
}

/** Where the last committed state of each page lies in the log: https://sqlite.org/fileformat2.html#walformat */
function framesOf(log: number, pageSize: number): Map<number, number> {
  const committed = new Map<number, number>();
  const header = readAt(log, { from: 0, length: LOG_HEADER });
  if (header.length < LOG_HEADER || header.readUInt32BE(8) !== pageSize) return committed;
  const salt = header.subarray(16, 24);
  let open: [number, number][] = [];
  for (let at = LOG_HEADER; ; at += FRAME_HEADER + pageSize) {
    const frame = readAt(log, { from: at, length: FRAME_HEADER });
    if (frame.length < FRAME_HEADER || !frame.subarray(8, 16).equals(salt)) return committed;
    open.push([frame.readUInt32BE(0), at + FRAME_HEADER]);
    if (frame.readUInt32BE(4) === 0) continue;
    for (const [number, place] of open) committed.set(number, place);
    open = [];
  }
}

type PageContext = {
  readonly number: number;
  readonly pageSize: number;
  readonly count: number;
  readonly page: (number: number) => Buffer;
};

function rowsOf(bytes: Buffer, context: PageContext): RawPage | null {
  const head = context.number === 1 ? FILE_HEADER : 0;
  const kind = bytes[head];
  if (bytes.length < context.pageSize) return null;
  if (kind !== TABLE_LEAF && kind !== INDEX_LEAF && kind !== INDEX_INTERIOR) return null;
  const count = bytes.readUInt16BE(head + 3);
  const first = head + (kind === INDEX_INTERIOR ? 12 : 8);
  if (first + 2 * count > bytes.length) return { page: context.number, rows: [], unreadable: 1 };
  const rows: RawRow[] = [];
  let unreadable = 0;
  for (let index = 0; index < count; index++) {
    const row = rowAt(bytes, { at: bytes.readUInt16BE(first + 2 * index), kind, context });
    if (row === null) unreadable++;
    else rows.push(row);
  }
  return { page: context.number, rows, unreadable };
}

type Cell = { readonly at: number; readonly kind: number; readonly context: PageContext };

function rowAt(bytes: Buffer, { at, kind, context }: Cell): RawRow | null {
  try {
    const reader = createReader(bytes, at + (kind === INDEX_INTERIOR ? 4 : 0));
    const length = reader.varint();
    if (length > ROW_MOST) return null;
    const rowid = kind === TABLE_LEAF ? reader.varint() : null;
    const payload = payloadAt(bytes, { at: reader.at(), length, table: kind === TABLE_LEAF, context });
    const values = payload === null ? null : valuesOf(payload);
    return values === null ? null : { rowid, values };
  } catch (error) {
    // Beyond the end of the page
    if (error instanceof RangeError) return null;
    throw error;
  }
}

type Payload = { readonly at: number; readonly length: number; readonly table: boolean; readonly context: PageContext };

/** What does not fit into the page lies in a chain of overflow pages. */
function payloadAt(bytes: Buffer, { at, length, table, context }: Payload): Buffer | null {
  const { pageSize, count, page } = context;
  const most = table ? pageSize - 35 : Math.floor(((pageSize - 12) * 64) / 255) - 23;
  if (length <= most) return at + length <= bytes.length ? bytes.subarray(at, at + length) : null;
  const least = Math.floor(((pageSize - 12) * 32) / 255) - 23;
  const fitting = least + ((length - least) % (pageSize - 4));
  const local = fitting <= most ? fitting : least;
  const parts = [bytes.subarray(at, at + local)];
  let left = length - local;
  let next = bytes.readUInt32BE(at + local);
  while (left > 0) {
    if (next < 2 || next > count) return null;
    const overflow = page(next);
    const part = overflow.subarray(4, 4 + Math.min(left, pageSize - 4));
    if (part.length === 0) return null;
    parts.push(part);
    left -= part.length;
    next = overflow.readUInt32BE(0);
  }
  return Buffer.concat(parts);
}

/** https://sqlite.org/fileformat2.html#record_format */
function valuesOf(payload: Buffer): readonly RawValue[] | null {
  const head = createReader(payload, 0);
  const size = head.varint();
  const values: RawValue[] = [];
  let at = size;
  while (head.at() < size) {
    const type = head.varint();
    const length = lengthOf(type);
    if (length === null || at + length > payload.length) return null;
    values.push(readValue(payload.subarray(at, at + length), type));
    at += length;
  }
  return at === payload.length ? values : null;
}

const INTEGERS = [0, 1, 2, 3, 4, 6, 8];

function lengthOf(type: number): number | null {
  if (type >= 12) return Math.floor((type - 12) / 2);
  if (type === 8 || type === 9) return 0;
  return type === 7 ? 8 : (INTEGERS[type] ?? null);
}

function readValue(bytes: Buffer, type: number): RawValue {
  if (type === 0) return null;
  if (type === 7) return bytes.readDoubleBE(0);
  if (type === 8 || type === 9) return type - 8;
  if (type >= 12) return type % 2 === 0 ? Uint8Array.from(bytes) : bytes.toString('utf8');
  // Beyond 2^53 it is no number of ours, and exact or not makes no difference.
  return type === 6 ? Number(bytes.readBigInt64BE(0)) : bytes.readIntBE(0, bytes.length);
}

function createReader(bytes: Buffer, start: number): { at(): number; varint(): number } {
  let at = start;
  return {
    at: () => at,
    /** @throws RangeError beyond the end */
    varint() {
      let value = 0;
      for (let index = 0; index < 9; index++) {
        const byte = bytes.readUInt8(at++);
        if (index === 8) return value * 256 + byte;
        value = value * 128 + (byte & 0x7f);
        if (byte < 0x80) break;
      }
      return value;
    },
  };
}
