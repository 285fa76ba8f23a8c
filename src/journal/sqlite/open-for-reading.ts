import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import Sqlite from 'better-sqlite3';
import type { Damage } from '../../domain/ports.ts';
import { Refusal } from '../../domain/user-error.ts';
import type { Database } from '../dialect.ts';
import { type Connection, connect } from './connection.ts';
import { explain } from './explain.ts';
import {
  damagedKeys,
  examine,
  Foreign,
  inspectDatabase,
  inspectPath,
  inspectReadable,
  isDamage,
  isOurs,
  orphanedSamples,
  refusalFor,
} from './inspect.ts';
import { migrate, SCHEMA } from './migrations.ts';
import { salvage } from './salvage.ts';

/** All that is read is of one moment: the transaction that begins here ends when it is closed. */
export async function openForReading(path: string): Promise<Database> {
  const file = resolve(path);
  const found = inspectPath(file);
  if (found === null) throw new Refusal(`journal ${file} does not exist`);
  inspectReadable(file);
  if (found.size === 0) throw new Refusal(`journal ${file} is empty: nothing was ever recorded in it`);
  try {
    const { db, close, damage } = whole(file);
    return { name: `journal ${file}`, db: () => db, explain, damage, close: async () => close() };
  } catch (error) {
    throw refusalFor(file, error);
  }
}

/** Of a damaged journal all that can be read, in a copy. */
function whole(file: string): Snapshot {
  let found: readonly Damage[];
  try {
    const undamaged = snapshot(file);
    if (undamaged.damage.length === 0) return undamaged;
    undamaged.close();
    found = undamaged.damage;
  } catch (error) {
    const reason = explain(error);
    if (!(error instanceof Foreign) && (reason === null || !isDamage(error))) throw error;
    if (!isOurs(file)) throw error;
    found = [{ table: 'unknown', rows: 0, reason: reason ?? 'the header of the file is not that of a journal' }];
  }
  const salvaged = salvagedCopy(file);
  return { ...salvaged, damage: [...salvaged.damage, ...found] };
}

const salvagedCopy = (file: string): Snapshot =>
  inFolder((folder) => {
    const { db, sqlite } = connect(join(folder, 'journal.db'), { mode: 'create', timeout: 0 });
    try {
      // It is not to be kept: nothing is gained where it survives a crash.
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

/** A snapshot in a temporary folder, which is removed with it. */
function inFolder(take: (folder: string) => Snapshot): Snapshot {
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const taken = take(folder);
    return {
      ...taken,
      close() {
        taken.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

type Snapshot = Pick<Connection, 'db'> & { readonly damage: readonly Damage[]; close(): void };

function snapshot(file: string): Snapshot {
  try {
    const { db, sqlite, damage } = begin(file, file);
    return { db, damage, close: () => void sqlite.close() };
  } catch (error) {
    // To read a journal SQLite must write beside it (FILE-shm), unless a daemon is at it and has done so already.
    const unwritable = error instanceof Sqlite.SqliteError && /^SQLITE_(CANTOPEN|READONLY)/.test(error.code);
    if (!unwritable || existsSync(`${file}-shm`)) throw error;
    return snapshotOfCopy(file);
  }
}

/** Of a journal on a read-only disk, which nobody can be writing to. */
const snapshotOfCopy = (file: string): Snapshot =>
  inFolder((folder) => {
    const copy = join(folder, 'journal.db');
    copyFileSync(file, copy);
    if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`);
    const { db, sqlite, damage } = begin(copy, file);
    return { db, damage, close: () => void sqlite.close() };
  });

function begin(location: string, file: string): Connection & { readonly damage: readonly Damage[] } {
  const connection = connect(location, { mode: 'read', timeout: 2000 });
  try {
    connection.sqlite.exec('begin');
    const version = inspectDatabase(connection.sqlite, file);
    if (version === 0) throw new Refusal(`journal ${file} is empty: nothing was ever recorded in it`);
    if (version < SCHEMA) {
      throw new Refusal(
        `journal ${file} was written by an older Rollwatch (schema ${version}, this one reads ${SCHEMA}): 'rollwatch watch' on it brings it up to date`,
      );
    }
    const broken = examine(connection.sqlite, { quick: false });
    if (broken.length > 0) return { ...connection, damage: broken };
    return { ...connection, damage: [...damagedKeys(connection.sqlite), ...orphanedSamples(connection.sqlite)] };
  } catch (error) {
    connection.sqlite.close();
    throw error;
  }
}
