import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Database } from 'better-sqlite3';
import { Refusal } from '../../domain/refusal.ts';
import { explain } from './explain.ts';
import { APPLICATION_ID, SCHEMA, versionOf } from './migrations.ts';

/** Throws a Refusal where the path cannot be a journal; gives null where there is nothing yet. */
export function inspectPath(file: string): Stats | null {
  const directory = find(dirname(file), file);
  if (directory === undefined) throw new Refusal(`journal ${file}: there is no directory ${dirname(file)}`);
  if (!directory.isDirectory()) throw new Refusal(`journal ${file}: ${dirname(file)} is not a directory`);
  const found = find(file, file);
  if (found === undefined) return null;
  if (found.isDirectory()) throw new Refusal(`journal ${file} is a directory: name a file in it`);
  if (!found.isFile()) throw new Refusal(`journal ${file} is not a regular file`);
  return found;
}

function find(path: string, file: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new Refusal(`journal ${file} cannot be reached: ${explain(error) ?? String(error)}`);
  }
}

/** SQLite would quietly open for reading what it can't write. */
export function inspectWritable(file: string, exists: boolean): void {
  const directory = dirname(file);
  if (exists) permitted(file, constants.R_OK | constants.W_OK, `journal ${file} cannot be written`);
  // The write-ahead log and the lock lie beside it.
  permitted(directory, constants.W_OK | constants.X_OK, `journal ${file}: directory ${directory} cannot be written`);
}

export function inspectReadable(file: string): void {
  permitted(file, constants.R_OK, `journal ${file} cannot be read`);
}

function permitted(path: string, mode: number, what: string): void {
  try {
    accessSync(path, mode);
  } catch (error) {
    throw new Refusal(`${what}: ${explain(error) ?? String(error)}`);
  }
}

/** Throws a Refusal where the database is not ours, or newer than we are; gives its schema's version, 0 where it is empty. */
export function inspectDatabase(sqlite: Database, file: string): number {
  const application = Number(sqlite.pragma('application_id', { simple: true }));
  const version = versionOf(sqlite);
  const filled = sqlite.prepare('select 1 from sqlite_master limit 1').get() !== undefined;
  if (application !== APPLICATION_ID && (filled || application !== 0)) {
    throw new Refusal(`journal ${file} is not a Rollwatch journal but another program's database; name another file`);
  }
  if (version > SCHEMA) {
    throw new Refusal(
      `journal ${file} was written by a newer Rollwatch (schema ${version}, this one knows ${SCHEMA}); use that one, or name another file`,
    );
  }
  return filled ? version : 0;
}

/** What goes wrong while a journal is opened, as the user should hear it. */
export function refusalFor(file: string, error: unknown): unknown {
  if (error instanceof Refusal) return error;
  const reason = explain(error);
  if (reason === null) return error;
  if (reason.includes('SQLITE_NOTADB')) {
    return new Refusal(`journal ${file} is not a Rollwatch journal: it is no SQLite database; name another file`);
  }
  return new Refusal(`journal ${file} cannot be opened: ${reason}`, 3);
}
