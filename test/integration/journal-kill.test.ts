import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, copyFileSync, existsSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournal, readJournal } from '../../src/journal/open-journal.ts';
import { collect } from '../contract/journal.ts';
import { type Directory, temporaryDirectory } from '../support/journal-place.ts';
import { okSample } from '../support/samples.ts';

const CHILD = fileURLToPath(new URL('../support/journal-child.ts', import.meta.url));

let directory: Directory;
let file: string;
let child: ChildProcess | null = null;

beforeEach(() => {
  directory = temporaryDirectory();
  file = join(directory.path, 'journal.db');
});

afterEach(() => {
  child?.kill('SIGKILL');
  child = null;
  directory.clear();
});

const write = () => openJournal({ file, vantage: 'here', now: () => 0 });

/** Kills the child `delay` milliseconds after it has flushed `count` samples. Returns what it reported last. */
async function writeAndKill(
  count: number,
  delay: number,
  packing: readonly string[] = [],
): Promise<{ session: number; count: number }> {
  const process_ = spawn(process.execPath, [CHILD, file, ...packing], { stdio: ['ignore', 'pipe', 'inherit'] });
  child = process_;
  const reported = { session: 0, count: 0 };
  let killed = false;
  for await (const line of createInterface({ input: process_.stdout })) {
    const [session = 0, flushed = 0] = line.split(' ').map(Number);
    Object.assign(reported, { session, count: flushed });
    if (flushed >= count && !killed) {
      killed = true;
      setTimeout(() => process_.kill('SIGKILL'), delay);
    }
  }
  if (process_.exitCode === null && process_.signalCode === null) await once(process_, 'exit');
  expect(process_.signalCode).toBe('SIGKILL');
  return reported;
}

function integrity(path: string): unknown {
  const sqlite = new Sqlite(path);
  try {
    return sqlite.pragma('integrity_check', { simple: true });
  } finally {
    sqlite.close();
  }
}

const countsOf = async (path: string): Promise<number[]> => {
  const journal = await readJournal(path);
  const counts: number[] = [];
  for await (const { session, seq } of journal.samples()) {
    expect(seq).toBe(counts[session] ?? 0);
    counts[session] = seq + 1;
  }
  await journal.close();
  return counts;
};

const blockCount = (path: string): number => {
  const sqlite = new Sqlite(path, { readonly: true });
  try {
    return Number(sqlite.prepare('select count(*) from sample_blocks').pluck().get());
  } finally {
    sqlite.close();
  }
};

describe('a daemon that is killed', () => {
  it.each([
    ['does not pack', []],
    ['packs samples all the time', ['30']],
  ])(
    'while it %s loses nothing that was flushed, twenty times at random, and continues in the same journal',
    async (_, packing) => {
      const flushed: number[] = [];
      for (let round = 1; round <= 20; round++) {
        const { session, count } = await writeAndKill(1, Math.random() * 100, packing);
        expect(session).toBe(round);
        flushed[session] = count;
        // A copy of the files is complete without further repair.
        const copy = join(directory.path, `copy-${round}.db`);
        for (const part of ['', '-wal']) if (existsSync(file + part)) copyFileSync(file + part, copy + part);
        expect(integrity(copy)).toBe('ok');
        const counts = await countsOf(copy);
        for (const [id, least] of flushed.entries()) expect(counts[id] ?? 0).toBeGreaterThanOrEqual(least ?? 0);
      }
      const journal = await write();
      const sessions = await journal.sessions();
      expect(sessions.map(({ id, ended }) => [id, ended])).toEqual(
        flushed.slice(1).map((_, index) => [index + 1, false]),
      );
      await journal.close();
      expect(blockCount(file) > 20).toBe(packing.length > 0);
    },
    60_000,
  );

  it('releases its lock, which reported its process id', async () => {
    const living = spawn(process.execPath, [CHILD, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    child = living;
    await once(living.stdout, 'data');
    await expect(write()).rejects.toThrow(`journal ${file} is in use by another Rollwatch process (pid ${living.pid})`);
    const exit = once(living, 'exit');
    living.stdout.resume();
    living.kill('SIGKILL');
    await exit;
    await (await write()).close();
  });
});

describe('a log that was damaged by a crash', () => {
  const log = () => `${file}-wal`;

  it.each([
    ['has garbage at its end', () => appendFileSync(log(), Buffer.alloc(10_000, 'garbage'))],
    ['was cut off in the middle', () => truncateSync(log(), Math.floor(statSync(log()).size / 2))],
    ['is garbage', () => writeFileSync(log(), Buffer.alloc(40_000, 'garbage'))],
    ['is empty', () => truncateSync(log(), 0)],
    ['has no index', () => rmSync(`${file}-shm`)],
    ['has an index of garbage', () => writeFileSync(`${file}-shm`, Buffer.alloc(32_768, 'garbage'))],
  ])('if it %s, the journal opens with the intact part and can be written', async (_, damage) => {
    await (await write()).close();
    await writeAndKill(200, 0);
    damage();
    const journal = await write();
    const samples = await collect(journal);
    expect(samples.map(({ seq }) => seq)).toEqual(samples.map((_one, index) => index));
    journal.append({ type: 'sample', sample: okSample({ seq: 0, at: 0, session: 9 }) });
    await journal.flush(0);
    expect([journal.state().kind, (await collect(journal)).length]).toEqual(['recording', samples.length + 1]);
    await journal.close();
    expect(integrity(file)).toBe('ok');
  });
});
