import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Refusal } from '../../src/domain/user-error.ts';
import { openJournal, readJournal } from '../../src/journal/open-journal.ts';
import { collect } from '../contract/journal.ts';
import { type Directory, temporaryDirectory } from '../support/journal-place.ts';
import { okSample, SERIES } from '../support/samples.ts';
import { mountTmpfs, skipReason } from '../support/tmpfs.ts';

const SESSION = { startedAt: 0, version: '1', vantage: 'here', facts: {} };

let directory: Directory;
let file: string;

beforeEach(() => {
  directory = temporaryDirectory();
  file = join(directory.path, 'journal.db');
});

afterEach(() => directory.clear());

const write = (path = file) => openJournal({ file: path, vantage: 'here', now: () => 0 });

/** The one line that the user sees. */
async function refusal(opening: Promise<{ close(): Promise<void> }>): Promise<string> {
  try {
    await (await opening).close();
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
  return 'opened';
}

/** A journal with one session and one sample, closed. */
async function made(): Promise<void> {
  const journal = await write();
  await journal.openSession(SESSION, [SERIES]);
  journal.append({ type: 'sample', sample: okSample({ seq: 0, at: 1 }) });
  journal.append({ type: 'mark', mark: { from: 0, until: 1, kind: 'paused', message: '' } });
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

describe('what cannot be a journal is refused in one line', () => {
  it('a directory', async () => {
    const message = `journal ${directory.path} is a directory: name a file in it`;
    expect([await refusal(write(directory.path)), await refusal(readJournal(directory.path))]).toEqual([
      message,
      message,
    ]);
  });

  it('a file in a directory that is not there', async () => {
    const path = join(directory.path, 'none', 'journal.db');
    const message = `journal ${path}: there is no directory ${join(directory.path, 'none')}`;
    expect([await refusal(write(path)), await refusal(readJournal(path))]).toEqual([message, message]);
  });

  it('a file in a file', async () => {
    writeFileSync(file, '');
    expect(await refusal(write(join(file, 'x.db')))).toBe(`journal ${join(file, 'x.db')}: ${file} is not a directory`);
  });

  it('a device', async () => {
    expect(await refusal(write('/dev/null'))).toBe('journal /dev/null is not a regular file');
  });

  it('a file that is no database', async () => {
    writeFileSync(file, 'samples: many\n'.repeat(100));
    const message = `journal ${file} is not a Rollwatch journal: it is no SQLite database; name another file`;
    expect([await refusal(write()), await refusal(readJournal(file))]).toEqual([message, message]);
  });

  it("another program's database, beside which nothing is left", async () => {
    alter('create table photos (id)');
    const message = `journal ${file} is not a Rollwatch journal but another program's database; name another file`;
    expect([await refusal(write()), await refusal(readJournal(file))]).toEqual([message, message]);
    expect(readdirSync(directory.path)).toEqual(['journal.db']);
  });

  it('a journal from a newer version, which stays as it is', async () => {
    await made();
    alter('pragma user_version = 7');
    const message = `journal ${file} was written by a newer Rollwatch (schema 7, this one knows 4); use that one, or name another file`;
    expect([await refusal(write()), await refusal(readJournal(file))]).toEqual([message, message]);
    alter('pragma user_version = 4');
    expect(await refusal(readJournal(file))).toBe('opened');
  });

  it('for reading: a journal from an older version, which a daemon brings up to date', async () => {
    await made();
    alter(
      `drop table tasks; drop table annotations; drop table phases; drop table check_runs;
       create table old as select id, cloud, vantage, probe, connection from series;
       drop table series; alter table old rename to series; pragma user_version = 1`,
    );
    expect(await refusal(readJournal(file))).toMatch(
      /was written by an older Rollwatch \(schema 1, this one reads 4\)/,
    );
    expect(await refusal(write())).toBe('opened');
    expect(await refusal(readJournal(file))).toBe('opened');
  });

  it('a journal that another daemon writes to, which goes on undisturbed', async () => {
    const journal = await write();
    const message = `journal ${file} is in use by another Rollwatch (pid ${process.pid})`;
    expect(await refusal(write())).toBe(message);
    symlinkSync(file, join(directory.path, 'link.db'));
    expect(await refusal(write(join(directory.path, 'link.db')))).toBe(message);
    expect(await refusal(readJournal(file))).toBe('opened');
    journal.append({ type: 'sample', sample: okSample({ seq: 0, at: 1 }) });
    await journal.flush(1);
    expect([await collect(journal), journal.state().kind]).toEqual([[okSample({ seq: 0, at: 1 })], 'recording']);
    await journal.close();
    expect(await refusal(write())).toBe('opened');
  });

  it('for reading: a file that is not there, and none is made', async () => {
    expect(await refusal(readJournal(file))).toBe(`journal ${file} does not exist`);
    expect(existsSync(file)).toBe(false);
  });

  it('for reading: an empty file, or an empty database, which a daemon may still begin', async () => {
    const message = `journal ${file} is empty: nothing was ever recorded in it`;
    writeFileSync(file, '');
    expect(await refusal(readJournal(file))).toBe(message);
    alter('pragma journal_mode = wal; create table t (x); drop table t');
    expect(await refusal(readJournal(file))).toBe(message);
    expect(await refusal(write())).toBe('opened');
  });
});

const unmountable = skipReason();

describe.skipIf(unmountable !== null)(`where nothing can be written${unmountable ?? ''}`, () => {
  it('a daemon is refused, and a report reads the journal', async () => {
    const mount = mountTmpfs('4m');
    try {
      file = join(mount.path, 'journal.db');
      await made();
      mount.readOnly();
      expect(await refusal(write())).toMatch(/^journal .* cannot be written: the disk is read-only \(EROFS: /);
      expect(await refusal(write(join(mount.path, 'new.db')))).toMatch(
        /^journal .*new\.db: directory .* cannot be written: the disk is read-only \(EROFS: /,
      );
      const reader = await readJournal(file);
      expect(await collect(reader)).toEqual([okSample({ seq: 0, at: 1 })]);
      await reader.close();
    } finally {
      mount.clear();
    }
  });
});

describe.skipIf(process.getuid?.() !== 0)(
  'without permission (tried as nobody: skipped unless root runs the tests)',
  () => {
    const asNobody = (expression: string): string => {
      const source = new URL('../../src/journal/open-journal.ts', import.meta.url).href;
      const code = `const { openJournal, readJournal } = await import('${source}');
      await (${expression}).then((one) => (console.log('opened'), one.close()), (error) => console.log(error.name + ': ' + error.message));`;
      // setuid from within: nobody may not be able to reach the program itself
      const drop = `await import('${source}'); process.setgid(65534); process.setuid(65534);`;
      const child = spawnSync(process.execPath, ['--input-type=module', '-e', drop + code], { encoding: 'utf8' });
      return child.stdout.trim() + child.stderr;
    };

    it('to read', async () => {
      await made();
      chmodSync(directory.path, 0o755);
      chmodSync(file, 0o600);
      expect(asNobody(`readJournal('${file}')`)).toMatch(
        /^Refusal: journal .* cannot be read: permission is denied \(EACCES: /,
      );
    });

    it('to write the file, or its directory', async () => {
      await made();
      chmodSync(directory.path, 0o755);
      chmodSync(file, 0o644);
      const open = (path: string) => `openJournal({ file: '${path}', vantage: 'here', now: () => 0 })`;
      expect(asNobody(open(file))).toMatch(/^Refusal: journal .* cannot be written: permission is denied \(EACCES: /);
      expect(asNobody(open(join(directory.path, 'new.db')))).toMatch(
        /^Refusal: journal .*new\.db: directory .* cannot be written: permission is denied \(EACCES: /,
      );
      expect(asNobody(`readJournal('${file}')`)).toBe('opened');
      mkdirSync(join(directory.path, 'closed'), { mode: 0o700 });
      expect(asNobody(`readJournal('${join(directory.path, 'closed', 'x.db')}')`)).toMatch(
        /^Refusal: journal .* cannot be reached: permission is denied \(EACCES: /,
      );
    });
  },
);
