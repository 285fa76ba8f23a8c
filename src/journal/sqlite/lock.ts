import { closeSync, openSync, statSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import Sqlite from 'better-sqlite3';

export type Lock = { release(): void };

/** The lock on a path. It is lost when somebody removes or replaces the lock file, and must then be taken again. */
export type PathLock = Lock & { isInPlace(): boolean };

/** Device and inode of what lies at a path; null where there is nothing. */
export function identityOf(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? null : `${found.dev}:${found.ino}`;
}

/**
 * Makes this process the only daemon at a path; null where there is one. It is an exclusive lock on an empty database
 * beside the journal (FILE-lock): the kernel takes it from a process that is killed, and readers of the journal never
 * meet it. The empty file stays after the release: if it were unlinked, two daemons could each lock a file of that name.
 */
export function lockPath(file: string): PathLock | null {
  const path = `${file}-lock`;
  closeSync(openSync(path, 'a', 0o600));
  const sqlite = new Sqlite(path, { timeout: 0 });
  try {
    // Without a file of its own for the rollback: nothing is ever written, not even on a full disk.
    sqlite.pragma('journal_mode = memory');
    sqlite.exec('begin exclusive');
    const locked = identityOf(path);
    return { isInPlace: () => locked !== null && identityOf(path) === locked, release: () => void sqlite.close() };
  } catch (error) {
    sqlite.close();
    if (error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')) return null;
    throw error;
  }
}

/**
 * Makes this process the only daemon of a file, whatever it is called: a hard link, a bind mount or a new name leads to
 * the same device and inode. Null where there is one. On Linux this is a socket in the abstract namespace, which the
 * kernel frees when the process dies, and which says its process id to whoever asks. Elsewhere there is no such thing, and the lock on the path must do.
 */
export async function lockIdentity(identity: string): Promise<Lock | null> {
  if (process.platform !== 'linux') return { release: () => {} };
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`${process.pid}\n`);
  });
  try {
    await listen(server, socketOf(identity));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return null;
    throw error;
  }
  server.unref();
  return { release: () => void server.close() };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ path }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

const socketOf = (identity: string): string => `\0rollwatch-journal-${identity}`;

/** Long enough for a process on this machine, in milliseconds. */
const ANSWER_TIMEOUT_MS = 500;

/** The process that holds the lock on a file; null where it does not say. */
export async function holderOf(identity: string): Promise<number | null> {
  const socket = connect({ path: socketOf(identity) });
  const limit = setTimeout(() => socket.destroy(new Error('no answer')), ANSWER_TIMEOUT_MS);
  try {
    const pid = Number((await text(socket)).slice(0, 10));
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  } finally {
    clearTimeout(limit);
    socket.destroy();
  }
}
