import Sqlite from 'better-sqlite3';

/** By result code, or else by its primary one, as https://sqlite.org/rescode.html lists them. */
const REASONS: { readonly [code: string]: string } = {
  SQLITE_FULL: 'no room is left on the disk',
  // the index of the log could not grow
  SQLITE_IOERR_SHMSIZE: 'no room is left on the disk',
  SQLITE_IOERR: 'the disk failed',
  SQLITE_READONLY: 'the disk or the file is read-only',
  SQLITE_CANTOPEN: 'the file cannot be opened',
  SQLITE_BUSY: 'another program holds its lock',
  SQLITE_LOCKED: 'another program holds its lock',
  SQLITE_PROTOCOL: 'another program holds its lock',
  SQLITE_CORRUPT: 'the database is damaged',
  SQLITE_NOTADB: 'the file is no SQLite database',
  SQLITE_NOMEM: 'no memory is left',
  SQLITE_PERM: 'permission is denied',
  SQLITE_AUTH: 'permission is denied',
  // 'no such table': someone has changed the database under our hands
  SQLITE_ERROR: 'the database is not as we left it',
};

const ERRNO: { readonly [code: string]: string } = {
  ENOSPC: 'no room is left on the disk',
  EDQUOT: 'no room is left in the disk quota',
  EROFS: 'the disk is read-only',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
};

/** Why a database could not be read or written, in one line; null where the fault is our own. */
export function explain(error: unknown): string | null {
  if (error instanceof Sqlite.SqliteError) {
    const [, primary = ''] = /^(SQLITE_[A-Z]+)/.exec(error.code) ?? [];
    const reason = REASONS[error.code] ?? REASONS[primary];
    return reason === undefined ? null : `${reason} (${error.code}: ${oneLine(error.message)})`;
  }
  if (isSystemError(error))
    return `${ERRNO[error.code] ?? 'the system refused'} (${error.code}: ${oneLine(error.message)})`;
  return error instanceof Displaced ? error.message : null;
}

/** The file at the journal's path is not the journal any more. */
export class Displaced extends Error {
  override readonly name = 'Displaced';
}

const isSystemError = (error: unknown): error is Error & { readonly code: string; readonly syscall: string } =>
  error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ');
