import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import Sqlite from 'better-sqlite3';
import { UserError } from '../../domain/errors.ts';
import type { JournalDamage } from '../../domain/journal.ts';
import type { Database } from '../dialect.ts';
import { connect, type DatabaseConnection } from './connection.ts';
import { explain } from './explain.ts';
import {
  damagedKeys,
  ForeignDatabaseError,
  findDamage,
  holdsJournalRows,
  inspectDatabase,
  inspectPath,
  inspectReadable,
  isDamage,
  openingError,
  orphanedSamples,
} from './inspect.ts';
import { migrate, SCHEMA_VERSION } from './migrations.ts';
import { salvage } from './salvage.ts';

/** How long to wait for another process's lock. */
const LOCK_TIMEOUT_MS = 2000;

/**
 * Opens a snapshot of a journal: a read transaction that lasts until the database is closed. The snapshot of a damaged
 * journal has its readable rows.
 *
 * @throws UserError if the file cannot be read as a journal
 */
export async function openForReading(path: string): Promise<Database> {
  const file = resolve(path);
  const stats = inspectPath(file);
  if (stats === null) throw new UserError(`journal ${file} does not exist`);
  inspectReadable(file);
  if (stats.size === 0) throw emptyJournalError(file);
  try {
    const { db, close, damage } = readableSnapshot(file);
    return { name: `journal ${file}`, db: () => db, explain, damage, close: async () => close() };
  } catch (error) {
    throw openingError(file, error);
  }
}

const emptyJournalError = (file: string): UserError =>
  new UserError(`journal ${file} is empty: nothing has been recorded in it`);

type Snapshot = Pick<DatabaseConnection, 'db'> & { readonly damage: readonly JournalDamage[]; close(): void };

/** Returns a snapshot of the file, or of a salvaged copy if it is damaged. */
function readableSnapshot(file: string): Snapshot {
  let damage: readonly JournalDamage[];
  try {
    const direct = snapshot(file);
    if (direct.damage.length === 0) return direct;
    direct.close();
    damage = direct.damage;
  } catch (error) {
    const reason = explain(error);
    if (!(error instanceof ForeignDatabaseError) && (reason === null || !isDamage(error))) throw error;
    if (!holdsJournalRows(file)) throw error;
    damage = [{ table: 'unknown', rows: 0, reason: reason ?? 'the file header is not that of a journal' }];
  }
  const salvaged = salvagedCopy(file);
  return { ...salvaged, damage: [...salvaged.damage, ...damage] };
}

const salvagedCopy = (file: string): Snapshot =>
  inTemporaryFolder((folder) => {
    const { db, sqlite } = connect(join(folder, 'journal.db'), { mode: 'create', timeout: 0 });
    try {
      // The copy is temporary and need not survive a crash.
      sqlite.pragma('journal_mode = off');
      sqlite.pragma('synchronous = off');
      migrate(sqlite);
      const { damage } = salvage(file, sqlite);
      return { db, damage, close: () => void sqlite.close() };
    } catch (error) {
      sqlite.close();
      throw error;
    }
  });

/** Opens a snapshot in a temporary folder and removes the folder when the snapshot is closed. */
function inTemporaryFolder(openSnapshot: (folder: string) => Snapshot): Snapshot {
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const opened = openSnapshot(folder);
    return {
      ...opened,
      close() {
        opened.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

function snapshot(file: string): Snapshot {
  try {
    return snapshotOf(file, file);
  } catch (error) {
    // SQLite creates FILE-shm even for reading, unless a daemon has created it already.
    const unwritable = error instanceof Sqlite.SqliteError && /^SQLITE_(CANTOPEN|READONLY)/.test(error.code);
    if (!unwritable || existsSync(`${file}-shm`)) throw error;
    return snapshotOfCopy(file);
  }
}

/**
 * Opens a snapshot of `location`, which is `file` or its copy; of a migrated copy if an older version wrote the
 * journal.
 */
function snapshotOf(location: string, file: string): Snapshot {
  try {
    const { db, sqlite, damage } = begin(location, file);
    return { db, damage, close: () => void sqlite.close() };
  } catch (error) {
    if (error instanceof OlderSchema) return snapshotOfMigratedCopy(location, file);
    throw error;
  }
}

/** Copies a journal on a read-only disk, which no process can be writing to. */
const snapshotOfCopy = (file: string): Snapshot =>
  inTemporaryFolder((folder) => {
    const copy = join(folder, 'journal.db');
    copyFileSync(file, copy);
    if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`);
    return snapshotOf(copy, file);
  });

/** Copies a journal of an older version and migrates the copy. The journal itself is not changed. */
const snapshotOfMigratedCopy = (location: string, file: string): Snapshot =>
  inTemporaryFolder((folder) => {
    const copy = join(folder, 'migrated.db');
    const source = new Sqlite(location, { readonly: true, timeout: LOCK_TIMEOUT_MS });
    try {
      source.prepare('vacuum into ?').run(copy);
    } finally {
      source.close();
    }
    const target = new Sqlite(copy);
    try {
      migrate(target);
    } finally {
      target.close();
    }
    return snapshotOf(copy, file);
  });

/** An older version of Rollwatch wrote the journal. */
class OlderSchema extends Error {}

/** Begins the read transaction and looks for damage. `location` is the file or its copy; errors name `file`. */
function begin(location: string, file: string): DatabaseConnection & { readonly damage: readonly JournalDamage[] } {
  const connection = connect(location, { mode: 'read', timeout: LOCK_TIMEOUT_MS });
  try {
    connection.sqlite.exec('begin');
    const version = inspectDatabase(connection.sqlite, file);
    if (version === 0) throw emptyJournalError(file);
    if (version < SCHEMA_VERSION) throw new OlderSchema();
    const damage = findDamage(connection.sqlite, { quick: false });
    if (damage.length > 0) return { ...connection, damage };
    return { ...connection, damage: [...damagedKeys(connection.sqlite), ...orphanedSamples(connection.sqlite)] };
  } catch (error) {
    connection.sqlite.close();
    throw error;
  }
}
