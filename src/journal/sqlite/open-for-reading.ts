import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
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
    const { db, sqlite } = snapshot(file);
    return { name: `journal ${file}`, db: () => db, explain, close: async () => void sqlite.close() };
  } catch (error) {
    throw refusalFor(file, error);
  }
}

function snapshot(file: string): Connection {
  try {
    return begin(file, file);
  } catch (error) {
    if (!(error instanceof Sqlite.SqliteError) || !/^SQLITE_(CANTOPEN|READONLY)/.test(error.code)) throw error;
    // In a directory that can't be written SQLite can't read a journal along with a log, but it can one that has none.
    const log = statSync(`${file}-wal`, { throwIfNoEntry: false });
    if (log !== undefined && log.size > 0) {
      throw new Refusal(
        `journal ${file} cannot be read where nothing can be written: copy it, with ${file}-wal, to another directory`,
      );
    }
    return begin(`${pathToFileURL(file).href}?immutable=1`, file);
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
