import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** A row as stored in a page. `rowid` is null in index pages and in tables without rowid. */
export type RawRow = { readonly rowid: number | null; readonly values: readonly RawValue[] };
export type RawValue = number | string | Uint8Array | null;

/** The rows of a page, and the number of its rows that are unreadable. Pages are numbered from 1. */
export type RawPage = { readonly page: number; readonly rows: readonly RawRow[]; readonly unreadable: number };

/** The page size of databases that Rollwatch creates; assumed if the file header is damaged. */
const DEFAULT_PAGE_BYTES = 4096;
const FILE_HEADER_BYTES = 100;
const LOG_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
/** The types of pages with rows: https://sqlite.org/fileformat2.html#b_tree_pages */
const TABLE_LEAF = 0x0d;
const INDEX_LEAF = 0x0a;
const INDEX_INTERIOR = 0x02;
/** A greater length is damage. */
const MAX_ROW_BYTES = 64 * 1024 * 1024;

/**
 * Reads the rows of a SQLite database page by page without its B-trees, so that rows in intact pages are found even if
 * the header, the schema or all interior pages are damaged. Pages committed to the write-ahead log (FILE-wal) replace
 * those in the file. Free pages may yield rows that were moved, or outdated versions of rows.
 */
export function* readPages(file: string): Generator<RawPage> {
  const main = openSync(file, 'r');
  const log = openLog(`${file}-wal`);
  try {
    const bytes = fstatSync(main).size;
    const pageSize = pageSizeOf(readAt(main, { from: 0, length: FILE_HEADER_BYTES }));
    const frames = log === null ? new Map<number, number>() : committedFrames(log, pageSize);
    const count = Math.max(Math.ceil(bytes / pageSize), ...frames.keys());
    const page = (number: number): Buffer => {
      const frame = frames.get(number);
      const [source, at] = frame === undefined || log === null ? [main, (number - 1) * pageSize] : [log, frame];
      return readAt(source, { from: at, length: pageSize });
    };
    for (let number = 1; number <= count; number++) {
      const rows = rowsOf(page(number), { number, pageSize, count, page });
      if (rows !== null) yield rows;
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

/** Reads `length` bytes of a file, or fewer at its end. */
function readAt(descriptor: number, { from, length }: { from: number; length: number }): Buffer {
  const buffer = Buffer.alloc(length);
  return buffer.subarray(0, readSync(descriptor, buffer, 0, length, from));
}

function pageSizeOf(header: Buffer): number {
  if (header.length < FILE_HEADER_BYTES || !header.toString('latin1').startsWith('SQLite format 3\0'))
    return DEFAULT_PAGE_BYTES;
  const size = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  return size >= 512 && Number.isInteger(Math.log2(size)) ? size : DEFAULT_PAGE_BYTES;
}

/** Returns the log offset of each page's last committed version: https://sqlite.org/fileformat2.html#walformat */
function committedFrames(log: number, pageSize: number): Map<number, number> {
  const committed = new Map<number, number>();
  const header = readAt(log, { from: 0, length: LOG_HEADER_BYTES });
  if (header.length < LOG_HEADER_BYTES || header.readUInt32BE(8) !== pageSize) return committed;
  const salt = header.subarray(16, 24);
  let uncommitted: [number, number][] = [];
  for (let at = LOG_HEADER_BYTES; ; at += FRAME_HEADER_BYTES + pageSize) {
    const frame = readAt(log, { from: at, length: FRAME_HEADER_BYTES });
    if (frame.length < FRAME_HEADER_BYTES || !frame.subarray(8, 16).equals(salt)) return committed;
    uncommitted.push([frame.readUInt32BE(0), at + FRAME_HEADER_BYTES]);
    // Only the last frame of a transaction has the size of the database here.
    if (frame.readUInt32BE(4) === 0) continue;
    for (const [number, offset] of uncommitted) committed.set(number, offset);
    uncommitted = [];
  }
}

type PageContext = {
  readonly number: number;
  readonly pageSize: number;
  readonly count: number;
  readonly page: (number: number) => Buffer;
};

function rowsOf(bytes: Buffer, context: PageContext): RawPage | null {
  const header = context.number === 1 ? FILE_HEADER_BYTES : 0;
  const type = bytes[header];
  if (bytes.length < context.pageSize) return null;
  if (type !== TABLE_LEAF && type !== INDEX_LEAF && type !== INDEX_INTERIOR) return null;
  const count = bytes.readUInt16BE(header + 3);
  const pointers = header + (type === INDEX_INTERIOR ? 12 : 8);
  if (pointers + 2 * count > bytes.length) return { page: context.number, rows: [], unreadable: 1 };
  const rows: RawRow[] = [];
  let unreadable = 0;
  for (let index = 0; index < count; index++) {
    const row = rowAt(bytes, { at: bytes.readUInt16BE(pointers + 2 * index), type, context });
    if (row === null) unreadable++;
    else rows.push(row);
  }
  return { page: context.number, rows, unreadable };
}

type CellPosition = { readonly at: number; readonly type: number; readonly context: PageContext };

function rowAt(bytes: Buffer, { at, type, context }: CellPosition): RawRow | null {
  try {
    const reader = createReader(bytes, at + (type === INDEX_INTERIOR ? 4 : 0));
    const length = reader.varint();
    if (length > MAX_ROW_BYTES) return null;
    const rowid = type === TABLE_LEAF ? reader.varint() : null;
    const payload = payloadAt(bytes, { at: reader.at(), length, table: type === TABLE_LEAF, context });
    const values = payload === null ? null : valuesOf(payload);
    return values === null ? null : { rowid, values };
  } catch (error) {
    // The cell extends beyond the page.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

type Payload = { readonly at: number; readonly length: number; readonly table: boolean; readonly context: PageContext };

/**
 * Returns a cell's payload, following its chain of overflow pages; null if it is cut off. The formula for the bytes
 * within the page is from https://sqlite.org/fileformat2.html#cell_payload_overflow_pages
 */
function payloadAt(bytes: Buffer, { at, length, table, context }: Payload): Buffer | null {
  const { pageSize, count, page } = context;
  const maxLocal = table ? pageSize - 35 : Math.floor(((pageSize - 12) * 64) / 255) - 23;
  if (length <= maxLocal) return at + length <= bytes.length ? bytes.subarray(at, at + length) : null;
  const minLocal = Math.floor(((pageSize - 12) * 32) / 255) - 23;
  const surplus = minLocal + ((length - minLocal) % (pageSize - 4));
  const local = surplus <= maxLocal ? surplus : minLocal;
  const parts = [bytes.subarray(at, at + local)];
  let remaining = length - local;
  let nextPage = bytes.readUInt32BE(at + local);
  while (remaining > 0) {
    if (nextPage < 2 || nextPage > count) return null;
    const overflow = page(nextPage);
    const part = overflow.subarray(4, 4 + Math.min(remaining, pageSize - 4));
    if (part.length === 0) return null;
    parts.push(part);
    remaining -= part.length;
    nextPage = overflow.readUInt32BE(0);
  }
  return Buffer.concat(parts);
}

/** Returns the values of a record; null if it is malformed: https://sqlite.org/fileformat2.html#record_format */
function valuesOf(payload: Buffer): readonly RawValue[] | null {
  const header = createReader(payload, 0);
  const headerLength = header.varint();
  const values: RawValue[] = [];
  let at = headerLength;
  while (header.at() < headerLength) {
    const type = header.varint();
    const length = lengthOf(type);
    if (length === null || at + length > payload.length) return null;
    values.push(readValue(payload.subarray(at, at + length), type));
    at += length;
  }
  return at === payload.length ? values : null;
}

/** Bytes of an integer by its serial type; type 0 is null. */
const INTEGER_BYTES = [0, 1, 2, 3, 4, 6, 8];

function lengthOf(type: number): number | null {
  if (type >= 12) return Math.floor((type - 12) / 2);
  if (type === 8 || type === 9) return 0;
  return type === 7 ? 8 : (INTEGER_BYTES[type] ?? null);
}

function readValue(bytes: Buffer, type: number): RawValue {
  if (type === 0) return null;
  if (type === 7) return bytes.readDoubleBE(0);
  if (type === 8 || type === 9) return type - 8;
  if (type >= 12) return type % 2 === 0 ? Uint8Array.from(bytes) : bytes.toString('utf8');
  // The rounding does not matter: no column of a journal has valid values beyond 2^53.
  return type === 6 ? Number(bytes.readBigInt64BE(0)) : bytes.readIntBE(0, bytes.length);
}

function createReader(bytes: Buffer, start: number): { at(): number; varint(): number } {
  let at = start;
  return {
    at: () => at,
    /** @throws RangeError at the end of the bytes */
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
