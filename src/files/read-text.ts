import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';

/** A file's text, or why there is none, in words that go into a refusal. */
export type FileText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'absent' }
  /** The system doesn't let us read it. */
  | { readonly kind: 'unreadable'; readonly reason: string }
  /** It can be read, and is nothing that should be. */
  | { readonly kind: 'unfit'; readonly reason: string };

export type ReadOptions = {
  /** In bytes. */
  readonly limit?: number;
  /** Bytes that are no UTF-8 do no harm: certificates have comments in any encoding. */
  readonly anyBytes?: boolean;
  /** For a pipe to be written and closed, in milliseconds. */
  readonly patience?: number;
};

const KIB = 1024;
const MIB = 1024 * KIB;

/** A file of a thousand clouds has half of it. */
export const SETTINGS_LIMIT = 512 * KIB;
export const SECRET_LIMIT = 64 * KIB;
/** A system's bundle of authorities has a quarter of a megabyte. */
export const CERTIFICATES_LIMIT = 8 * MIB;

const PIPE_PATIENCE_MS = 5000;
const PIPE_POLL_MS = 10;

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'it is a directory',
  ELOOP: 'its symbolic links lead in a circle',
  ENAMETOOLONG: 'its name is too long',
  ERR_INVALID_ARG_VALUE: 'its name holds a NUL character',
};

/**
 * Reads a whole file, through symbolic links. A pipe (`/dev/stdin`, `<(...)`) is read for as long as `patience`, and
 * `/dev/null` is empty; any other device and a socket are refused. Never blocks, and never reads more than `limit`.
 */
export function readText(
  file: string,
  { limit = SETTINGS_LIMIT, anyBytes = false, patience = PIPE_PATIENCE_MS }: ReadOptions = {},
): FileText {
  let descriptor: number | null = null;
  try {
    // Without O_NONBLOCK opening a pipe waits until somebody opens its other end.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const found = fstatSync(descriptor);
    if (found.isDirectory()) return { kind: 'unreadable', reason: REASONS['EISDIR'] ?? '' };
    if (found.isFIFO()) return textOf(readPipe(descriptor, { limit, patience }), anyBytes);
    const isEmptyDevice = found.isCharacterDevice() && found.rdev === statSync('/dev/null').rdev;
    if (!found.isFile() && !isEmptyDevice) return unfit('it is a device, where a file is wanted');
    return textOf(found.size > limit ? tooLarge(limit) : readFile(descriptor, limit), anyBytes);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'absent' };
    if (code === 'ENXIO') return unfit('it is a socket or a device, where a file is wanted');
    return { kind: 'unreadable', reason: REASONS[code] ?? code };
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

/** "cannot be read: permission denied" or "does not exist", for a file that must be there. */
export const problemOf = (found: Exclude<FileText, { kind: 'text' }>): string =>
  found.kind === 'absent' ? 'does not exist' : `cannot be read: ${found.reason}`;

const unfit = (reason: string): FileText & { kind: 'unfit' } => ({ kind: 'unfit', reason });

const tooLarge = (limit: number) =>
  unfit(`it is larger than ${limit >= MIB ? `${limit / MIB} MiB` : `${limit / KIB} KiB`}`);

type Bytes = Buffer | (FileText & { kind: 'unfit' });

function readFile(descriptor: number, limit: number): Bytes {
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    // It may grow while it is read, and files of /proc have no size.
    const chunk = Buffer.allocUnsafe(Math.min(64 * KIB, limit + 1 - length));
    const read = readSync(descriptor, chunk);
    if (read === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, read));
    length += read;
    if (length > limit) return tooLarge(limit);
  }
}

function readPipe(
  descriptor: number,
  { limit, patience }: { readonly limit: number; readonly patience: number },
): Bytes {
  const until = performance.now() + patience;
  const chunks: Buffer[] = [];
  let length = 0;
  while (performance.now() < until) {
    const chunk = Buffer.allocUnsafe(64 * KIB);
    const read = readIfReady(descriptor, chunk);
    // Nothing, before anything came: whoever is to write may not have opened it yet.
    if (read === 0 && length > 0) return Buffer.concat(chunks);
    if (read === null || read === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PIPE_POLL_MS);
    else {
      chunks.push(chunk.subarray(0, read));
      length += read;
      if (length > limit) return tooLarge(limit);
    }
  }
  const seconds = `${patience / 1000} s`;
  return unfit(
    length === 0
      ? `it is a pipe, and nobody wrote into it within ${seconds}`
      : `it is a pipe, and whoever writes into it did not end within ${seconds}`,
  );
}

/** Null: there is a writer, who has written no more yet. */
function readIfReady(descriptor: number, chunk: Buffer): number | null {
  try {
    return readSync(descriptor, chunk);
  } catch (error) {
    if (codeOf(error) === 'EAGAIN') return null;
    throw error;
  }
}

function textOf(bytes: Bytes, anyBytes: boolean): FileText {
  if (!Buffer.isBuffer(bytes)) return bytes;
  if (anyBytes) return { kind: 'text', text: bytes.toString('latin1') };
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    return unfit('it is UTF-16; save it as UTF-8');
  const nul = bytes.indexOf(0);
  if (nul >= 0) return unfit(`line ${lineAt(bytes, nul)} holds a NUL character`);
  try {
    // It takes a mark at the beginning away.
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return unfit(`line ${lineAt(bytes, firstBroken(bytes))} is not UTF-8`);
  }
}

/** Where what UTF-8 cannot have stands: what decodes up to there decodes to itself again. */
function firstBroken(bytes: Buffer): number {
  const again = Buffer.from(bytes.toString('utf8'), 'utf8');
  let at = 0;
  while (at < bytes.length && bytes[at] === again[at]) at++;
  return at;
}

function lineAt(bytes: Buffer, at: number): number {
  let line = 1;
  for (let next = bytes.indexOf(10); next >= 0 && next < at; next = bytes.indexOf(10, next + 1)) line++;
  return line;
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'it cannot be opened';
