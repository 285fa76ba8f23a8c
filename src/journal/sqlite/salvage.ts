import { type Database as Sqlite, SqliteError } from 'better-sqlite3';
import type { z } from 'zod';
import type { Damage } from '../../domain/ports.ts';
import { annotationSchema } from '../annotation-row.ts';
import { checkRunSchema } from '../check-row.ts';
import { createDamageBook, type DamageBook } from '../damage.ts';
import { decode, markSchema, paceSchema, seriesKeySchema, serverEventSchema, sessionSchema } from '../rows.ts';
import { sampleSchema } from '../sample-row.ts';
import type { Tables } from '../tables.ts';
import { phaseSchema, taskSchema } from '../task-row.ts';
import { type RawRow, type RawValue, readPages } from './pages.ts';

/** What a row of each table must be like; `latest` is the column by which one state of a row is later than another. */
const TABLES: readonly {
  readonly name: Exclude<keyof Tables, 'meta'>;
  readonly schema: z.ZodType;
  readonly latest?: string;
}[] = [
  { name: 'sessions', schema: sessionSchema, latest: 'alive_at' },
  { name: 'series', schema: seriesKeySchema },
  { name: 'session_series', schema: paceSchema },
  { name: 'samples', schema: sampleSchema },
  { name: 'marks', schema: markSchema },
  { name: 'server_events', schema: serverEventSchema },
  { name: 'tasks', schema: taskSchema, latest: 'number' },
  { name: 'phases', schema: phaseSchema },
  { name: 'annotations', schema: annotationSchema, latest: 'updated' },
  { name: 'check_runs', schema: checkRunSchema },
];

type Shape = (typeof TABLES)[number] & {
  readonly columns: readonly string[];
  /** The column that is the row's number in the tree, and null in the row itself. */
  readonly rowid: string | null;
  /** Its rows lie in the tree of its key. */
  readonly keyed: boolean;
};

export type Salvaged = {
  readonly damage: readonly Damage[];
  /** Rows that were found, by table. */
  readonly rows: ReadonlyMap<string, number>;
};

/**
 * Copies every readable row of a damaged journal into a new one, which has the schema and is empty: page by page,
 * whatever of the file is damaged. The damaged file stays as it is. A session or a series of one whose own row is lost is
 * made up from its samples, which would be worth nothing without it.
 */
export function salvage(file: string, into: Sqlite): Salvaged {
  const shapes = TABLES.map((table) => shapeOf(into, table));
  const book = createDamageBook();
  const fill = into.transaction(() => {
    const inserts = new Map(shapes.map((shape) => [shape.name, insertInto(into, shape)]));
    let pages = 0;
    for (const { page, rows, unreadable } of readPages(file)) {
      if (unreadable > 0) pages++;
      for (const row of rows) {
        const found = tableOf(row, shapes);
        if (found === null) continue;
        const damage = 'damage' in found ? found.damage : (inserts.get(found.shape.name)?.(found.values) ?? null);
        if (damage === null) continue;
        book.read(found.shape.name, { key: `row ${row.rowid} on page ${page}`, decoded: { damage } });
      }
    }
    if (pages > 0) book.note({ table: 'unknown', rows: 0, reason: `${pages} pages hold rows that cannot be read` });
    completeSessions(into, book);
    completeSeries(into, book);
    noteLost(into, book);
    const run = metaOf(file);
    if (run !== null) into.prepare('update meta set run = ?').run(run);
  });
  fill();
  const count = (table: string) => Number(into.prepare(`select count(*) from ${table}`).pluck().get());
  return { damage: book.found(), rows: new Map(shapes.map(({ name }) => [name, count(name)])) };
}

/** True where a file that is no database any more, or not ours by its header, holds samples of a journal all the same. */
export function holdsSamples(file: string, template: Sqlite): boolean {
  const shapes = TABLES.map((table) => shapeOf(template, table));
  for (const { rows } of readPages(file)) {
    for (const row of rows) {
      const found = tableOf(row, shapes);
      if (found !== null && 'values' in found && (found.shape.name === 'samples' || found.shape.name === 'sessions'))
        return true;
    }
  }
  return false;
}

function shapeOf(sqlite: Sqlite, table: (typeof TABLES)[number]): Shape {
  const info = sqlite.prepare<[string], { name: string; type: string; pk: number }>(
    'select name, type, pk from pragma_table_info(?)',
  );
  const columns = info.all(table.name);
  const keyed = table.name === 'session_series';
  const rowid = keyed ? undefined : columns.find(({ type, pk }) => pk === 1 && type.toLowerCase() === 'integer');
  return { ...table, columns: columns.map(({ name }) => name), rowid: rowid?.name ?? null, keyed };
}

type Values = { readonly [column: string]: RawValue };
type Found = { readonly shape: Shape; readonly values: Values } | { readonly shape: Shape; readonly damage: string };

/** The table that a row belongs to, by its number of columns and what is in them; null where it is of an index or of none. */
function tableOf(row: RawRow, shapes: readonly Shape[]): Found | null {
  const candidates = shapes.filter(
    ({ columns, keyed }) => columns.length === row.values.length && keyed === (row.rowid === null),
  );
  let first: Found | null = null;
  for (const shape of candidates) {
    const values: Values = Object.fromEntries(
      shape.columns.map((column, index) => [column, shape.rowid === column ? row.rowid : (row.values[index] ?? null)]),
    );
    const decoded = decode(shape.schema, values);
    if ('value' in decoded) return { shape, values };
    first ??= { shape, damage: decoded.damage };
  }
  // Entries of an index have the form of a row, too: only a row of a table is known to be damaged.
  return row.rowid === null || isOther(row) ? null : first;
}

/** A row of SQLite's schema, or of the series as an older version kept them, has as many columns as a mark. */
const isOther = ({ values }: RawRow): boolean =>
  values.length === 5 && typeof values[1] === 'string' && typeof values[2] === 'string';

/** Inserts a row; gives what is wrong with it where the table does not take it: a column that nobody reads may hold anything. */
function insertInto(into: Sqlite, { name, columns, latest }: Shape): (values: Values) => string | null {
  const list = columns.map((column) => `"${column}"`).join(', ');
  const places = columns.map((column) => `@${column}`).join(', ');
  const conflict =
    latest === undefined
      ? 'on conflict do nothing'
      : `on conflict do update set ${columns.map((column) => `"${column}" = excluded."${column}"`).join(', ')}
         where excluded."${latest}" > "${name}"."${latest}"`;
  const statement = into.prepare(`insert into "${name}" (${list}) values (${places}) ${conflict}`);
  return (values) => {
    try {
      statement.run(values);
      return null;
    } catch (error) {
      if (error instanceof SqliteError && /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG)/.test(error.code)) return error.message;
      throw error;
    }
  };
}

/** The name of the run, in the one row of `meta`. */
function metaOf(file: string): string | null {
  for (const { rows } of readPages(file)) {
    for (const { rowid, values } of rows) {
      const [id, run, pid, vantage] = values;
      const isMeta = values.length === 4 && rowid === 1 && id === null && typeof run === 'string';
      if (isMeta && /^[0-9a-f-]{36}$/.test(run) && typeof pid !== 'string' && typeof vantage !== 'number') return run;
    }
  }
  return null;
}

function completeSessions(into: Sqlite, book: DamageBook): void {
  const { changes } = into
    .prepare(
      `insert into sessions (id, started_at, alive_at, ended, version, vantage, facts)
       select session, min(started_at), max(ended_at), 0, '',
              coalesce((select vantage from series where series.id = samples.series), ''), '{}'
       from samples where session not in (select id from sessions) group by session`,
    )
    .run();
  if (changes > 0)
    book.note({ table: 'sessions', rows: changes, reason: 'start, end and facts are taken from their samples' });
}

function completeSeries(into: Sqlite, book: DamageBook): void {
  const missing = into
    .prepare<[], { session: number; series: number }>(
      `select distinct session, series from samples
       where series in (select id from series) and not exists (
         select 1 from session_series known where known.session = samples.session and known.series = samples.series)`,
    )
    .all();
  const known = into.prepare<[number], { interval: number; cover: number; slow: number }>(
    'select "interval", cover, slow from session_series where series = ? order by session desc limit 1',
  );
  const dues = into
    .prepare<[number, number], number>(
      'select due_at from samples where session = ? and series = ? and extra = 0 order by seq limit 500',
    )
    .pluck();
  const insert = into.prepare(
    'insert into session_series (session, series, place, "interval", cover, slow) values (?, ?, ?, ?, ?, ?)',
  );
  for (const { session, series } of missing) {
    const interval = median(dues.all(session, series));
    // As the configuration has it for a probe that is not described any further.
    const { cover, slow, ...pace } = known.get(series) ?? { interval, cover: 1.5 * interval, slow: 1000 };
    insert.run(session, series, series, pace.interval, cover, slow);
  }
  if (missing.length > 0) {
    const reason = 'how often it was sampled is taken from other sessions, or from the samples';
    book.note({ table: 'session_series', rows: missing.length, reason });
  }
}

/** Of the steps between moments; a second where there is none. */
function median(moments: readonly number[]): number {
  const steps = moments.slice(1).map((at, index) => at - (moments[index] ?? 0));
  const sorted = steps.filter((step) => step > 0).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 1000;
}

/** The samples of a series are numbered without a hole. */
function noteLost(into: Sqlite, book: DamageBook): void {
  const lost = Number(
    into
      .prepare(
        `select coalesce(sum(most + 1 - number), 0) from (
           select max(seq) as most, count(*) as number from samples group by session, series)`,
      )
      .pluck()
      .get(),
  );
  if (lost > 0)
    book.note({ table: 'samples', rows: lost, reason: 'their numbers are missing among those of the others' });
}
