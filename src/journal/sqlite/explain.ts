import Sqlite from 'better-sqlite3';

/** Reasons by result code, or else by primary result code: https://sqlite.org/rescode.html */
const SQLITE_REASONS: { readonly [code: string]: string } = {
  SQLITE_FULL: 'no space left on the disk',
  // The index of the write-ahead log could not grow.
  SQLITE_IOERR_SHMSIZE: 'no space left on the disk',
  SQLITE_IOERR: 'disk I/O failed',
  SQLITE_READONLY: 'the disk or the file is read-only',
  SQLITE_CANTOPEN: 'the file cannot be opened',
  SQLITE_BUSY: 'another program has locked it',
  SQLITE_LOCKED: 'another program has locked it',
  SQLITE_PROTOCOL: 'another program has locked it',
  SQLITE_CORRUPT: 'the database is damaged',
  SQLITE_NOTADB: 'the file is not a SQLite database',
  SQLITE_NOMEM: 'out of memory',
  SQLITE_PERM: 'permission denied',
  SQLITE_AUTH: 'permission denied',
  // For example 'no such table': the schema changed while the database was open.
  SQLITE_ERROR: 'another program has changed the database',
};

const SYSTEM_REASONS: { readonly [code: string]: string } = {
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'the disk quota is exceeded',
  EROFS: 'the disk is read-only',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
};

/** Returns why a database cannot be read or written, in one line; null if the error is a bug. */
export function explain(error: unknown): string | null {
  if (error instanceof Sqlite.SqliteError) {
    const [, primary = ''] = /^(SQLITE_[A-Z]+)/.exec(error.code) ?? [];
    const reason = SQLITE_REASONS[error.code] ?? SQLITE_REASONS[primary];
    return reason === undefined ? null : `${reason} (${error.code}: ${oneLine(error.message)})`;
  }
  if (isSystemError(error))
    return `${SYSTEM_REASONS[error.code] ?? 'system error'} (${error.code}: ${oneLine(error.message)})`;
  return error instanceof DisplacedError ? error.message : null;
}

/** The file at the journal's path is no longer the open journal. */
export class DisplacedError extends Error {
  override readonly name = 'DisplacedError';
}

const isSystemError = (error: unknown): error is Error & { readonly code: string; readonly syscall: string } =>
  error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');
