import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Journal } from '../../src/domain/journal.ts';
import type { Sample, Series } from '../../src/domain/sample.ts';
import { damageText } from '../../src/format/damage.ts';
import { openJournal, readJournal } from '../../src/journal/open-journal.ts';
import type { Packing } from '../../src/journal/pack.ts';
import { repair } from '../../src/journal/sqlite/repair.ts';
import { collect } from '../contract/journal.ts';
import { type Directory, temporaryDirectory } from '../support/journal-place.ts';
import { failedSample, okSample, SERIES } from '../support/samples.ts';

const START = Date.UTC(2026, 10, 26, 7);
const PILOT: Series = { ...SERIES, probe: 'pilot', interval: 100, validFor: 150 };
const SESSION = { startedAt: START, version: '1', vantage: 'here', facts: {} };
const PACKING: Packing = { blockSamples: 100, settledAfterMs: 60_000, pauseMs: 0, searchIntervalMs: 0 };

let directory: Directory;
let file: string;

beforeEach(() => {
  directory = temporaryDirectory();
  file = join(directory.path, 'journal.db');
});

afterEach(() => directory.clear());

const open = (packing: Packing | null = PACKING) => openJournal({ file, vantage: 'here', now: () => 0, packing });

/** A second of both series: ten samples of the pilot, and one of the list. */
const second = (index: number, session = 1): readonly Sample[] => [
  ...Array.from({ length: 10 }, (_, part) => ({
    ...okSample({ seq: index * 10 + part, at: START + index * 1000 + part * 100 + 0.25, session }, 1.5),
    probe: PILOT.probe,
  })),
  index % 50 === 49
    ? failedSample({ seq: index, at: START + index * 1000, session })
    : okSample({ seq: index, at: START + index * 1000, session }, 41.25),
];

/** Appends the samples of seconds, in the order of their ends, and flushes once per second. */
async function record(journal: Journal, { from = 0, until }: { from?: number; until: number }): Promise<void> {
  for (let index = from; index < until; index++) {
    for (const sample of second(index)) journal.append({ type: 'sample', sample });
    await journal.flush(START + index * 1000);
  }
}

const expected = (seconds: number): readonly Sample[] =>
  Array.from({ length: seconds }, (_, index) => second(index))
    .flat()
    .toSorted((a, b) => a.startedAt - b.startedAt);

function alter(sql: string): void {
  const sqlite = new Sqlite(file);
  sqlite.exec(sql);
  sqlite.close();
}

/** Returns how many samples are rows, and how many each block has. */
function layout(): { readonly rows: number; readonly blocks: readonly number[] } {
  const sqlite = new Sqlite(file, { readonly: true });
  try {
    const rows = Number(sqlite.prepare('select count(*) from samples').pluck().get());
    return { rows, blocks: sqlite.prepare<[], number>('select samples from sample_blocks order by id').pluck().all() };
  } finally {
    sqlite.close();
  }
}

async function read(filter = {}) {
  const reader = await readJournal(file);
  const samples = await collect(reader, filter);
  await reader.close();
  return { samples, damage: reader.damage() };
}

describe('samples of the open session', () => {
  it('are packed in whole blocks once they are a minute old', async () => {
    const journal = await open();
    await journal.openSession(SESSION, [SERIES, PILOT]);
    await record(journal, { until: 60 });
    expect(layout()).toEqual({ rows: 660, blocks: [] });
    await record(journal, { from: 60, until: 120 });
    // 59 s of the pilot are old enough: 5 blocks of 10 s. The list has only 59 samples of that age.
    expect(layout()).toEqual({ rows: 1320 - 500, blocks: [100, 100, 100, 100, 100] });
    expect(await collect(journal)).toEqual(expected(120));
    await journal.close();
  });

  it('are packed to the end when the session has ended and the journal is closed', async () => {
    const journal = await open();
    await journal.openSession(SESSION, [SERIES, PILOT]);
    await record(journal, { until: 12 });
    await journal.closeSession(START + 12_000);
    await journal.close();
    expect(layout()).toEqual({ rows: 0, blocks: [12, 100, 20] });
    expect((await read()).samples).toEqual(expected(12));
  });

  it('are packed by the next daemon if theirs was killed', async () => {
    const killed = await open(null);
    await killed.openSession(SESSION, [SERIES, PILOT]);
    await record(killed, { until: 12 });
    await killed.close();
    const journal = await open();
    await journal.openSession({ ...SESSION, startedAt: START + 20_000 }, [SERIES, PILOT]);
    for (let flush = 0; flush < 5; flush++) await journal.flush(START + 20_000);
    expect(layout()).toEqual({ rows: 0, blocks: [12, 100, 20] });
    await journal.close();
  });

  it('are not packed by a process that only adds to the journal', async () => {
    const killed = await open(null);
    await killed.openSession(SESSION, [SERIES, PILOT]);
    await record(killed, { until: 2 });
    await killed.close();
    await (await open()).close();
    expect(layout()).toEqual({ rows: 22, blocks: [] });
  });
});

it('a stream has each sample once while the samples are packed', async () => {
  const journal = await open({ ...PACKING, blockSamples: 33 });
  for (const sample of expected(300)) journal.append({ type: 'sample', sample });
  const read: Sample[] = [];
  await journal.flush(0);
  for await (const sample of journal.samples()) {
    if (read.length % 30 === 0) await journal.flush(0);
    read.push(sample);
  }
  expect(read).toEqual(expected(300));
  expect(layout().blocks.length).toBeGreaterThan(90);
  await journal.close();
});

it('a journal of an earlier version has the same samples after its migration and packing', async () => {
  const recorded = join(import.meta.dirname, 'journals', 'schema-4.sqlite.gz');
  writeFileSync(file, gunzipSync(readFileSync(recorded)));
  const before = await read();
  const journal = await open();
  await journal.openSession({ ...SESSION, startedAt: Date.now() }, []);
  for (let flush = 0; flush < 20; flush++) await journal.flush(Date.now());
  await journal.close();
  expect(layout().rows).toBe(0);
  expect(before.samples.length).toBeGreaterThan(200);
  expect(await read()).toEqual(before);
});

describe('a packed journal', () => {
  beforeEach(async () => {
    const journal = await open();
    await journal.openSession(SESSION, [SERIES, PILOT]);
    await record(journal, { until: 40 });
    await journal.closeSession(START + 40_000);
    await journal.close();
    expect(layout()).toEqual({ rows: 0, blocks: [40, 100, 100, 100, 100] });
  });

  it('of which a block is damaged is read without it, and says which series and time is lost', async () => {
    alter("update sample_blocks set data = cast(data || 'x' as blob) where id = 3");
    const { samples, damage } = await read();
    const lost = (sample: Sample) => sample.probe === 'pilot' && sample.seq >= 100 && sample.seq < 200;
    expect(samples).toEqual(expected(40).filter((sample) => !lost(sample)));
    expect(damageText(damage)).toBe(
      '100 rows of samples (session 1, pilot new of cloud, 2026-11-26T07:00:10.000Z to 2026-11-26T07:00:19.900Z: ' +
        'data: the checksum is wrong)',
    );
  });

  it('unpacks no block outside what is asked for', async () => {
    alter("update sample_blocks set data = cast('' as blob) where id in (2, 3, 5)");
    const filter = { from: START + 25_000, until: START + 26_000 };
    const inRange = expected(40).filter(({ startedAt }) => startedAt >= filter.from && startedAt < filter.until);
    expect(await read(filter)).toEqual({ samples: inRange, damage: [] });
    expect(await read({ probe: 'server-list', limit: 2 })).toMatchObject({ samples: { length: 2 }, damage: [] });
    expect(await read({ outcome: 'failed' })).toEqual({ samples: [], damage: [] });
  });

  it('is repaired with all blocks of intact pages, and reports how many samples are missing', async () => {
    const whole = readFileSync(file);
    const blockOf = new Map(expected(40).map((sample) => [`${sample.probe} ${sample.seq}`, sample]));
    for (let page = 1; page <= whole.length / 4096; page++) {
      const damaged = Uint8Array.from(whole);
      damaged.fill(0, (page - 1) * 4096, page * 4096);
      writeFileSync(file, damaged);
      const fresh = join(directory.path, `repaired-${page}.db`);
      const { rows, damage } = repair(file, fresh);
      const reader = await readJournal(fresh);
      const samples = await collect(reader);
      await reader.close();
      // Without the page of its series a sample cannot be read.
      if (samples.length > 0) expect(rows.get('samples')).toBe(samples.length);
      for (const sample of samples) expect(sample).toEqual(blockOf.get(`${sample.probe} ${sample.seq}`));
      expect(new Set(samples.map(({ probe, seq }) => `${probe} ${seq}`)).size).toBe(samples.length);
      if (samples.length > 0 && samples.length < blockOf.size) expect(damage).not.toEqual([]);
    }
  });
});

it('rows that cannot be packed stay, and are reported as before', async () => {
  const journal = await open(null);
  await journal.openSession(SESSION, [SERIES, PILOT]);
  await record(journal, { until: 12 });
  await journal.closeSession(START + 12_000);
  await journal.close();
  alter('update samples set started_at = 1e18 where rowid = 9');
  const before = await read();
  const next = await open();
  await next.openSession({ ...SESSION, startedAt: START + 20_000 }, []);
  for (let flush = 0; flush < 5; flush++) await next.flush(START + 20_000);
  await next.close();
  expect(layout()).toEqual({ rows: 1, blocks: [12, 99, 20] });
  expect(await read()).toEqual(before);
});
