import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite, { type Database } from 'better-sqlite3';
import { z } from 'zod';
import type { Damage } from '../../domain/ports.ts';
import { Refusal } from '../../domain/user-error.ts';
import { decode, paceSchema, seriesKeySchema, sessionSchema } from '../rows.ts';
import { explain } from './explain.ts';
import { APPLICATION_ID, migrate, SCHEMA, versionOf } from './migrations.ts';
import { holdsSamples } from './salvage.ts';

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

/** By its header the database is another program's. */
export class Foreign extends Refusal {}

/** Throws a Refusal where the database is not ours, or newer than we are; gives its schema's version, 0 where it is empty. */
export function inspectDatabase(sqlite: Database, file: string): number {
  const application = Number(sqlite.pragma('application_id', { simple: true }));
  const version = versionOf(sqlite);
  const filled = sqlite.prepare('select 1 from sqlite_master limit 1').get() !== undefined;
  if (application !== APPLICATION_ID && (filled || application !== 0)) {
    throw new Foreign(`journal ${file} is not a Rollwatch journal but another program's database; name another file`);
  }
  if (version > SCHEMA) {
    throw new Refusal(
      `journal ${file} was written by a newer Rollwatch (schema ${version}, this one knows ${SCHEMA}); use that one, or name another file`,
    );
  }
  return filled ? version : 0;
}

/** `quick` leaves out whether each index has every row of its table. */
export type Examination = { readonly quick: boolean };

const PROBLEMS_MOST = 20;

/** What is damaged in a journal of this version: tables that are missing, and pages that are no pages of a database. */
export function examine(sqlite: Database, { quick }: Examination): readonly Damage[] {
  const template = new Sqlite(':memory:');
  try {
    migrate(template);
    const missing = versionOf(sqlite) === SCHEMA ? missingIn(sqlite, template) : [];
    return [...missing, ...brokenPages(sqlite, quick)];
  } finally {
    template.close();
  }
}

/** The tables without which the rows of the others mean nothing. */
const KEYS = [
  { table: 'meta', order: 'id', schema: z.object({ id: z.literal(1), run: z.string() }) },
  { table: 'sessions', order: 'id', schema: sessionSchema },
  { table: 'series', order: 'id', schema: seriesKeySchema },
  { table: 'session_series', order: 'session, series', schema: paceSchema },
] as const;

/** Rows that make no sense in the tables by which all others are read. */
export function damagedKeys(sqlite: Database): readonly Damage[] {
  const found = KEYS.flatMap(({ table, order, schema }) => {
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
  return run === undefined ? [{ table: 'meta', rows: 0, reason: 'its only row is missing' }, ...found] : found;
}

/** Samples of which it is not known when their session was, or how their series was measured. */
export function orphanedSamples(sqlite: Database): readonly Damage[] {
  const orphan = (condition: string) =>
    sqlite.prepare(`select 1 from samples where ${condition} limit 1`).get() !== undefined;
  const found: Damage[] = [];
  if (orphan('session not in (select id from sessions)'))
    found.push({ table: 'sessions', rows: 0, reason: 'there are samples of sessions that are missing' });
  if (orphan('(session, series) not in (select session, series from session_series)'))
    found.push({ table: 'session_series', rows: 0, reason: 'there are samples of series that are missing' });
  return found;
}

type Column = { readonly table: string; readonly column: string };

function missingIn(sqlite: Database, template: Database): readonly Damage[] {
  const columns = `select master.name as "table", info.name as "column"
    from sqlite_master master join pragma_table_info(master.name) info where master.type = 'table'`;
  const found = new Map<string, Set<string>>();
  for (const { table, column } of sqlite.prepare<[], Column>(columns).all())
    found.set(table, (found.get(table) ?? new Set()).add(column));
  const reasons = new Map<string, string>();
  for (const { table, column } of template.prepare<[], Column>(columns).all()) {
    const known = found.get(table);
    if (known === undefined) reasons.set(table, 'the table is missing');
    else if (!known.has(column)) reasons.set(table, `its column ${column} is missing`);
  }
  return [...reasons].map(([table, reason]) => ({ table, rows: 0, reason }));
}

/** As SQLite names them: 'Tree 5 page 12: ...', where the number of a tree is that of its first page. */
function brokenPages(sqlite: Database, quick: boolean): readonly Damage[] {
  const check = sqlite.pragma(`${quick ? 'quick_check' : 'integrity_check'}(${PROBLEMS_MOST})`);
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

/** In one line, with what to do. */
export function damagedRefusal(file: string, found: readonly Damage[]): Refusal {
  const [first] = found;
  const where = first === undefined || first.table === 'unknown' ? '' : `${first.table}: `;
  const more = found.length > 1 ? ` (and ${found.length - 1} more)` : '';
  return new Refusal(
    `journal ${file} is damaged: ${where}${first?.reason ?? 'it cannot be read'}${more}; ` +
      `'rollwatch repair ${file} NEW' writes what can be read of it into a new journal`,
  );
}

/** SQLite says that the database itself is broken: not the disk, and not this program. */
export const isDamage = (error: unknown): boolean =>
  error instanceof Sqlite.SqliteError &&
  /^SQLITE_(CORRUPT|NOTADB|FORMAT|IOERR_SHORT_READ|IOERR_CORRUPTFS|ERROR$)/.test(error.code);

/** What goes wrong while a journal is opened, as the user should hear it. */
export function refusalFor(file: string, error: unknown): unknown {
  if (error instanceof Refusal) return error;
  const reason = explain(error);
  if (reason === null) return error;
  if (isDamage(error) && (!reason.includes('SQLITE_NOTADB') || isOurs(file)))
    return damagedRefusal(file, [{ table: 'unknown', rows: 0, reason }]);
  if (reason.includes('SQLITE_NOTADB')) {
    return new Refusal(`journal ${file} is not a Rollwatch journal: it is no SQLite database; name another file`);
  }
  return new Refusal(`journal ${file} cannot be opened: ${reason}`, 3);
}

/** Whether a file that SQLite does not take for a database was a journal once. */
export function isOurs(file: string): boolean {
  const template = new Sqlite(':memory:');
  try {
    migrate(template);
    return holdsSamples(file, template);
  } catch {
    return false;
  } finally {
    template.close();
  }
}
