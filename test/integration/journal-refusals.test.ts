import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../src/domain/errors.ts';
import { openJournal, readJournal } from '../../src/journal/open-journal.ts';
import { collect } from '../contract/journal.ts';
import { type Directory, temporaryDirectory } from '../support/journal-place.ts';
import { isMissing, mount, ROOT } from '../support/requirements.ts';
import { okSample, SERIES } from '../support/samples.ts';
import { mountTmpfs } from '../support/tmpfs.ts';

const SESSION = { startedAt: 0, version: '1', vantage: 'here', facts: {} };

let directory: Directory;
let file: string;

beforeEach(() => {
  directory = temporaryDirectory();
  file = join(directory.path, 'journal.db');
});

afterEach(() => directory.clear());

/** Samples stay rows, as in the versions that `TO_SCHEMA_1` turns a journal into. */
const write = (path = file) => openJournal({ file: path, vantage: 'here', now: () => 0, packing: null });

/** Returns the message of the UserError. */
async function messageOf(opening: Promise<{ close(): Promise<void> }>): Promise<string> {
  try {
    await (await opening).close();
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  return 'opened';
}

/** Writes a journal with one session and one sample, and closes it. */
async function createJournal(): Promise<void> {
  const journal = await write();
  await journal.openSession(SESSION, [SERIES]);
  journal.append({ type: 'sample', sample: okSample({ seq: 0, at: 1 }) });
  journal.append({ type: 'gap', gap: { from: 0, until: 1, kind: 'paused', message: '' } });
  await journal.closeSession(2);
  await journal.close();
}

function alter(sql: string, path = file): void {
  const sqlite = new Sqlite(path);
  try {
    sqlite.exec(sql);
  } finally {
    sqlite.close();
  }
}

/** Makes a journal what the first version wrote. */
const TO_SCHEMA_1 = `drop table sample_blocks; drop table tasks; drop table annotations; drop table phases; drop table check_runs;
  create table old as select id, cloud, vantage, probe, connection from series;
  drop table series; alter table old rename to series;
  alter table samples rename column last_known_up_at to up_until;
  alter table samples rename column failure_started_at to broke_at;
  alter table samples rename column timed_out to hung;
  alter table session_series rename column valid_for to cover;
  alter table observation_gaps rename to marks; pragma user_version = 1`;

describe('what cannot be opened is refused in one line', () => {
  it('a directory', async () => {
    const message = `journal ${directory.path} is a directory; name a file in it`;
    expect([await messageOf(write(directory.path)), await messageOf(readJournal(directory.path))]).toEqual([
      message,
      message,
    ]);
  });

  it('a file in a missing directory', async () => {
    const path = join(directory.path, 'none', 'journal.db');
    const message = `journal ${path}: directory ${join(directory.path, 'none')} does not exist`;
    expect([await messageOf(write(path)), await messageOf(readJournal(path))]).toEqual([message, message]);
  });

  it('a file in a file', async () => {
    writeFileSync(file, '');
    expect(await messageOf(write(join(file, 'x.db')))).toBe(
      `journal ${join(file, 'x.db')}: ${file} is not a directory`,
    );
  });

  it('a device', async () => {
    expect(await messageOf(write('/dev/null'))).toBe('journal /dev/null is not a regular file');
  });

  it('a file that is not a database', async () => {
    writeFileSync(file, 'samples: many\n'.repeat(100));
    const message = `journal ${file} is not a SQLite database, so not a Rollwatch journal; name another file`;
    expect([await messageOf(write()), await messageOf(readJournal(file))]).toEqual([message, message]);
  });

  it("another program's database, and no files are created beside it", async () => {
    alter('create table photos (id)');
    const message = `journal ${file} is another program's database, not a Rollwatch journal; name another file`;
    expect([await messageOf(write()), await messageOf(readJournal(file))]).toEqual([message, message]);
    expect(readdirSync(directory.path)).toEqual(['journal.db']);
  });

  it('a journal of a newer version, which stays unchanged', async () => {
    await createJournal();
    alter('pragma user_version = 8');
    const message = `journal ${file} was written by a newer version of Rollwatch (schema 8, this version supports up to 7); use the newer version, or name another file`;
    expect([await messageOf(write()), await messageOf(readJournal(file))]).toEqual([message, message]);
    alter('pragma user_version = 7');
    expect(await messageOf(readJournal(file))).toBe('opened');
  });

  it('for reading: a journal of an older version is opened as a migrated copy, and stays as it is', async () => {
    await createJournal();
    alter(TO_SCHEMA_1);
    const before = readFileSync(file);
    expect(await messageOf(readJournal(file))).toBe('opened');
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(await messageOf(write())).toBe('opened');
    expect(await messageOf(readJournal(file))).toBe('opened');
  });

  it('a journal that another daemon writes, which continues undisturbed', async () => {
    const journal = await write();
    const message = `journal ${file} is in use by another Rollwatch process (pid ${process.pid})`;
    expect(await messageOf(write())).toBe(message);
    symlinkSync(file, join(directory.path, 'link.db'));
    expect(await messageOf(write(join(directory.path, 'link.db')))).toBe(message);
    expect(await messageOf(readJournal(file))).toBe('opened');
    journal.append({ type: 'sample', sample: okSample({ seq: 0, at: 1 }) });
    await journal.flush(1);
    expect([await collect(journal), journal.state().kind]).toEqual([[okSample({ seq: 0, at: 1 })], 'recording']);
    await journal.close();
    expect(await messageOf(write())).toBe('opened');
  });

  it('for reading: a missing file, which is not created', async () => {
    expect(await messageOf(readJournal(file))).toBe(`journal ${file} does not exist`);
    expect(existsSync(file)).toBe(false);
  });

  it('for reading: an empty file or database, which a daemon may still use', async () => {
    const message = `journal ${file} is empty: nothing has been recorded in it`;
    writeFileSync(file, '');
    expect(await messageOf(readJournal(file))).toBe(message);
    alter('pragma journal_mode = wal; create table t (x); drop table t');
    expect(await messageOf(readJournal(file))).toBe(message);
    expect(await messageOf(write())).toBe('opened');
  });
});

describe.skipIf(isMissing(mount()))('on a read-only disk', () => {
  it('a daemon is refused, and a report can read the journal', async () => {
    const mount = mountTmpfs('4m');
    try {
      file = join(mount.path, 'journal.db');
      await createJournal();
      mount.readOnly();
      expect(await messageOf(write())).toMatch(/^journal .* cannot be written: the disk is read-only \(EROFS: /);
      expect(await messageOf(write(join(mount.path, 'new.db')))).toMatch(
        /^journal .*new\.db: directory .* cannot be written: the disk is read-only \(EROFS: /,
      );
      const reader = await readJournal(file);
      expect(await collect(reader)).toEqual([okSample({ seq: 0, at: 1 })]);
      await reader.close();
    } finally {
      mount.clear();
    }
  });

  it('a report can read the journal of an older version', async () => {
    const mount = mountTmpfs('4m');
    try {
      file = join(mount.path, 'journal.db');
      await createJournal();
      alter(TO_SCHEMA_1);
      mount.readOnly();
      const reader = await readJournal(file);
      expect(await collect(reader)).toEqual([okSample({ seq: 0, at: 1 })]);
      await reader.close();
    } finally {
      mount.clear();
    }
  });
});

describe.skipIf(isMissing(ROOT))('without permission (as user nobody)', () => {
  const asNobody = (expression: string): string => {
    const source = new URL('../../src/journal/open-journal.ts', import.meta.url).href;
    const code = `const { openJournal, readJournal } = await import('${source}');
      await (${expression}).then((one) => (console.log('opened'), one.close()), (error) => console.log(error.name + ': ' + error.message));`;
    // Drops privileges after the import, because nobody may lack access to the sources.
    const drop = `await import('${source}'); process.setgid(65534); process.setuid(65534);`;
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', drop + code], { encoding: 'utf8' });
    return child.stdout.trim() + child.stderr;
  };

  it('to read', async () => {
    await createJournal();
    chmodSync(directory.path, 0o755);
    chmodSync(file, 0o600);
    expect(asNobody(`readJournal('${file}')`)).toMatch(
      /^UserError: journal .* cannot be read: permission denied \(EACCES: /,
    );
  });

  it('to write the file, or its directory', async () => {
    await createJournal();
    chmodSync(directory.path, 0o755);
    chmodSync(file, 0o644);
    const open = (path: string) => `openJournal({ file: '${path}', vantage: 'here', now: () => 0 })`;
    expect(asNobody(open(file))).toMatch(/^UserError: journal .* cannot be written: permission denied \(EACCES: /);
    expect(asNobody(open(join(directory.path, 'new.db')))).toMatch(
      /^UserError: journal .*new\.db: directory .* cannot be written: permission denied \(EACCES: /,
    );
    expect(asNobody(`readJournal('${file}')`)).toBe('opened');
    mkdirSync(join(directory.path, 'closed'), { mode: 0o700 });
    expect(asNobody(`readJournal('${join(directory.path, 'closed', 'x.db')}')`)).toMatch(
      /^UserError: journal .* cannot be reached: permission denied \(EACCES: /,
    );
  });
});
