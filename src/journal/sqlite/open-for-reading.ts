import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import Sqlite from 'better-sqlite3';
import { Refusal } from '../../domain/refusal.ts';
import type { Database } from '../dialect.ts';
import { type Connection, connect } from './connection.ts';
import { explain } from './explain.ts';
import { inspectDatabase, inspectPath, inspectReadable, refusalFor } from './inspect.ts';
import { SCHEMA } from './migrations.ts';

/** All that is read is of one moment: the transaction that begins here ends when it is closed. */
export async function openForReading(path: string): Promise<Database> {
  const file = resolve(path);
  const found = inspectPath(file);
  if (found === null) throw new Refusal(`journal ${file} does not exist`);
  inspectReadable(file);
  if (found.size === 0) throw new Refusal(`journal ${file} is empty: nothing was ever recorded in it`);
  try {
    const { db, close } = snapshot(file);
    return { name: `journal ${file}`, db: () => db, explain, close: async () => close() };
  } catch (error) {
    throw refusalFor(file, error);
  }
}

type Snapshot = Pick<Connection, 'db'> & { close(): void };

function snapshot(file: string): Snapshot {
  try {
    const { db, sqlite } = begin(file, file);
    return { db, close: () => void sqlite.close() };
  } catch (error) {
    // To read a journal SQLite must write beside it (FILE-shm), unless a daemon is at it and has done so already.
    const unwritable = error instanceof Sqlite.SqliteError && /^SQLITE_(CANTOPEN|READONLY)/.test(error.code);
    if (!unwritable || existsSync(`${file}-shm`)) throw error;
    return snapshotOfCopy(file);
  }
}

/** Of a journal on a read-only disk, which nobody can be writing to. */
function snapshotOfCopy(file: string): Snapshot {
  const directory = mkdtempSync(join(tmpdir(), 'rollwatch-'));
  const copy = join(directory, 'journal.db');
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    copyFileSync(file, copy);
    if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`);
    const { db, sqlite } = begin(copy, file);
    return {
      db,
      close() {
        sqlite.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}

function begin(location: string, file: string): Connection {
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
    return connection;
  } catch (error) {
    connection.sqlite.close();
    throw error;
  }
}
