import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { journalReport } from '../../src/cli/journal-report.ts';
import { UserError } from '../../src/domain/errors.ts';
import type { JournalEntry } from '../../src/domain/journal.ts';
import type { Report } from '../../src/domain/run/report.ts';
import type { Series } from '../../src/domain/sample.ts';
import { openJournal } from '../../src/journal/open-journal.ts';
import type { Packing } from '../../src/journal/pack.ts';
import { type RawRow, readPages } from '../../src/journal/sqlite/pages.ts';
import { REPORT_FORMATS } from '../../src/report/formats.ts';
import { type Directory, temporaryDirectory } from '../support/journal-place.ts';
import { rollwatch } from '../support/rollwatch.ts';
import { failedSample, okSample, SERIES, voidSample } from '../support/samples.ts';
import { task } from '../support/tasks.ts';

const START = Date.UTC(2026, 10, 23, 7);
const SAMPLES = 150;
const ALL_SERIES: readonly Series[] = [SERIES, { ...SERIES, probe: 'token', connection: '' }];
const RUNS = Number(process.env['ROLLWATCH_FUZZ'] ?? 40);

let directory: Directory;
let good: string;
/** The same journal with its samples in 60 blocks. */
let packed: string;
let count = 0;

beforeAll(async () => {
  directory = temporaryDirectory();
  writeFileSync(join(directory.path, 'rollwatch.yaml'), 'vantage: here\n');
  good = join(directory.path, 'good.db');
  await record(good);
  packed = join(directory.path, 'packed.db');
  await record(packed, { blockSamples: 10, settledAfterMs: 0, pauseMs: 0, searchIntervalMs: 0 });
});

afterAll(() => directory.clear());

/** Two sessions of two series with some downtime, and something in every table but that of packed samples. */
async function record(file: string, packing: Packing | null = null): Promise<void> {
  const journal = await openJournal({ file, vantage: 'here', now: () => 0, packing });
  for (const number of [0, 1]) {
    const from = START + number * 1_000_000;
    const { id } = await journal.openSession(
      { startedAt: from, version: '1', vantage: 'here', facts: { image: 'cirros' } },
      ALL_SERIES,
    );
    for (const entry of entriesOf(id, from)) journal.append(entry);
    await journal.flush(from + SAMPLES * 1000);
    await journal.closeSession(from + SAMPLES * 1000);
  }
  await journal.close();
}

function entriesOf(session: number, from: number): readonly JournalEntry[] {
  const samples = Array.from({ length: SAMPLES }, (_, seq) => {
    const place = { seq, at: from + seq * 1000, session };
    const made = seq % 100 > 94 ? failedSample(place) : seq % 50 === 7 ? voidSample(place) : okSample(place, 20);
    return ALL_SERIES.map(({ probe, connection }) => ({ ...made, probe, connection, requestId: `req-${seq}` }));
  }).flat();
  const body = '<html>'.repeat(2000);
  return [
    ...samples.map((sample) =>
      sample.outcome === 'failed' && sample.seq % 100 === 95
        ? ({ type: 'sample', sample: { ...sample, cause: { ...sample.cause, body } } } as const)
        : ({ type: 'sample', sample } as const),
    ),
    ...Array.from({ length: 60 }, (_, index) => {
      const start = from + index * 9000;
      return { type: 'task', task: task({ id: `${session}-${index}`, start, end: start + 5000 }) } as const;
    }),
    { type: 'phase', phase: { name: 'maintenance', at: from + 1000 } },
    { type: 'gap', gap: { from: from + 5000, until: from + 6000, kind: 'stalled', message: 'stalled' } },
    {
      type: 'server',
      event: { cloud: 'cloud', vantage: 'here', kind: 'created', name: 'one', id: null, at: from, message: '' },
    },
    {
      type: 'annotation',
      annotation: {
        id: session,
        time: from,
        timeEnd: from + 1000,
        text: 'noted',
        tags: ['rollwatch'],
        data: null,
        dashboardUid: '',
        panelId: 0,
        created: from,
        updated: from,
        deleted: false,
      },
    },
    {
      type: 'check',
      run: {
        stage: session === 1 ? 'before' : 'after',
        cloud: 'cloud',
        vantage: 'here',
        at: from,
        checks: [{ name: 'services', status: 'pass', detail: 'all up' }],
        baseline: '{}',
      },
    },
  ];
}

/** Returns a copy of a journal, damaged by `damage`. */
function damaged(damage: (file: string) => void, source = good): string {
  const file = join(directory.path, `damaged-${count++}.db`);
  copyFileSync(source, file);
  damage(file);
  return file;
}

function alter(file: string, sql: string): void {
  const sqlite = new Sqlite(file);
  try {
    sqlite.unsafeMode(true);
    sqlite.exec(sql);
  } finally {
    sqlite.close();
  }
}

/** Returns the report of a journal, after writing it in every format. */
async function reportOf(file: string): Promise<Report> {
  const { report, drawing } = await journalReport(file, {
    config: join(directory.path, 'rollwatch.yaml'),
    draws: true,
  });
  for (const format of REPORT_FORMATS) {
    const text = format.write(report, { width: 100, colour: false, ...(drawing !== null && { drawing }) });
    expect(text.length).toBeGreaterThan(0);
  }
  return report;
}

/** Returns the report, or the message of the UserError. */
const reportOrMessage = (file: string): Promise<Report | string> => reportOf(file).catch(messageOf);

/** Opens the journal for writing; returns 'opened' or the message of the UserError. */
async function openResult(file: string): Promise<string> {
  try {
    await (await openJournal({ file, vantage: 'here', now: () => 0 })).close();
    return 'opened';
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof UserError)) throw error;
  expect(error.message).not.toContain('\n');
  return error.message;
}

const sampleCount = ({ probes }: Report): number =>
  probes.reduce((sum, { samples }) => sum + samples.ok + samples.failed + samples.void + samples.extra, 0);

const ALL = 2 * 2 * SAMPLES;
const PAGE = 4096;

const zeroed = (): Buffer => Buffer.alloc(PAGE);
const random = (page: number): Buffer =>
  Buffer.from(Array.from({ length: PAGE }, (_, at) => (at * 73 + page * 31) % 251));

function overwrite(file: string, page: number, bytes: Buffer): void {
  const content = readFileSync(file);
  bytes.copy(content, (page - 1) * PAGE);
  writeFileSync(file, content);
}

const isSample = ({ rowid, values }: RawRow): boolean => rowid !== null && values.length === 21;
const isSeries = ({ rowid, values }: RawRow): boolean => rowid !== null && values.length === 6;

describe.each([
  ['zeroed', zeroed],
  ['overwritten', random],
])('a journal with one page %s', (_, content) => {
  it('is reported with the rows of all other pages, and refused to a daemon in one line', async () => {
    const pages = [...readPages(good)];
    const last = statSync(good).size / PAGE;
    expect(last).toBeGreaterThan(30);
    let refused = 0;
    for (let page = 1; page <= last; page++) {
      const file = damaged((path) => overwrite(path, page, content(page)));
      const before = readFileSync(file);
      const lost = pages.find((one) => one.page === page)?.rows ?? [];
      const report = await reportOf(file);
      const expected = lost.some(isSeries) ? 0 : ALL - lost.filter(isSample).length;
      const line = await openResult(file);
      if (line === 'opened') {
        // The page has only the rest of a long text, or no rows.
        expect(report.damage.length === 0 || lost.length === 0).toBe(true);
      } else {
        refused++;
        expect(line).toMatch(
          new RegExp(`^journal ${file} is damaged: .*; run 'rollwatch repair ${file} NEW' to copy its readable rows`),
        );
        expect(report.damage).not.toEqual([]);
        expect(readFileSync(file).equals(before)).toBe(true);
      }
      // Rows of SQLite's schema are not counted as damaged rows.
      expect(report.damage.filter(({ table, rows }) => table === 'observation_gaps' && rows > 0)).toEqual([]);
      // A row whose text continues on the page is lost with it.
      expect(sampleCount(report)).toBeLessThanOrEqual(expected);
      expect(sampleCount(report)).toBeGreaterThanOrEqual(lost.length === 0 ? expected - 2 : expected);
    }
    expect(refused).toBeGreaterThan(last / 2);
  }, 120_000);
});

describe('a journal', () => {
  const TABLES =
    'sessions series session_series samples sample_blocks observation_gaps server_events tasks annotations phases check_runs meta';

  it.each(TABLES.split(' '))(
    'without the table %s is reported from the others, and refused to a daemon',
    async (table) => {
      const file = damaged((path) => alter(path, `drop table ${table}`));
      const report = await reportOf(file);
      expect(report.damage.map((one) => one.table)).toContain(table);
      expect(await openResult(file)).toContain(`journal ${file} is damaged: ${table}: the table is missing; `);
    },
  );

  it('that was truncated is reported from the rest', async () => {
    for (const part of [0.5, 0.7, 0.9]) {
      const file = damaged((path) => writeFileSync(path, readFileSync(path).subarray(0, statSync(path).size * part)));
      const report = await reportOf(file);
      expect(sampleCount(report)).toBeGreaterThan(0);
      expect(report.damage).not.toEqual([]);
      expect(await openResult(file)).toMatch(/ is damaged: /);
    }
  });

  it('with all bytes zeroed is refused', async () => {
    const file = damaged((path) => writeFileSync(path, Buffer.alloc(statSync(path).size)));
    expect(await reportOrMessage(file)).toMatch(/ is not a SQLite database, so not a Rollwatch journal/);
    expect(await openResult(file)).toMatch(/ is not a SQLite database, so not a Rollwatch journal/);
  });

  it('is read with the rows of its log if the file is damaged', async () => {
    const source = join(directory.path, 'with-log.db');
    await record(source);
    const journal = await openJournal({ file: source, vantage: 'here', now: () => 0, packing: null });
    await journal.openSession({ startedAt: START + 5e6, version: '1', vantage: 'here', facts: {} }, ALL_SERIES);
    journal.append({ type: 'sample', sample: okSample({ seq: 0, at: START + 5e6, session: 3 }) });
    await journal.flush(START + 5e6);
    const file = damaged(() => {});
    for (const part of ['', '-wal']) copyFileSync(source + part, file + part);
    await journal.close();
    overwrite(file, 1, zeroed());
    const report = await reportOf(file);
    expect([sampleCount(report), report.run.sessions.length]).toEqual([ALL + 1, 3]);
  });
});

describe('one invalid row', () => {
  /** A daemon opens the journal unless other rows cannot be read without the invalid one. */
  const OPENS = /^opened$/;
  const REFUSES = / is damaged: /;

  it.each<[string, string, number, RegExp]>([
    ['update samples set started_at = 1e18 where rowid = 9', 'samples', 1, OPENS],
    ['update samples set ended_at = 9e999 where rowid = 9', 'samples', 1, OPENS],
    ['update samples set due_at = -9e999 where rowid = 9', 'samples', 1, OPENS],
    ['update samples set ended_at = 253402300799999 where rowid = 9', 'samples', 1, OPENS],
    ['update samples set ended_at = started_at - 1 where rowid = 9', 'samples', 1, OPENS],
    ['update samples set started_at = 5, due_at = 5 where rowid = 9', 'samples', 1, OPENS],
    ['update samples set seq = 9223372036854775807 where rowid = 9', 'samples', 1, OPENS],
    ['update samples set seq = -1 where rowid = 9', 'samples', 1, OPENS],
    ['update samples set session = 9223372036854775807 where rowid = 9', 'samples', 1, OPENS],
    ['update samples set series = 77 where rowid = 9', 'samples', 1, OPENS],
    ["update samples set outcome = 'fine' where rowid = 9", 'samples', 1, OPENS],
    ["update samples set stages = '{' where rowid = 9", 'samples', 1, OPENS],
    ["update samples set stages = '[[[[' where rowid = 9", 'samples', 1, OPENS],
    ["update sessions set facts = '[1]' where id = 2", 'sessions', 0, REFUSES],
    ['update sessions set started_at = 1e18 where id = 2', 'sessions', 0, REFUSES],
    ['delete from sessions where id = 1', 'sessions', 0, OPENS],
    ["update series set probe = 'two words' where id = 2", 'series', SAMPLES * 2, REFUSES],
    ['update session_series set "interval" = 0 where series = 2', 'session_series', 0, REFUSES],
    ['update session_series set "interval" = 1e-300 where series = 2', 'session_series', 0, REFUSES],
    ['update session_series set valid_for = 9e999 where session = 2', 'session_series', 0, REFUSES],
    ['delete from session_series', 'session_series', 0, OPENS],
    ['update tasks set started_at = 1e18 where rowid = 3', 'tasks', 0, OPENS],
    ["update tasks set hosts = '[1]' where rowid = 3", 'tasks', 0, OPENS],
    ["update observation_gaps set kind = 'odd'", 'observation_gaps', 0, OPENS],
    ['update observation_gaps set until_at = 1e18', 'observation_gaps', 0, OPENS],
    ['update server_events set at = 1e300', 'server_events', 0, OPENS],
    ['update phases set at = 1e18', 'phases', 0, OPENS],
    ['update annotations set time_end = 1e18', 'annotations', 0, OPENS],
    ["update check_runs set checks = 'NaN'", 'check_runs', 0, OPENS],
    ['delete from meta', 'meta', 0, REFUSES],
  ])('(%s) is left out and counted, and the others are reported', async (sql, table, lost, daemon) => {
    const file = damaged((path) => alter(path, sql));
    const report = await reportOf(file);
    expect(report.damage.map((one) => one.table)).toContain(table);
    expect([sampleCount(report), report.run.sessions.length]).toEqual([ALL - lost, 2]);
    expect(report.run.endedAt).toBeLessThanOrEqual(START + 1e6 + SAMPLES * 1000 + 1000);
    expect(await openResult(file)).toMatch(daemon);
  });
});

it('a probe that only another version knows is no damage', async () => {
  const file = damaged((path) => alter(path, "update series set probe = 'ping' where id = 2"));
  const report = await reportOf(file);
  expect([report.damage, sampleCount(report), report.probeTypes.at(-1)?.name]).toEqual([[], ALL, 'ping']);
  expect(await openResult(file)).toBe('opened');
});

describe('a packed journal', () => {
  it('is reported as one of rows', async () => {
    const [ofRows, ofBlocks] = [await reportOf(good), await reportOf(packed)];
    expect({ ...ofBlocks, run: { ...ofBlocks.run, id: ofRows.run.id } }).toEqual(ofRows);
  });

  it.each<[string, string, number]>([
    ['drop table samples', 'samples', 0],
    ['drop table sample_blocks', 'sample_blocks', 0],
    ['delete from sessions where id = 1', 'sessions', 0],
    ['delete from session_series', 'session_series', 0],
    ['update sample_blocks set data = zeroblob(9) where id = 7', 'samples', 10],
    ['update sample_blocks set from_at = 1e18 where id = 7', 'samples', 10],
    ['update sample_blocks set until_at = 5 where id = 7', 'samples', 10],
    ['update sample_blocks set series = 2 where id = 7', 'samples', 10],
    ['update sample_blocks set session = 77 where id = 7', 'sessions', 10],
  ])('after %s is reported without the samples that this loses', async (sql, table, lost) => {
    const report = await reportOf(damaged((path) => alter(path, sql), packed));
    expect(report.damage.map((one) => one.table)).toContain(table);
    expect([sampleCount(report), report.run.sessions.length]).toEqual([ALL - lost, 2]);
  });
});

const SOURCES: readonly (readonly [string, () => string])[] = [
  ['of rows', () => good],
  ['of packed samples', () => packed],
];

describe.each(SOURCES)('a journal %s with arbitrary values in any cells', (_, source) => {
  const value = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      0,
      1,
      -1,
      2,
      1e18,
      1e300,
      Infinity,
      -Infinity,
      '',
      'NaN',
      '{',
      '[[',
      '[]',
      '{"a":1e400}',
    ),
    fc.double({ noNaN: true }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  );
  const cell = fc.record({ table: fc.nat(), column: fc.nat(), row: fc.nat(), value });

  it('is reported in every format or refused in one line, and a daemon opens or refuses it in one line', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(cell, { minLength: 1, maxLength: 5 }), async (cells) => {
        const file = damaged((path) => spoil(path, cells), source());
        const report = await reportOrMessage(file);
        expect(await openResult(file)).toMatch(/^opened$|^journal .* (is damaged|cannot be)/);
        if (typeof report === 'string') expect(report).toMatch(/^journal .* (is damaged|cannot be)/);
      }),
      { numRuns: RUNS, seed: 16, endOnFailure: true },
    );
  }, 600_000);

  /** Makes strict tables lax first, so that they accept values of any type. */
  function spoil(file: string, cells: readonly { table: number; column: number; row: number; value: unknown }[]): void {
    alter(
      file,
      `pragma writable_schema = on;
       update sqlite_master set sql = replace(replace(replace(sql, ' strict, without', ' without'), ' strict', ''), ' not null', '');
       pragma writable_schema = off`,
    );
    const sqlite = new Sqlite(file);
    try {
      const tables = sqlite.prepare<[], string>("select name from sqlite_master where type = 'table'").pluck().all();
      for (const { table, column, row, value } of cells) {
        const name = tables[table % tables.length] ?? '';
        const columns = sqlite.prepare<[string], string>('select name from pragma_table_info(?)').pluck().all(name);
        const key = name === 'session_series' ? '(session, series)' : 'rowid';
        const rows = Number(sqlite.prepare(`select count(*) from ${name}`).pluck().get());
        try {
          sqlite
            .prepare(
              `update ${name} set "${columns[column % columns.length]}" = ?
               where ${key} = (select ${key.replace(/[()]/g, '')} from ${name} limit 1 offset ${row % Math.max(rows, 1)})`,
            )
            .run(value);
        } catch {
          // A duplicate key, or one that must be a number.
        }
      }
    } finally {
      sqlite.close();
    }
  }
});

describe.each(SOURCES)('a journal %s with any bytes changed', (_, source) => {
  it('is reported in every format or refused in one line, and a daemon opens or refuses it in one line', async () => {
    const change = fc.record({ at: fc.noBias(fc.integer({ min: 0, max: 2 ** 31 - 1 })), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 40 }), async (changes) => {
        const file = damaged((path) => {
          const content = readFileSync(path);
          for (const { at, byte } of changes) content[at % content.length] = byte;
          writeFileSync(path, content);
        }, source());
        const report = await reportOrMessage(file);
        expect(await openResult(file)).toMatch(/^opened$|^journal .* (is damaged|cannot be|was written by)/);
        if (typeof report === 'string') expect(report).toMatch(/^journal .* (is damaged|cannot be|was written by)/);
        else expect(sampleCount(report)).toBeGreaterThan(0);
      }),
      { numRuns: RUNS, seed: 9, endOnFailure: true },
    );
  }, 600_000);
});

describe('rollwatch repair', () => {
  it('writes a journal that a daemon can continue, and does not change the damaged one', async () => {
    const file = damaged((path) => overwrite(path, 1, zeroed()));
    const before = readFileSync(file);
    const fresh = join(directory.path, 'fresh.db');
    const { code, out, err } = await rollwatch(['repair', file, fresh], { folder: directory.path });
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain(`Recovered from ${file} into ${fresh}: 2 rows of sessions, 2 rows of series`);
    expect([readFileSync(file).equals(before), statSync(fresh).mode & 0o777]).toEqual([true, 0o600]);
    expect(await openResult(fresh)).toBe('opened');
    const [repaired, whole] = [await reportOf(fresh), await reportOf(good)];
    expect(repaired).toEqual(whole);
  });

  it('refuses an existing target, a missing journal and other files, in one line', async () => {
    const folder = directory.path;
    const other = join(folder, 'text.db');
    writeFileSync(other, 'samples: many\n'.repeat(1000));
    const run = async (...args: string[]) => {
      const { code, out, err } = await rollwatch(['repair', ...args], { folder });
      return [code, out, err.trimEnd()];
    };
    expect(await run(good, other)).toEqual([2, '', `rollwatch: ${other} already exists; name a file that does not`]);
    expect(await run(join(folder, 'none'), join(folder, 'new'))).toEqual([
      2,
      '',
      `rollwatch: journal ${join(folder, 'none')} does not exist`,
    ]);
    expect(await run(other, join(folder, 'new'))).toEqual([
      3,
      '',
      `rollwatch: ${other} has no readable rows of a Rollwatch journal`,
    ]);
    expect(existsSync(join(folder, 'new'))).toBe(false);
  });
});

it('rollwatch report warns on standard error about a damaged journal, and exits according to the verdict', async () => {
  const file = damaged((path) => overwrite(path, 1, zeroed()));
  const { code, out, err } = await rollwatch(['report', '--journal', file, '--format', 'csv'], {
    folder: directory.path,
  });
  expect(err).toBe(
    `rollwatch: journal ${file} is damaged, so this report covers only its readable part; 'rollwatch repair' copies that part into a new journal\n`,
  );
  expect([code, out.split('\r\n').length > 2]).toEqual([0, true]);
});
