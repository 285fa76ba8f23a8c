import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite, { type Database } from 'better-sqlite3';
import { z } from 'zod';
import { UserError } from '../../domain/errors.ts';
import type { JournalDamage } from '../../domain/journal.ts';
import { decode } from '../decode.ts';
import { seriesKeySchema, sessionSchema, sessionSeriesSchema } from '../rows.ts';
import { explain } from './explain.ts';
import { APPLICATION_ID, migrate, SCHEMA_VERSION, versionOf } from './migrations.ts';
import { hasJournalRows } from './salvage.ts';

/**
 * Returns the status of a journal file; null if it does not exist.
 *
 * @throws UserError if the path cannot be that of a journal
 */
export function inspectPath(file: string): Stats | null {
  const directory = statPath(dirname(file), file);
  if (directory === undefined) throw new UserError(`journal ${file}: directory ${dirname(file)} does not exist`);
  if (!directory.isDirectory()) throw new UserError(`journal ${file}: ${dirname(file)} is not a directory`);
  const stats = statPath(file, file);
  if (stats === undefined) return null;
  if (stats.isDirectory()) throw new UserError(`journal ${file} is a directory; name a file in it`);
  if (!stats.isFile()) throw new UserError(`journal ${file} is not a regular file`);
  return stats;
}

function statPath(path: string, file: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new UserError(`journal ${file} cannot be reached: ${explain(error) ?? String(error)}`);
  }
}

/**
 * Checks the permissions that writing needs: SQLite would silently open an unwritable file read-only.
 *
 * @throws UserError if one is missing
 */
export function inspectWritable(file: string, exists: boolean): void {
  const directory = dirname(file);
  if (exists) checkAccess(file, constants.R_OK | constants.W_OK, `journal ${file} cannot be written`);
  // SQLite creates the write-ahead log beside it, and Rollwatch the lock file.
  checkAccess(directory, constants.W_OK | constants.X_OK, `journal ${file}: directory ${directory} cannot be written`);
}

/** @throws UserError if the file cannot be read */
export function inspectReadable(file: string): void {
  checkAccess(file, constants.R_OK, `journal ${file} cannot be read`);
}

function checkAccess(path: string, mode: number, problem: string): void {
  try {
    accessSync(path, mode);
  } catch (error) {
    throw new UserError(`${problem}: ${explain(error) ?? String(error)}`);
  }
}

/** The header identifies the database as another program's. */
export class ForeignDatabaseError extends UserError {}

/**
 * Returns the schema version of a journal, 0 if the database is empty.
 *
 * @throws UserError if another program or a newer version of Rollwatch wrote the database
 */
export function inspectDatabase(sqlite: Database, file: string): number {
  const application = Number(sqlite.pragma('application_id', { simple: true }));
  const version = versionOf(sqlite);
  const hasTables = sqlite.prepare('select 1 from sqlite_master limit 1').get() !== undefined;
  if (application !== APPLICATION_ID && (hasTables || application !== 0)) {
    throw new ForeignDatabaseError(
      `journal ${file} is another program's database, not a Rollwatch journal; name another file`,
    );
  }
  if (version > SCHEMA_VERSION) {
    throw new UserError(
      `journal ${file} was written by a newer version of Rollwatch (schema ${version}, ` +
        `this version supports up to ${SCHEMA_VERSION}); use the newer version, or name another file`,
    );
  }
  return hasTables ? version : 0;
}

const MAX_REPORTED_PROBLEMS = 20;

/**
 * Returns the structural damage of a journal: missing tables and columns, and pages that are not valid database pages.
 * `quick` skips comparing the indexes with their tables.
 */
export function findDamage(sqlite: Database, { quick }: { readonly quick: boolean }): readonly JournalDamage[] {
  const template = new Sqlite(':memory:');
  try {
    migrate(template);
    const missing = versionOf(sqlite) === SCHEMA_VERSION ? missingIn(sqlite, template) : [];
    return [...missing, ...brokenPages(sqlite, quick)];
  } finally {
    template.close();
  }
}

/** The tables that the rows of all other tables refer to. */
const KEY_TABLES = [
  { table: 'meta', order: 'id', schema: z.object({ id: z.literal(1), run: z.string() }) },
  { table: 'sessions', order: 'id', schema: sessionSchema },
  { table: 'series', order: 'id', schema: seriesKeySchema },
  { table: 'session_series', order: 'session, series', schema: sessionSeriesSchema },
] as const;

/** Returns the unreadable rows of the tables that all other tables refer to. */
export function damagedKeys(sqlite: Database): readonly JournalDamage[] {
  const damage = KEY_TABLES.flatMap(({ table, order, schema }) => {
    const rows = sqlite
      .prepare<[], Readonly<Record<string, unknown>>>(`select * from ${table} order by ${order}`)
      .all();
    return rows.flatMap((row) => {
      const decoded = decode<unknown>(schema, row);
      const key = order.split(', ').map((column) => row[column]);
      return 'damage' in decoded ? [{ table, rows: 0, reason: `row ${key.join(', ')}: ${decoded.damage}` }] : [];
    });
  });
  const run = sqlite.prepare('select 1 from meta').get();
  return run === undefined ? [{ table: 'meta', rows: 0, reason: 'its only row is missing' }, ...damage] : damage;
}

/** Returns damage if the session of a sample is missing, or the settings of its series. */
export function orphanedSamples(sqlite: Database): readonly JournalDamage[] {
  const hasSample = (condition: string) =>
    ['samples', 'sample_blocks'].some(
      (table) => sqlite.prepare(`select 1 from ${table} where ${condition} limit 1`).get() !== undefined,
    );
  const damage: JournalDamage[] = [];
  if (hasSample('session not in (select id from sessions)'))
    damage.push({ table: 'sessions', rows: 0, reason: 'rows are missing that samples refer to' });
  if (hasSample('(session, series) not in (select session, series from session_series)'))
    damage.push({ table: 'session_series', rows: 0, reason: 'rows are missing that samples refer to' });
  return damage;
}

type Column = { readonly table: string; readonly column: string };

function missingIn(sqlite: Database, template: Database): readonly JournalDamage[] {
  const columns = `select master.name as "table", info.name as "column"
    from sqlite_master master join pragma_table_info(master.name) info where master.type = 'table'`;
  const found = new Map<string, Set<string>>();
  for (const { table, column } of sqlite.prepare<[], Column>(columns).all())
    found.set(table, (found.get(table) ?? new Set()).add(column));
  const reasons = new Map<string, string>();
  for (const { table, column } of template.prepare<[], Column>(columns).all()) {
    const present = found.get(table);
    if (present === undefined) reasons.set(table, 'the table is missing');
    else if (!present.has(column)) reasons.set(table, `column ${column} is missing`);
  }
  return [...reasons].map(([table, reason]) => ({ table, rows: 0, reason }));
}

/**
 * Returns the pages that SQLite reports as damaged. It names them as in 'Tree 5 page 12: ...': a tree has the number of
 * its root page.
 */
function brokenPages(sqlite: Database, quick: boolean): readonly JournalDamage[] {
  const check = sqlite.pragma(`${quick ? 'quick_check' : 'integrity_check'}(${MAX_REPORTED_PROBLEMS})`);
  const problems = z
    .array(z.record(z.string(), z.unknown()))
    .parse(check)
    .flatMap((row) => Object.values(row).map(String))
    .flatMap((text) => text.split('\n'))
    .filter((text) => text !== 'ok' && !text.startsWith('*** in database'));
  if (problems.length === 0) return [];
  const roots = sqlite.prepare<[], { name: string; root: number }>(
    'select tbl_name as name, rootpage as root from sqlite_master where rootpage > 0',
  );
  const names = new Map(roots.all().map(({ name, root }) => [root, name]));
  return problems.map((text) => {
    const [, root = '', rest = text] = /^Tree (\d+) (page .*)$/.exec(text) ?? [];
    const [, named] = / (?:in|from index|from table) (\w+)/.exec(text) ?? [];
    return { table: names.get(Number(root)) ?? named ?? 'unknown', rows: 0, reason: rest.slice(0, 200) };
  });
}

/** Returns the error for a damaged journal: the first damage, and the command that repairs it. */
export function damagedJournalError(file: string, damage: readonly JournalDamage[]): UserError {
  const [first] = damage;
  const where = first === undefined || first.table === 'unknown' ? '' : `${first.table}: `;
  const more = damage.length > 1 ? ` (and ${damage.length - 1} more)` : '';
  return new UserError(
    `journal ${file} is damaged: ${where}${first?.reason ?? 'it cannot be read'}${more}; ` +
      `run 'rollwatch repair ${file} NEW' to copy its readable rows to a new journal`,
  );
}

/** Whether SQLite reports a damaged database, as opposed to a failing disk or a bug. */
export const isDamage = (error: unknown): boolean =>
  error instanceof Sqlite.SqliteError &&
  /^SQLITE_(CORRUPT|NOTADB|FORMAT|IOERR_SHORT_READ|IOERR_CORRUPTFS|ERROR$)/.test(error.code);

/** Returns a UserError for an error that occurred while a journal was opened; returns a bug unchanged. */
export function openingError(file: string, error: unknown): unknown {
  if (error instanceof UserError) return error;
  const reason = explain(error);
  if (reason === null) return error;
  if (isDamage(error) && (!reason.includes('SQLITE_NOTADB') || holdsJournalRows(file)))
    return damagedJournalError(file, [{ table: 'unknown', rows: 0, reason }]);
  if (reason.includes('SQLITE_NOTADB')) {
    return new UserError(`journal ${file} is not a SQLite database, so not a Rollwatch journal; name another file`);
  }
  return new UserError(`journal ${file} cannot be opened: ${reason}`, 3);
}

/** Whether a file holds rows of a journal, even if SQLite does not recognise it as a database. */
export function holdsJournalRows(file: string): boolean {
  const template = new Sqlite(':memory:');
  try {
    migrate(template);
    return hasJournalRows(file, template);
  } catch {
    return false;
  } finally {
    template.close();
  }
}
