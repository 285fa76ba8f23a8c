import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay, setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { CompiledQuery } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
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

describe('a database in a worker thread', () => {
  it('does not block the process while it is busy', async () => {
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
      for (let turn = 0; turn < 20; turn++) await yieldToEventLoop();
      expect(answered).toBe(false);
      await busy;
      expect(answered).toBe(true);
    } finally {
      await database.close();
    }
  });

  it('refuses the same files as without a thread', async () => {
    writeFileSync(file, 'samples: many\n'.repeat(100));
    await expect(openInThread(file, { vantage: 'here' })).rejects.toMatchObject({
      name: 'UserError',
      exitCode: 2,
      message: `journal ${file} is not a SQLite database, so not a Rollwatch journal; name another file`,
    });
  });

  it('explains errors of the thread, and rolls back', async () => {
    const database = await openInThread(file, { vantage: 'here' });
    const gaps = () => database.db().selectFrom('observation_gaps').select('number').execute();
    try {
      const gap = { number: 1, from_at: 0, until_at: 1, kind: 'paused', message: '' };
      const writing = database
        .db()
        .transaction()
        .execute(async (transaction) => {
          await transaction.insertInto('observation_gaps').values(gap).execute();
          await transaction.executeQuery(CompiledQuery.raw('select * from nothing'));
        });
      const error = await writing.catch((reason: unknown) => reason);
      expect(database.explain(error)).toMatch(/^another program has changed the database \(SQLITE_ERROR: /);
      expect(database.explain(new Error('a bug'))).toBeNull();
      expect(await gaps()).toEqual([]);
    } finally {
      await database.close();
    }
    const error = await gaps().catch((reason: unknown) => reason);
    expect(database.explain(error)).toMatch(/^the journal thread has exited/);
  });
});

it('a disk that does not respond is reported, and entries are written once it does', async () => {
  let time = 0;
  const database = await openForWriting(file, { vantage: 'here', now: () => time });
  const response = Promise.withResolvers<void>();
  let silent = false;
  const slow = {
    ...database,
    async prepare(when: { readonly last: boolean }) {
      if (silent) await response.promise;
      await database.prepare(when);
    },
  };
  const writer = await createWriter(slow, { maxPending: 1000, now: () => time, packing: null });
  await writer.openSession(SESSION, [SERIES]);
  silent = true;
  const flushed = writer.flush(1);
  await yieldToEventLoop();
  time = 4999;
  expect(writer.state()).toEqual({ kind: 'recording' });
  for (let seq = 0; seq < 1010; seq++) writer.append({ type: 'sample', sample: okSample({ seq, at: seq }) });
  time = 7000;
  expect(writer.state()).toEqual({
    kind: 'stopped',
    since: 0,
    reason: 'the disk has not responded for 7 s',
    waiting: 1000,
    dropped: 10,
  });
  response.resolve();
  await flushed;
  expect([writer.state().kind, (await collect(writer)).length]).toEqual(['recording', 1000]);
  await writer.close();
});

it('a daemon whose journal is removed repeatedly while others try to open it keeps serving and records alone', async () => {
  const cloud = await startCloudWorker();
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
