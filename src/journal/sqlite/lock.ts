import { closeSync, openSync, statSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import Sqlite from 'better-sqlite3';

export type Lock = { release(): void };

/** The lock on a path. It must be taken again if another process removes or replaces the lock file. */
export type PathLock = Lock & {
  /** Whether the locked file is still at its path. */
  isInPlace(): boolean;
};

/** Returns device and inode of the file at a path ('2049:131'); null if there is none. */
export function identityOf(path: string): string | null {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? null : `${stats.dev}:${stats.ino}`;
}

/**
 * Locks the path of a journal against other daemons; returns null if another process has locked it. The lock is an
 * exclusive lock on an empty SQLite database beside the journal (FILE-lock): the kernel releases it if the process is
 * killed, and readers of the journal are not affected. The file stays after the release: if it were removed, two
 * daemons could each lock a file of that name.
 */
export function lockPath(file: string): PathLock | null {
  const path = `${file}-lock`;
  closeSync(openSync(path, 'a', 0o600));
  const sqlite = new Sqlite(path, { timeout: 0 });
  try {
    // Without a rollback file nothing is written, so this also works on a full disk.
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
 * Locks a file by device and inode against other daemons, which also covers hard links, bind mounts and renames;
 * returns null if another process has locked it. The lock is a Linux abstract socket that answers with the process id;
 * the kernel frees it when the process dies. On other systems this function locks nothing, and only the lock on the
 * path protects the journal.
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

const HOLDER_TIMEOUT_MS = 500;

/** Returns the id of the process that locked a file; null if it does not answer. */
export async function lockHolder(identity: string): Promise<number | null> {
  const socket = connect({ path: socketOf(identity) });
  const timer = setTimeout(() => socket.destroy(new Error('timeout')), HOLDER_TIMEOUT_MS);
  try {
    const pid = Number((await text(socket)).slice(0, 10));
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
