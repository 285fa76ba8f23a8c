import { type Database as Sqlite, SqliteError } from 'better-sqlite3';
import type { z } from 'zod';
import type { JournalDamage } from '../../domain/journal.ts';
import { createDamageLog, type DamageLog, decode } from '../decode.ts';
import {
  annotationSchema,
  checkRunSchema,
  observationGapSchema,
  phaseSchema,
  seriesKeySchema,
  serverEventSchema,
  sessionSchema,
  sessionSeriesSchema,
  taskSchema,
} from '../rows.ts';
import { blockSchema, unpackBlock } from '../sample-block.ts';
import { sampleSchema } from '../sample-row.ts';
import type { Tables } from '../tables.ts';
import { type RawRow, type RawValue, readPages } from './pages.ts';

/**
 * The tables whose rows have a schema. Of several versions of a row, the one with the highest value in `latest` wins.
 */
const TABLES: readonly {
  readonly name: Exclude<keyof Tables, 'meta'>;
  readonly schema: z.ZodType;
  readonly latest?: string;
}[] = [
  { name: 'sessions', schema: sessionSchema, latest: 'alive_at' },
  { name: 'series', schema: seriesKeySchema },
  { name: 'session_series', schema: sessionSeriesSchema },
  { name: 'samples', schema: sampleSchema },
  { name: 'sample_blocks', schema: blockSchema },
  { name: 'observation_gaps', schema: observationGapSchema },
  { name: 'server_events', schema: serverEventSchema },
  { name: 'tasks', schema: taskSchema, latest: 'number' },
  { name: 'phases', schema: phaseSchema },
  { name: 'annotations', schema: annotationSchema, latest: 'updated' },
  { name: 'check_runs', schema: checkRunSchema },
];

type Table = (typeof TABLES)[number] & {
  readonly columns: readonly string[];
  /** The column that is an alias of the rowid. SQLite stores null for it in the row itself. */
  readonly rowid: string | null;
  readonly withoutRowid: boolean;
};

export type Salvaged = {
  readonly damage: readonly JournalDamage[];
  /** The number of salvaged rows by table. Samples count one by one, also those in blocks. */
  readonly rows: ReadonlyMap<string, number>;
};

/**
 * Copies every readable row of a damaged journal to a migrated, empty database, page by page. The damaged file is not
 * changed. Lost rows of sessions and session series are derived from their samples, which are unusable without them.
 */
export function salvage(file: string, into: Sqlite): Salvaged {
  const tables = TABLES.map((table) => describeTable(into, table));
  const log = createDamageLog();
  const copyRows = into.transaction(() => {
    const inserts = new Map(tables.map((table) => [table.name, insertInto(into, table)]));
    let damagedPages = 0;
    for (const { page, rows, unreadable } of readPages(file)) {
      if (unreadable > 0) damagedPages++;
      for (const row of rows) {
        const match = matchTable(row, tables);
        if (match === null) continue;
        const damage = 'damage' in match ? match.damage : (inserts.get(match.table.name)?.(match.values) ?? null);
        if (damage === null) continue;
        log.valueOf(match.table.name, { key: `row ${row.rowid} on page ${page}`, decoded: { damage } });
      }
    }
    if (damagedPages > 0) log.add({ table: 'unknown', rows: 0, reason: `pages with unreadable rows: ${damagedPages}` });
    removePackedRows(into);
    addMissingSessions(into, log);
    addMissingSessionSeries(into, log);
    reportMissingSamples(into, log);
    const run = readRunId(file);
    if (run !== null) into.prepare('update meta set run = ?').run(run);
  });
  copyRows();
  const count = (query: string) => Number(into.prepare(query).pluck().get());
  const rows = new Map(
    tables
      .filter(({ name }) => name !== 'sample_blocks')
      .map(({ name }) => [name, count(`select count(*) from ${name}`)] as const),
  );
  const packed = count('select coalesce(sum(samples), 0) from sample_blocks');
  return { damage: log.all(), rows: rows.set('samples', (rows.get('samples') ?? 0) + packed) };
}

const IDENTIFYING_TABLES: ReadonlySet<string> = new Set(['samples', 'sample_blocks', 'sessions']);

/** Whether a file has readable samples or sessions, whatever its header says. `template` has the schema. */
export function hasJournalRows(file: string, template: Sqlite): boolean {
  const tables = TABLES.map((table) => describeTable(template, table));
  for (const { rows } of readPages(file)) {
    for (const row of rows) {
      const match = matchTable(row, tables);
      if (match !== null && 'values' in match && IDENTIFYING_TABLES.has(match.table.name)) return true;
    }
  }
  return false;
}

function describeTable(sqlite: Sqlite, table: (typeof TABLES)[number]): Table {
  const info = sqlite.prepare<[string], { name: string; type: string; pk: number }>(
    'select name, type, pk from pragma_table_info(?)',
  );
  const columns = info.all(table.name);
  const withoutRowid = table.name === 'session_series';
  const rowid = withoutRowid ? undefined : columns.find(({ type, pk }) => pk === 1 && type.toLowerCase() === 'integer');
  return { ...table, columns: columns.map(({ name }) => name), rowid: rowid?.name ?? null, withoutRowid };
}

type Values = { readonly [column: string]: RawValue };
type Match = { readonly table: Table; readonly values: Values } | { readonly table: Table; readonly damage: string };

/** Returns the table that a row's columns match; null if it may be an index entry, or belongs to no known table. */
function matchTable(row: RawRow, tables: readonly Table[]): Match | null {
  const candidates = tables.filter(
    ({ columns, withoutRowid }) => columns.length === row.values.length && withoutRowid === (row.rowid === null),
  );
  let damaged: Match | null = null;
  for (const table of candidates) {
    const values: Values = Object.fromEntries(
      table.columns.map((column, index) => [column, table.rowid === column ? row.rowid : (row.values[index] ?? null)]),
    );
    const decoded = decode(table.schema, values);
    if ('value' in decoded) return { table, values };
    damaged ??= { table, damage: decoded.damage };
  }
  // A row without a rowid may be an index entry rather than a damaged row.
  return row.rowid === null || isUnrelated(row) ? null : damaged;
}

/**
 * Whether a row belongs to `sqlite_master`, or to `series` before schema 4: these have as many columns as an
 * observation gap.
 */
const isUnrelated = ({ values }: RawRow): boolean =>
  values.length === 5 && typeof values[1] === 'string' && typeof values[2] === 'string';

/** Returns a function that inserts a row, and returns SQLite's message if a constraint or type rejects the row. */
function insertInto(into: Sqlite, { name, columns, latest }: Table): (values: Values) => string | null {
  const names = columns.map((column) => `"${column}"`).join(', ');
  const parameters = columns.map((column) => `@${column}`).join(', ');
  const conflict =
    latest === undefined
      ? 'on conflict do nothing'
      : `on conflict do update set ${columns.map((column) => `"${column}" = excluded."${column}"`).join(', ')}
         where excluded."${latest}" > "${name}"."${latest}"`;
  const statement = into.prepare(`insert into "${name}" (${names}) values (${parameters}) ${conflict}`);
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

/** Reads the id of the run from the row of `meta`; returns null if the row is lost. */
function readRunId(file: string): string | null {
  for (const { rows } of readPages(file)) {
    for (const { rowid, values } of rows) {
      const [id, run, pid, vantage] = values;
      const isMeta = values.length === 4 && rowid === 1 && id === null && typeof run === 'string';
      if (isMeta && /^[0-9a-f-]{36}$/.test(run) && typeof pid !== 'string' && typeof vantage !== 'number') return run;
    }
  }
  return null;
}

/** Removes rows whose samples are also in blocks: pages that packing has freed may still have the rows. */
function removePackedRows(into: Sqlite): void {
  const remove = into.prepare('delete from samples where session = ? and series = ? and seq = ?');
  const hasRows = into.prepare(
    'select 1 from samples where session = ? and series = ? and seq between ? and ? limit 1',
  );
  for (const id of into.prepare<[], number>('select id from sample_blocks').pluck().all()) {
    const block = unpackBlock(into.prepare('select * from sample_blocks where id = ?').get(id));
    if ('damage' in block) continue;
    const { session, series, first_seq, last_seq } = block.value.summary;
    if (hasRows.get(session, series, first_seq, last_seq) === undefined) continue;
    for (let index = 0; index < block.value.count; index++) remove.run(session, series, block.value.row(index).seq);
  }
}

function addMissingSessions(into: Sqlite, log: DamageLog): void {
  const { changes } = into
    .prepare(
      `insert into sessions (id, started_at, alive_at, ended, version, vantage, facts)
       select session, min(first), max(last), 0, '',
              coalesce((select vantage from series where series.id = found.series), ''), '{}'
       from (
         select session, series, started_at as first, ended_at as last from samples
         union all select session, series, from_at, until_at from sample_blocks
       ) found
       where session not in (select id from sessions) group by session`,
    )
    .run();
  if (changes > 0)
    log.add({ table: 'sessions', rows: changes, reason: 'start and end were derived from samples; facts are lost' });
}

function addMissingSessionSeries(into: Sqlite, log: DamageLog): void {
  const missing = into
    .prepare<[], { session: number; series: number }>(
      `select session, series from (
         select session, series from samples union select session, series from sample_blocks) found
       where series in (select id from series) and not exists (
         select 1 from session_series known where known.session = found.session and known.series = found.series)`,
    )
    .all();
  const otherSession = into.prepare<[number], { interval: number; valid_for: number; slow: number }>(
    'select "interval", valid_for, slow from session_series where series = ? order by session desc limit 1',
  );
  const insert = into.prepare(
    'insert into session_series (session, series, place, "interval", valid_for, slow) values (?, ?, ?, ?, ?, ?)',
  );
  for (const { session, series } of missing) {
    const interval = medianInterval(dueTimes(into, { session, series }));
    // The ratio of validity to interval, and the slow threshold, are the defaults of the configuration.
    const settings = otherSession.get(series) ?? { interval, valid_for: 1.5 * interval, slow: DEFAULT_SLOW_MS };
    insert.run(session, series, series, settings.interval, settings.valid_for, settings.slow);
  }
  if (missing.length > 0) {
    const reason = 'intervals were derived from other sessions or from samples';
    log.add({ table: 'session_series', rows: missing.length, reason });
  }
}

/** Returns when samples of a series were due: those of its first block, if it has one. */
function dueTimes(into: Sqlite, { session, series }: { session: number; series: number }): readonly number[] {
  const block = unpackBlock(
    into.prepare('select * from sample_blocks where session = ? and series = ? limit 1').get(session, series),
  );
  if ('value' in block) {
    const rows = Array.from({ length: block.value.count }, (_, index) => block.value.row(index));
    return rows.filter(({ extra }) => extra === 0).map(({ due_at }) => due_at);
  }
  const times = into.prepare<[number, number], number>(
    'select due_at from samples where session = ? and series = ? and extra = 0 order by seq limit 500',
  );
  return times.pluck().all(session, series);
}

const DEFAULT_SLOW_MS = 1000;
const DEFAULT_INTERVAL_MS = 1000;

function medianInterval(times: readonly number[]): number {
  const steps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
  const sorted = steps.filter((step) => step > 0).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? DEFAULT_INTERVAL_MS;
}

/** Reports gaps in the numbering of samples, which is consecutive within a session and series. */
function reportMissingSamples(into: Sqlite, log: DamageLog): void {
  const missing = Number(
    into
      .prepare(
        `select coalesce(sum(most + 1 - number), 0) from (
           select max(most) as most, sum(number) as number from (
             select session, series, seq as most, 1 as number from samples
             union all select session, series, last_seq, samples from sample_blocks)
           group by session, series)`,
      )
      .pluck()
      .get(),
  );
  if (missing > 0) log.add({ table: 'samples', rows: missing, reason: 'missing, by the numbering of their series' });
}
