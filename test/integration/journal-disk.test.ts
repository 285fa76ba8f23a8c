import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as breathe, setTimeout as delay } from 'node:timers/promises';
import { CompiledQuery } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCloudThread } from '../../src/fake-openstack/start-worker.ts';
import { openForWriting } from '../../src/journal/sqlite/open-for-writing.ts';
import { openInThread } from '../../src/journal/sqlite/open-in-thread.ts';
import { createWriter } from '../../src/journal/writer.ts';
import { collect } from '../contract/journal.ts';
import { discard, startWatch } from '../support/daemon.ts';
import { type Directory, temporaryDirectory } from '../support/journal-place.ts';
import { rollwatch } from '../support/rollwatch.ts';
import { okSample, SERIES } from '../support/samples.ts';

const SESSION = { startedAt: 0, version: '1', vantage: 'here', facts: {} };

let directory: Directory;
let file: string;

beforeEach(() => {
  directory = temporaryDirectory();
  file = join(directory.path, 'journal.db');
});

afterEach(() => directory.clear());

describe('a database in a thread of its own', () => {
  it('that is busy keeps nothing else in the process waiting', async () => {
    const database = await openInThread(file, { vantage: 'here' });
    try {
      let answered = false;
      const count =
        'with recursive n (i) as (select 1 union all select i + 1 from n limit 3000000) select count(*) from n';
      const busy = database
        .db()
        .executeQuery(CompiledQuery.raw(count))
        .then(() => {
          answered = true;
        });
      for (let turn = 0; turn < 20; turn++) await breathe();
      expect(answered).toBe(false);
      await busy;
      expect(answered).toBe(true);
    } finally {
      await database.close();
    }
  });

  it('refuses what cannot be opened as it is refused without a thread', async () => {
    writeFileSync(file, 'samples: many\n'.repeat(100));
    await expect(openInThread(file, { vantage: 'here' })).rejects.toMatchObject({
      name: 'Refusal',
      exitCode: 2,
      message: `journal ${file} is not a Rollwatch journal: it is no SQLite database; name another file`,
    });
  });

  it('explains what goes wrong there, and gives back what it was told to take back', async () => {
    const database = await openInThread(file, { vantage: 'here' });
    const marks = () => database.db().selectFrom('marks').select('number').execute();
    try {
      const mark = { number: 1, from_at: 0, until_at: 1, kind: 'paused', message: '' };
      const writing = database
        .db()
        .transaction()
        .execute(async (transaction) => {
          await transaction.insertInto('marks').values(mark).execute();
          await transaction.executeQuery(CompiledQuery.raw('select * from nothing'));
        });
      const error = await writing.catch((failure: unknown) => failure);
      expect(database.explain(error)).toMatch(/^the database is not as we left it \(SQLITE_ERROR: /);
      expect(database.explain(new Error('a bug'))).toBeNull();
      expect(await marks()).toEqual([]);
    } finally {
      await database.close();
    }
    const error = await marks().catch((failure: unknown) => failure);
    expect(database.explain(error)).toMatch(/^the journal's thread has ended/);
  });
});

it('a disk that does not answer is told of, and what came meanwhile is written when it does', async () => {
  let time = 0;
  const database = await openForWriting(file, { vantage: 'here', now: () => time });
  const answer = Promise.withResolvers<void>();
  let silent = false;
  const slow = {
    ...database,
    async prepare(when: { readonly last: boolean }) {
      if (silent) await answer.promise;
      await database.prepare(when);
    },
  };
  const writer = await createWriter(slow, { retain: 1000, now: () => time });
  await writer.openSession(SESSION, [SERIES]);
  silent = true;
  const flushed = writer.flush(1);
  await breathe();
  time = 4999;
  expect(writer.state()).toEqual({ kind: 'recording' });
  for (let seq = 0; seq < 1010; seq++) writer.append({ type: 'sample', sample: okSample({ seq, at: seq }) });
  time = 7000;
  expect(writer.state()).toEqual({
    kind: 'stopped',
    since: 0,
    reason: 'the disk has not answered for 7 s',
    waiting: 1000,
    dropped: 10,
  });
  answer.resolve();
  await flushed;
  expect([writer.state().kind, (await collect(writer)).length]).toEqual(['recording', 1000]);
  await writer.close();
});

it('a daemon whose journal is removed again and again, with others that want its place, serves and records alone', async () => {
  const cloud = await startCloudThread();
  const { path: folder } = directory;
  writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
  const env = { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' };
  const watch = await startWatch({ env, folder });
  const statusOf = async (path: string) => (await fetch(`${watch.url}${path}`)).status;
  try {
    let ended = false;
    const others = (async () => {
      for (let round = 0; round < 3; round++) {
        for (const part of ['', '-wal', '-shm']) rmSync(watch.journal + part, { force: true });
        const { code, err } = await rollwatch(['watch', '--listen', '127.0.0.1:0', '--journal', watch.journal], {
          folder,
          env,
        });
        expect([code, err]).toEqual([
          3,
          expect.stringMatching(/^rollwatch: journal .* is in use by another Rollwatch/),
        ]);
      }
      ended = true;
    })();
    while (!ended) {
      expect([await statusOf('/healthz'), await statusOf('/metrics')]).toEqual([200, 200]);
      await Promise.race([others, delay(100)]);
    }
    await others;
  } finally {
    const { code } = await watch.stop();
    await cloud.close();
    expect(code).toBe(0);
  }
  const { code, out } = await rollwatch(['report', '--json', '--journal', watch.journal], { folder });
  expect([code, JSON.parse(out)]).toEqual([
    1,
    expect.objectContaining({ damage: [], verdict: expect.objectContaining({ result: 'not-judged' }) }),
  ]);
  discard(folder);
}, 90_000);
