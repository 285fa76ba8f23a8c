import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';

/** A file's text, or the reason why it cannot be used, worded for an error message. */
export type FileText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'absent' }
  /** The file cannot be opened or read: a directory, or no permission. */
  | { readonly kind: 'unreadable'; readonly reason: string }
  /** Readable, but not a text file within the size limit. */
  | { readonly kind: 'invalid'; readonly reason: string };

export type ReadOptions = {
  /** The size limit, in bytes. */
  readonly maxBytes?: number;
  /** Accepts bytes that are not UTF-8: certificate bundles may contain comments in any encoding. */
  readonly anyEncoding?: boolean;
  /** How long to wait for a pipe to be written and closed. */
  readonly pipeTimeoutMs?: number;
};

const KIB = 1024;
const MIB = 1024 * KIB;

/** Twice the size of a file with a thousand clouds. */
const SETTINGS_MAX_BYTES = 512 * KIB;
export const SECRET_MAX_BYTES = 64 * KIB;
/** A system's CA bundle takes about 256 KiB. */
export const CERTIFICATES_MAX_BYTES = 8 * MIB;

const PIPE_TIMEOUT_MS = 5000;
const PIPE_POLL_MS = 10;
const READ_CHUNK_BYTES = 64 * KIB;

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  ELOOP: 'too many levels of symbolic links',
  ENAMETOOLONG: 'its name is too long',
  ERR_INVALID_ARG_VALUE: 'its name contains a NUL character',
};

/**
 * Reads a whole file, following symbolic links. Reads a pipe (`/dev/stdin`, `<(...)`) for at most `pipeTimeoutMs`.
 * Treats `/dev/null` as empty; rejects sockets and other devices. Stops reading at `maxBytes`.
 */
export function readText(
  file: string,
  { maxBytes: limit = SETTINGS_MAX_BYTES, anyEncoding = false, pipeTimeoutMs = PIPE_TIMEOUT_MS }: ReadOptions = {},
): FileText {
  let descriptor: number | null = null;
  try {
    // Without O_NONBLOCK, opening a pipe blocks until its other end is opened.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stats = fstatSync(descriptor);
    if (stats.isDirectory()) return { kind: 'unreadable', reason: REASONS['EISDIR'] ?? '' };
    if (stats.isFIFO()) return decode(readPipe(descriptor, { limit, pipeTimeoutMs }), anyEncoding);
    const isEmptyDevice = stats.isCharacterDevice() && stats.rdev === statSync('/dev/null').rdev;
    if (!stats.isFile() && !isEmptyDevice) return invalid('it is a device, not a file');
    return decode(stats.size > limit ? tooLarge(limit) : readFile(descriptor, limit), anyEncoding);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'absent' };
    if (code === 'ENXIO') return invalid('it is a socket or a device, not a file');
    return { kind: 'unreadable', reason: REASONS[code] ?? code };
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

/** Says why a required file cannot be used: "cannot be read: permission denied" or "does not exist". */
export const readProblem = (found: Exclude<FileText, { kind: 'text' }>): string =>
  found.kind === 'absent' ? 'does not exist' : `cannot be read: ${found.reason}`;

const invalid = (reason: string): FileText & { kind: 'invalid' } => ({ kind: 'invalid', reason });

const tooLarge = (limit: number) =>
  invalid(`it is larger than ${limit >= MIB ? `${limit / MIB} MiB` : `${limit / KIB} KiB`}`);

type Bytes = Buffer | (FileText & { kind: 'invalid' });

function readFile(descriptor: number, limit: number): Bytes {
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    // The reported size is not reliable: the file may grow meanwhile, and files in /proc report 0.
    const chunk = Buffer.allocUnsafe(Math.min(READ_CHUNK_BYTES, limit + 1 - length));
    const read = readSync(descriptor, chunk);
    if (read === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, read));
    length += read;
    if (length > limit) return tooLarge(limit);
  }
}

function readPipe(
  descriptor: number,
  { limit, pipeTimeoutMs }: { readonly limit: number; readonly pipeTimeoutMs: number },
): Bytes {
  const deadline = performance.now() + pipeTimeoutMs;
  const chunks: Buffer[] = [];
  let length = 0;
  while (performance.now() < deadline) {
    const chunk = Buffer.allocUnsafe(READ_CHUNK_BYTES);
    const read = readIfReady(descriptor, chunk);
    // If the pipe ends before the first byte, its writer has perhaps not opened it yet.
    if (read === 0 && length > 0) return Buffer.concat(chunks);
    if (read === null || read === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PIPE_POLL_MS);
    else {
      chunks.push(chunk.subarray(0, read));
      length += read;
      if (length > limit) return tooLarge(limit);
    }
  }
  const seconds = `${pipeTimeoutMs / 1000} s`;
  return invalid(
    length === 0
      ? `it is a pipe, and nothing was written to it within ${seconds}`
      : `it is a pipe, and its writer did not close it within ${seconds}`,
  );
}

/** Returns null if the pipe has a writer but no data yet. */
function readIfReady(descriptor: number, chunk: Buffer): number | null {
  try {
    return readSync(descriptor, chunk);
  } catch (error) {
    if (errorCode(error) === 'EAGAIN') return null;
    throw error;
  }
}

function decode(bytes: Bytes, anyEncoding: boolean): FileText {
  if (!Buffer.isBuffer(bytes)) return bytes;
  if (anyEncoding) return { kind: 'text', text: bytes.toString('latin1') };
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    return invalid('it is UTF-16; save it as UTF-8');
  const nul = bytes.indexOf(0);
  if (nul >= 0) return invalid(`line ${lineAt(bytes, nul)} contains a NUL character`);
  try {
    // The decoder also removes a byte order mark.
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return invalid(`line ${lineAt(bytes, firstInvalidByte(bytes))} is not UTF-8`);
  }
}

/** Returns the offset of the first byte that is not UTF-8: decoding and re-encoding preserve everything before it. */
function firstInvalidByte(bytes: Buffer): number {
  const reencoded = Buffer.from(bytes.toString('utf8'), 'utf8');
  let offset = 0;
  while (offset < bytes.length && bytes[offset] === reencoded[offset]) offset++;
  return offset;
}

function lineAt(bytes: Buffer, offset: number): number {
  let line = 1;
  for (let next = bytes.indexOf(10); next >= 0 && next < offset; next = bytes.indexOf(10, next + 1)) line++;
  return line;
}

const errorCode = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
