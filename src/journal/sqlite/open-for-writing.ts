import { closeSync, openSync, readlinkSync, realpathSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Database as Sqlite } from 'better-sqlite3';
import { UserError } from '../../domain/errors.ts';
import type { Millis } from '../../domain/time.ts';
import type { WritableDatabase } from '../dialect.ts';
import { packNext } from '../pack.ts';
import { connect, type DatabaseConnection } from './connection.ts';
import { DisplacedError, explain } from './explain.ts';
import {
  damagedJournalError,
  damagedKeys,
  findDamage,
  inspectDatabase,
  inspectPath,
  inspectWritable,
  openingError,
} from './inspect.ts';
import { identityOf, type Lock, lockHolder, lockIdentity, lockPath, type PathLock } from './lock.ts';
import { migrate, SCHEMA_VERSION, versionOf } from './migrations.ts';
import { closeDisplaced, type FileIdentities, identitiesAt, isInPlace, removeLeftovers, restore } from './restore.ts';

export type WritingOptions = {
  readonly vantage: string;
  readonly now: () => Millis;
  readonly warn?: ((message: string) => void) | undefined;
};

/** At most this much recording is lost in a power failure, and nothing if the process is killed. */
const SYNC_INTERVAL_MS = 1000;

/** Delays between restores of a journal that is removed repeatedly: none before the first, then doubled each time. */
const MIN_RESTORE_DELAY_MS = 1000;
const MAX_RESTORE_DELAY_MS = 60_000;
/** After this time without a restore, the next one is immediate again. */
const RESTORE_DELAY_RESET_MS = 600_000;

const LOG_SIZE_LIMIT_BYTES = 16 * 1024 * 1024;
const CHECK_LOCK_TIMEOUT_MS = 1000;
const WRITE_LOCK_TIMEOUT_MS = 250;

/** Linux follows at most this many. */
const MAX_SYMLINKS = 40;

/**
 * Opens a journal for writing, and creates it if it does not exist.
 *
 * @throws UserError if the file cannot be used as a journal, or another process writes to it
 */
export async function openForWriting(path: string, { vantage, now, warn }: WritingOptions): Promise<WritableDatabase> {
  const file = realPathOf(resolve(path));
  const stats = inspectPath(file);
  inspectWritable(file, stats !== null);
  let identityLock: Lock | null = null;
  let pathLock: PathLock | null = null;
  let created = false;
  try {
    if (stats !== null) {
      identityLock = await lockIdentity(`${stats.dev}:${stats.ino}`);
      if (identityLock === null) throw await inUseError(file, `${stats.dev}:${stats.ino}`);
      checkDatabase(file);
    }
    pathLock = lockPath(file);
    if (pathLock === null) throw await inUseError(file, null);
    removeLeftovers(file);
    if (stats === null) created = createPrivate(file);
    checkHardLinks(file);
    const identity = identityOf(file) ?? '';
    identityLock ??= await lockIdentity(identity);
    if (identityLock === null) throw await inUseError(file, identity);
    if (stats !== null && (stats.mode & 0o007) !== 0)
      warn?.(`journal ${file} is accessible to every user of this host; run 'chmod 600 ${file}*' to keep it private`);
    return writableDatabase(file, { connection: openMigrated(file, vantage), pathLock, identityLock, now });
  } catch (error) {
    if (created) for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
    identityLock?.release();
    pathLock?.release();
    throw openingError(file, error);
  }
}

async function inUseError(file: string, identity: string | null): Promise<UserError> {
  const pid = identity === null ? null : await lockHolder(identity);
  return new UserError(
    `journal ${file} is in use by another Rollwatch process${pid === null ? '' : ` (pid ${pid})`}`,
    3,
  );
}

/**
 * Refuses a journal with several hard links: SQLite names the write-ahead log after the path, so opening another link
 * would miss what is in the log.
 */
function checkHardLinks(file: string): void {
  const links = statSync(file, { throwIfNoEntry: false })?.nlink ?? 1;
  if (links > 1) {
    throw new UserError(
      `journal ${file} has ${links} hard links, but only one of them has its write-ahead log; ` +
        'remove the other links, or record to a copy',
    );
  }
}

/**
 * Creates the file with mode 0600, which the log inherits; SQLite would make it world-readable. Returns false if the
 * file exists already.
 */
function createPrivate(file: string): boolean {
  try {
    closeSync(openSync(file, 'wx', 0o600));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Resolves symbolic links, even one whose target does not exist yet. */
function realPathOf(file: string, links = 0): string {
  try {
    return realpathSync(file);
  } catch {
    try {
      if (links < MAX_SYMLINKS) return realPathOf(resolve(dirname(file), readlinkSync(file)), links + 1);
    } catch {
      // Not a link: resolve its directory.
    }
    const directory = dirname(file);
    return directory === file ? file : join(realPathOf(directory, links), basename(file));
  }
}

/**
 * Checks an existing database before any file is created beside it.
 *
 * @throws UserError if it belongs to another program or is damaged
 */
function checkDatabase(file: string): void {
  const { sqlite } = connect(file, { mode: 'write', timeout: CHECK_LOCK_TIMEOUT_MS });
  try {
    if (inspectDatabase(sqlite, file) === 0) return;
    const version = versionOf(sqlite);
    const structural = findDamage(sqlite, { quick: true });
    const damage = structural.length === 0 && version === SCHEMA_VERSION ? damagedKeys(sqlite) : structural;
    if (damage.length > 0) throw damagedJournalError(file, damage);
  } finally {
    sqlite.close();
  }
}

function openMigrated(file: string, vantage: string): DatabaseConnection {
  const connection = open(file, 'create');
  try {
    migrate(connection.sqlite);
    recordWriter(connection, vantage);
    return connection;
  } catch (error) {
    connection.sqlite.close();
    throw error;
  }
}

function open(file: string, mode: 'create' | 'write'): DatabaseConnection {
  const connection = connect(file, { mode, timeout: WRITE_LOCK_TIMEOUT_MS });
  try {
    connection.sqlite.pragma('journal_mode = wal');
    // SQLite creates the log on the first read. It must exist before the identities of the files are recorded.
    connection.sqlite.prepare('select 1 from sqlite_master').get();
    // Truncates a log that grew during a long read.
    connection.sqlite.pragma(`journal_size_limit = ${LOG_SIZE_LIMIT_BYTES}`);
    return connection;
  } catch (error) {
    connection.sqlite.close();
    throw error;
  }
}

/** Records this process as the writer, unless the file cannot be written now: the disk may be full. */
function recordWriter({ sqlite }: DatabaseConnection, vantage: string): void {
  try {
    sqlite.prepare('update meta set writer_pid = ?, writer_vantage = ?').run(process.pid, vantage);
  } catch (error) {
    if (explain(error) === null) throw error;
  }
}

type OpenedJournal = {
  readonly connection: DatabaseConnection;
  readonly pathLock: PathLock;
  readonly identityLock: Lock;
  readonly now: () => Millis;
};

/** A connection, and the identities of its files when it was opened. */
type OpenFiles = { readonly connection: DatabaseConnection; readonly identities: FileIdentities };

const openFilesOf = (file: string, connection: DatabaseConnection): OpenFiles => ({
  connection,
  identities: identitiesAt(file),
});

function writableDatabase(file: string, { connection: opened, now, ...locks }: OpenedJournal): WritableDatabase {
  let { pathLock, identityLock } = locks;
  /** Null only if a restored journal could not be reopened. */
  let current: OpenFiles | null = openFilesOf(file, opened);
  /** The identity of the file that was restored last; `reopen` opens no other file. */
  let restored: string | null = null;
  const restoreLimiter = createRestoreLimiter(now);
  let syncedAt = -Infinity;

  function connection(): DatabaseConnection {
    if (current === null) throw new DisplacedError('the journal was removed, and the restored file cannot be opened');
    return current.connection;
  }

  /** Takes the path lock again if the lock file was removed; another daemon may hold the lock by now. */
  function ensurePathLock(): void {
    if (pathLock.isInPlace()) return;
    const lock = lockPath(file);
    if (lock === null)
      throw new DisplacedError(`another Rollwatch process is recording to ${file}; recording resumes when it stops`);
    pathLock.release();
    pathLock = lock;
  }

  async function restoreJournal({ connection }: OpenFiles, last: boolean): Promise<void> {
    if (!last) restoreLimiter.acquire();
    restored = restore(file, connection);
    current = null;
    if (restored === null) return;
    const lock = await lockIdentity(restored);
    if (lock === null) return;
    identityLock.release();
    identityLock = lock;
  }

  function reopen(): OpenFiles {
    if (identityOf(file) !== restored)
      throw new DisplacedError('the journal was removed, and so was the restored file');
    return openFilesOf(file, open(file, 'write'));
  }

  return {
    name: `journal ${file}`,
    db: () => connection().db,
    explain,
    damage: [],
    async prepare({ last }) {
      ensurePathLock();
      if (current !== null && !isInPlace(file, current.identities)) await restoreJournal(current, last);
      current ??= reopen();
      const sync = now() - syncedAt >= SYNC_INTERVAL_MS;
      // Syncing the log also syncs all earlier transactions.
      connection().sqlite.pragma(`synchronous = ${sync ? 'full' : 'normal'}`);
      if (sync) syncedAt = now();
    },
    pack: (request) => packNext(connection().db, request),
    compact: async () => compact(connection().sqlite),
    async close() {
      if (current !== null && isDisplaced(file, current.identities)) closeDisplaced(file, current.connection);
      else current?.connection.sqlite.close();
      identityLock.release();
      pathLock.release();
    },
  };
}

/** A file with more than this in use is not compacted: it would take longer than a second. */
const COMPACT_MAX_BYTES = 64 * 1024 * 1024;
/** The share of free pages from which a file is compacted. */
const COMPACT_MIN_SHARE = 0.1;

/** Truncates the file. Worth it only when nothing follows: new rows would use the free pages again. */
function compact(sqlite: Sqlite): void {
  const pragma = (name: string) => Number(sqlite.pragma(name, { simple: true }));
  const pages = pragma('page_count');
  const free = pragma('freelist_count');
  if (free < pages * COMPACT_MIN_SHARE || (pages - free) * pragma('page_size') > COMPACT_MAX_BYTES) return;
  sqlite.exec('vacuum');
}

function isDisplaced(file: string, opened: FileIdentities): boolean {
  try {
    return !isInPlace(file, opened);
  } catch {
    return true;
  }
}

/** Limits how often a journal is restored if something keeps removing it. */
function createRestoreLimiter(now: () => Millis): {
  /** @throws DisplacedError if the next restore is not due yet */
  acquire(): void;
} {
  let lastAt = -Infinity;
  let restores = 0;
  return {
    acquire() {
      const elapsed = now() - lastAt;
      // Negative if the clock was set back: do not wait then.
      if (elapsed > RESTORE_DELAY_RESET_MS || elapsed < 0) restores = 0;
      const delay = restores === 0 ? 0 : Math.min(MIN_RESTORE_DELAY_MS * 2 ** (restores - 1), MAX_RESTORE_DELAY_MS);
      const wait = delay - elapsed;
      if (restores > 0 && wait > 0) {
        const seconds = Math.ceil(wait / 1000);
        throw new DisplacedError(`the journal was removed again after it was restored; next restore in ${seconds} s`);
      }
      lastAt = now();
      restores++;
    },
  };
}
