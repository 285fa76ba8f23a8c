import Sqlite from 'better-sqlite3';

export type Lock = { release(): void };

/**
 * Makes us the one daemon of a journal, or gives null where there is one. An exclusive lock on an empty database beside
 * the journal (FILE-lock): the kernel takes it from a process that is killed, and readers of the journal never meet it.
 * The empty file stays when the lock is released: to unlink it would let two daemons each lock a file of that name.
 */
export function lockJournal(file: string): Lock | null {
  const sqlite = new Sqlite(`${file}-lock`, { timeout: 0 });
  try {
    // Without a file of its own for the rollback: nothing is ever written, also not on a full disk.
    sqlite.pragma('journal_mode = memory');
    sqlite.exec('begin exclusive');
    return { release: () => sqlite.close() };
  } catch (error) {
    sqlite.close();
    if (error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')) return null;
    throw error;
  }
}
