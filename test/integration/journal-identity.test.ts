import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  linkSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../src/domain/errors.ts';
import type { Journal } from '../../src/domain/journal.ts';
import { openJournal, readJournal } from '../../src/journal/open-journal.ts';
import { collect } from '../contract/journal.ts';
import { type Directory, temporaryDirectory } from '../support/journal-place.ts';
import { isMissing, LINUX, mount } from '../support/requirements.ts';
import { okSample, SERIES } from '../support/samples.ts';

const IN_USE = /^journal .* is in use by another Rollwatch/;
const SESSION = { startedAt: 0, version: '1', vantage: 'here', facts: {} };

let directory: Directory;
let file: string;
let time = 0;
let opened: Journal[] = [];

beforeEach(() => {
  directory = temporaryDirectory();
  file = join(directory.path, 'journal.db');
  time = 0;
});

afterEach(async () => {
  for (const journal of opened.toReversed()) await journal.close();
  opened = [];
  directory.clear();
});

async function write(path = file, warn: (message: string) => void = () => {}): Promise<Journal> {
  const journal = await openJournal({ file: path, vantage: 'here', now: () => time, warn });
  opened.push(journal);
  return journal;
}

/** Opens a journal and writes one session and one sample. */
async function openWithSample(path = file): Promise<Journal> {
  const journal = await write(path);
  await journal.openSession(SESSION, [SERIES]);
  await record(journal, 0);
  return journal;
}

async function record(journal: Journal, seq: number): Promise<void> {
  journal.append({ type: 'sample', sample: okSample({ seq, at: seq }) });
  await journal.flush(seq);
}

async function messageOf(opening: Promise<Journal>): Promise<string> {
  try {
    await opening;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  return 'opened';
}

const reasonOf = (journal: Journal): string => {
  const state = journal.state();
  return state.kind === 'stopped' ? state.reason : state.kind;
};

async function seqsIn(path: string): Promise<readonly number[]> {
  const reader = await readJournal(path);
  try {
    return (await collect(reader)).map(({ seq }) => seq);
  } finally {
    await reader.close();
  }
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

describe.skipIf(isMissing(LINUX))('a journal that a daemon has open is refused to a second daemon', () => {
  it.each<[string, (other: string) => void]>([
    ['a hard link', (other) => linkSync(file, other)],
    ['a symbolic link', (other) => symlinkSync(file, other)],
    ['its new name after a rename', (other) => renameSync(file, other)],
    [
      'its new name, with its log',
      (other) => {
        for (const part of ['', '-wal', '-shm']) renameSync(file + part, other + part);
      },
    ],
  ])('by %s', async (_, name) => {
    await openWithSample();
    const other = join(directory.path, 'other.db');
    name(other);
    const before = readdirSync(directory.path);
    expect(await messageOf(write(other))).toMatch(IN_USE);
    expect(readdirSync(directory.path)).toEqual(before);
  });

  it('by the name of an open file', async () => {
    const journal = await openWithSample();
    const numbers = readdirSync('/proc/self/fd').filter((fd) => linkOf(`/proc/self/fd/${fd}`) === realpathSync(file));
    expect(numbers).not.toEqual([]);
    for (const number of numbers) expect(await messageOf(write(`/proc/self/fd/${number}`))).toMatch(IN_USE);
    await record(journal, 1);
    expect(await seqsIn(file)).toEqual([0, 1]);
  });

  it('by the target of a link that the first one opened before it existed', async () => {
    const link = join(directory.path, 'link.db');
    symlinkSync(file, link);
    await openWithSample(link);
    expect(existsSync(`${file}-lock`)).toBe(true);
    expect(await messageOf(write(file))).toMatch(IN_USE);
  });

  it('but not after the first one has ended', async () => {
    await (await openWithSample()).close();
    const other = join(directory.path, 'other.db');
    renameSync(file, other);
    expect(await messageOf(write(other))).toBe('opened');
  });
});

it('a journal with a second hard link is refused, because only one of them has the log', async () => {
  await (await openWithSample()).close();
  linkSync(file, join(directory.path, 'other.db'));
  expect(await messageOf(write())).toBe(
    `journal ${file} has 2 hard links, but only one of them has its write-ahead log; remove the other links, or record to a copy`,
  );
});

describe.skipIf(isMissing(mount()))('by another mount', () => {
  it.each([
    ['of its directory', true],
    ['of the file alone', false],
  ])('%s, a journal that a daemon has open is refused', async (_, whole) => {
    await openWithSample();
    const other = temporaryDirectory();
    const target = whole ? other.path : join(other.path, 'journal.db');
    if (!whole) writeFileSync(target, '');
    const bound = spawnSync('mount', ['--bind', whole ? directory.path : file, target]);
    try {
      expect(bound.status).toBe(0);
      expect(await messageOf(write(join(other.path, 'journal.db')))).toMatch(/is in use by another Rollwatch/);
    } finally {
      // SQLite has the journal open only through the first mount.
      expect(spawnSync('umount', [target]).stderr.toString()).toBe('');
      other.clear();
    }
  });
});

describe('a second daemon on the path of a journal that was removed', () => {
  const removeAll = () => {
    for (const part of ['', '-wal', '-shm', '-lock']) rmSync(file + part, { force: true });
  };

  it('records alone, and the first one reports it and writes nothing there', async () => {
    const first = await openWithSample();
    removeAll();
    const second = await openWithSample();
    await record(second, 1);
    const files = () => ['', '-wal', '-shm'].map((part) => statSync(file + part).ino);
    const before = files();
    for (time = 1000; time < 20_000; time += 1000) await record(first, 1 + time / 1000);
    expect(reasonOf(first)).toBe(`another Rollwatch process is recording to ${file}; recording resumes when it stops`);
    await record(second, 2);
    expect([reasonOf(second), files()]).toEqual(['recording', before]);
    // Closing the first one must not remove the files of the second.
    await first.close();
    expect(files()).toEqual(before);
    await record(second, 3);
    expect([reasonOf(second), await seqsIn(file)]).toEqual(['recording', [0, 1, 2, 3]]);
    expect(readdirSync(directory.path).sort()).toEqual(['', '-lock', '-shm', '-wal'].map((one) => `journal.db${one}`));
  });

  it('is refused if the first one has restored its journal', async () => {
    const first = await openWithSample();
    removeAll();
    await record(first, 1);
    expect(await messageOf(write())).toMatch(/is in use by another Rollwatch/);
    await record(first, 2);
    expect([reasonOf(first), await seqsIn(file)]).toEqual(['recording', [0, 1, 2]]);
  });

  it('is refused if only the lock file is left, and changes nothing', async () => {
    const first = await openWithSample();
    for (const part of ['', '-wal', '-shm']) rmSync(file + part);
    expect(await messageOf(write())).toMatch(/is in use by another Rollwatch/);
    expect(existsSync(file)).toBe(false);
    await record(first, 1);
    expect([reasonOf(first), await seqsIn(file)]).toEqual(['recording', [0, 1]]);
  });

  it('is refused if only the lock file was removed, and the first one locks the path again', async () => {
    const first = await openWithSample();
    rmSync(`${file}-lock`);
    expect(await messageOf(write())).toMatch(/is in use by another Rollwatch/);
    await record(first, 1);
    expect([reasonOf(first), await seqsIn(file)]).toEqual(['recording', [0, 1]]);
  });

  it.each([
    ['with what the second one recorded left in place', false],
    ['with that removed', true],
  ])('once it has ended, lets the first one resume only if the path is free (%s)', async (_, removed) => {
    const first = await openWithSample();
    removeAll();
    const second = await openWithSample();
    await record(first, 1);
    await second.close();
    if (removed) removeAll();
    time = 10_000;
    await record(first, 2);
    expect(reasonOf(first)).toBe(
      removed
        ? 'recording'
        : `another file has replaced the journal at ${file}; recording resumes once it is moved away`,
    );
    expect(await seqsIn(file)).toEqual(removed ? [0, 1, 2] : [0]);
  });
});

it('a journal that is removed repeatedly is restored with growing delays, and nothing is lost', async () => {
  const journal = await openWithSample();
  const restoredAt: number[] = [];
  let seq = 1;
  for (; time < 200_000; time += 500) {
    for (const part of ['', '-wal', '-shm']) rmSync(file + part, { force: true });
    await record(journal, seq++);
    if (existsSync(file)) restoredAt.push(time);
  }
  const pauses = restoredAt.slice(1).map((at, index) => at - (restoredAt[index] ?? 0));
  expect(restoredAt.length).toBeLessThan(10);
  for (const [index, pause] of pauses.entries())
    expect(pause).toBeGreaterThanOrEqual(Math.min(1000 * 2 ** index, 60_000));
  expect(reasonOf(journal)).toMatch(/^the journal was removed again after it was restored; next restore in \d+ s$/);
  // Closing the journal restores it without a delay.
  await record(journal, seq);
  await journal.close();
  expect(await seqsIn(file)).toEqual(Array.from({ length: seq + 1 }, (_, index) => index));
});

it('the next daemon starts after a restore was killed halfway', async () => {
  await (await openWithSample()).close();
  linkSync(file, `${file}-restored`);
  expect(await messageOf(write())).toBe('opened');
  expect(existsSync(`${file}-restored`)).toBe(false);
});

describe('other users of the host', () => {
  const modes = () =>
    Object.fromEntries(
      readdirSync(directory.path).map((name) => [name, statSync(join(directory.path, name)).mode & 0o777]),
    );

  const PRIVATE = { 'journal.db': 0o600, 'journal.db-lock': 0o600, 'journal.db-shm': 0o600, 'journal.db-wal': 0o600 };

  it('cannot read a journal, its log, index and lock file, also after it was restored', async () => {
    const umask = process.umask(0);
    try {
      const warnings: string[] = [];
      const journal = await write(file, (message) => warnings.push(message));
      await record(journal, 0);
      expect([modes(), warnings]).toEqual([PRIVATE, []]);
      for (const part of ['', '-wal', '-shm', '-lock']) rmSync(file + part);
      await record(journal, 1);
      expect(modes()).toEqual(PRIVATE);
    } finally {
      process.umask(umask);
    }
  });

  it('cause one warning if they can read an existing journal', async () => {
    await (await openWithSample()).close();
    const readable = join(directory.path, 'readable.db');
    copyFileSync(file, readable);
    spawnSync('chmod', ['644', readable]);
    const warnings: string[] = [];
    await write(readable, (message) => warnings.push(message));
    expect(warnings).toEqual([
      `journal ${readable} is accessible to every user of this host; run 'chmod 600 ${readable}*' to keep it private`,
    ]);
  });
});
