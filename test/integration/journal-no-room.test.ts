import { closeSync, existsSync, openSync, readdirSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Journal } from '../../src/domain/journal.ts';
import type { Sample } from '../../src/domain/sample.ts';
import { openJournal, readJournal } from '../../src/journal/open-journal.ts';
import { collect } from '../contract/journal.ts';
import { temporaryDirectory } from '../support/journal-place.ts';
import { isMissing, mount } from '../support/requirements.ts';
import { okSample, SERIES } from '../support/samples.ts';
import { mountTmpfs } from '../support/tmpfs.ts';

const SESSION = { startedAt: 0, version: '1', vantage: 'here', facts: {} };

let time = 0;
let directory: { readonly path: string; clear(): void };
let file: string;
let journal: Journal | null = null;

const open = async (maxPending?: number): Promise<Journal> => {
  journal = await openJournal({
    file,
    vantage: 'here',
    now: () => time,
    ...(maxPending === undefined ? {} : { maxPending }),
  });
  return journal;
};

function start(place: { readonly path: string; clear(): void }): void {
  time = 0;
  directory = place;
  file = join(directory.path, 'journal.db');
}

afterEach(async () => {
  await journal?.close();
  journal = null;
  directory.clear();
});

/** About 1 kB each in the journal. */
const samples = (from: number, until: number): Sample[] =>
  Array.from({ length: until - from }, (_, index) => ({
    ...okSample({ seq: from + index, at: from + index }),
    requestId: 'r'.repeat(800),
  }));

function append(to: Journal, some: readonly Sample[]): void {
  for (const sample of some) to.append({ type: 'sample', sample });
}

const seqs = (some: readonly Sample[]) => some.map(({ seq }) => seq);

function integrity(): unknown {
  const sqlite = new Sqlite(file);
  try {
    return sqlite.pragma('integrity_check', { simple: true });
  } finally {
    sqlite.close();
  }
}

/** Fills the disk to the last block. */
function fill(): string {
  const filler = join(directory.path, 'filler');
  const descriptor = openSync(filler, 'a');
  try {
    for (;;) writeSync(descriptor, Buffer.alloc(4096, 'x'));
  } catch {
    return filler;
  } finally {
    closeSync(descriptor);
  }
}

describe.skipIf(isMissing(mount()))('on a full disk', () => {
  beforeEach(() => start(mountTmpfs('2m')));

  it('recording stops and reports it, and entries are written in order once there is space', async () => {
    const writer = await open();
    await writer.openSession(SESSION, [SERIES]);
    append(writer, samples(0, 10));
    await writer.flush(10);
    const filler = fill();
    time = 1000;
    append(writer, samples(10, 900));
    await writer.flush(900);
    const stopped = writer.state();
    expect(stopped).toMatchObject({ kind: 'stopped', since: 1000, waiting: 890, dropped: 0 });
    expect(stopped).toHaveProperty('reason', expect.stringMatching(/^no space left on the disk \(SQLITE_FULL: /));

    const reader = await readJournal(file);
    expect([seqs(await collect(reader)), (await reader.sessions())[0]?.aliveAt]).toEqual([seqs(samples(0, 10)), 10]);
    await reader.close();

    append(writer, samples(900, 1000));
    await writer.flush(1000);
    expect(writer.state()).toMatchObject({ since: 1000, waiting: 990 });

    rmSync(filler);
    time = 1249;
    await writer.flush(1249);
    expect(writer.state().kind).toBe('stopped');
    time = 1250;
    await writer.flush(1250);
    expect(writer.state()).toEqual({ kind: 'recording' });
    expect(seqs(await collect(writer))).toEqual(seqs(samples(0, 1000)));
    expect((await writer.sessions())[0]?.aliveAt).toBe(1250);
    await writer.close();
    expect(integrity()).toBe('ok');
  });

  it('the delay between attempts doubles up to two seconds', async () => {
    const writer = await open();
    await writer.openSession(SESSION, [SERIES]);
    const filler = fill();
    append(writer, samples(0, 1500));
    for (const at of [0, 250, 750, 1750, 3750]) {
      time = at;
      await writer.flush(at);
    }
    rmSync(filler);
    time = 5749;
    await writer.flush(time);
    expect(writer.state()).toMatchObject({ kind: 'stopped', since: 0 });
    time = 5750;
    await writer.flush(time);
    expect([writer.state().kind, (await collect(writer)).length]).toEqual(['recording', 1500]);
  });

  it('the oldest entries beyond the limit are dropped and counted', async () => {
    const writer = await open(100);
    await writer.openSession(SESSION, [SERIES]);
    const filler = fill();
    let appended = 0;
    for (; writer.state().kind === 'recording'; appended += 90) {
      append(writer, samples(appended, appended + 90));
      await writer.flush(0);
    }
    const written = (await collect(writer)).length;
    append(writer, samples(10_000, 10_250));
    expect(writer.state()).toMatchObject({ waiting: 100, dropped: appended - written + 150 });
    rmSync(filler);
    time = 10_000;
    await writer.flush(0);
    expect(writer.state()).toEqual({ kind: 'recording' });
    expect(seqs(await collect(writer)).slice(written)).toEqual(seqs(samples(10_150, 10_250)));
  });

  it('sessions may start and end, and are written once there is space', async () => {
    const writer = await open();
    const filler = fill();
    append(writer, samples(0, 1500));
    const session = await writer.openSession(SESSION, [SERIES]);
    expect([session.id, writer.state().kind]).toEqual([1, 'stopped']);
    writer.append({ type: 'facts', facts: { image: 'cirros' } });
    await writer.closeSession(20);
    const second = await writer.openSession({ ...SESSION, startedAt: 30 }, [SERIES]);
    rmSync(filler);
    await writer.closeSession(40);
    expect(await writer.sessions()).toEqual([
      { ...session, facts: { image: 'cirros' }, aliveAt: 20, ended: true },
      { ...second, aliveAt: 40, ended: true },
    ]);
    expect(await writer.series(1)).toEqual([SERIES]);
  });

  it('a daemon that was killed reopens its journal, and records once there is space', async () => {
    const first = await open();
    await first.openSession(SESSION, [SERIES]);
    append(first, samples(0, 10));
    await first.flush(10);
    const filler = fill();
    await first.close();
    const again = await open();
    expect(seqs(await collect(again))).toEqual(seqs(samples(0, 10)));
    append(again, samples(10, 1500));
    await again.flush(0);
    expect(again.state().kind).toBe('stopped');
    rmSync(filler);
    time = 1000;
    await again.flush(0);
    expect(seqs(await collect(again))).toEqual(seqs(samples(0, 1500)));
  });

  it('a new journal is refused', async () => {
    fill();
    await expect(open()).rejects.toThrow(/^journal .* cannot be opened: no space left on the disk/);
  });
});

describe('a journal that is removed while a daemon records to it', () => {
  beforeEach(() => start(temporaryDirectory()));

  const openWithEntries = async (): Promise<Journal> => {
    const writer = await open();
    await writer.openSession(SESSION, [SERIES]);
    append(writer, samples(0, 10));
    await writer.flush(10);
    append(writer, samples(10, 20));
    return writer;
  };

  const expectComplete = async (writer: Journal): Promise<void> => {
    expect(writer.state()).toEqual({ kind: 'recording' });
    const { run } = writer;
    const written = async () => {
      const reader = await readJournal(file);
      expect([reader.run, seqs(await collect(reader))]).toEqual([run, seqs(samples(0, 20))]);
      await reader.close();
    };
    // Also before closing, because a daemon may be killed.
    await written();
    await writer.close();
    await written();
    expect(integrity()).toBe('ok');
    expect(readdirSync(directory.path).filter((name) => name.includes('restored'))).toEqual([]);
  };

  it.each([
    ['the file, its log and index', ['', '-wal', '-shm']],
    ['the file only', ['']],
    ['its log only', ['-wal']],
    ['its log and index', ['-wal', '-shm']],
  ])('is restored completely by the next flush (%s)', async (_, parts) => {
    const writer = await openWithEntries();
    for (const part of parts) rmSync(file + part);
    await writer.flush(20);
    await expectComplete(writer);
  });

  it('is not restored over another file, and recording resumes once that is gone', async () => {
    const writer = await openWithEntries();
    renameSync(file, `${file}.old`);
    writeFileSync(file, 'mine');
    await writer.flush(20);
    expect(writer.state()).toMatchObject({ kind: 'stopped', waiting: 10 });
    expect(writer.state()).toHaveProperty('reason', expect.stringMatching(/^another file has replaced the journal/));
    rmSync(file);
    time = 1000;
    await writer.flush(21);
    await expectComplete(writer);
  });

  it('is restored once its removed directory is back', async () => {
    const writer = await openWithEntries();
    renameSync(directory.path, `${directory.path}-gone`);
    await writer.flush(20);
    expect([writer.state().kind, existsSync(directory.path)]).toEqual(['stopped', false]);
    renameSync(`${directory.path}-gone`, directory.path);
    time = 1000;
    await writer.flush(21);
    await expectComplete(writer);
  });
});
