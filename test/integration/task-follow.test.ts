/** `rollwatch task follow` and `report --ansible-log`, with the output of a real Ansible in test/unit/task-sources. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { EmbeddedCloud } from '../../src/fake-openstack/cloud.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { discard, startWatch, type WatchProcess } from '../support/daemon.ts';
import { rollwatch } from '../support/rollwatch.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const sample = (name: string) => new URL(`../unit/task-sources/samples/${name}`, import.meta.url).pathname;

let cloud: EmbeddedCloud;
let watch: WatchProcess;

beforeAll(async () => {
  cloud = await startCloudWorker();
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-follow-'));
  writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
  watch = await startWatch({
    env: { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' },
    folder,
  });
});

afterAll(async () => {
  await watch.stop();
  await cloud.close();
  discard(watch.folder);
});

const schema = z.object({ tasks: z.array(z.object({ id: z.string(), name: z.string(), source: z.string() })) });
const reportedTasks = async (source: string) =>
  schema.parse(await (await fetch(`${watch.url}/api/v1/tasks?source=${source}`)).json()).tasks;

describe('rollwatch task follow', { timeout: 30_000 }, () => {
  it('reports the tasks of a pipe, and copies its input to its output', async () => {
    const child = spawn(process.execPath, [MAIN, 'task', 'follow', '--jsonl', '--url', watch.url], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const input = readFileSync(sample('serial.jsonl'), 'utf8');
    child.stdin.end(input);
    const [out, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    expect(code).toBe(0);
    expect(out.trimEnd()).toBe(input.trimEnd());
    expect((await reportedTasks('jsonl')).length).toBeGreaterThan(2);
  });

  it('leaves the pipes that it shares with Ansible blocking, as Ansible requires', async () => {
    // Flags of the shared standard error in octal, after Node has started; 04000 is O_NONBLOCK.
    const line = `(sleep 2; grep flags /proc/self/fdinfo/2) | "$0" "$1" task follow --jsonl --url ${watch.url}`;
    const child = spawn('sh', ['-c', line, process.execPath, MAIN], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [out] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    expect(out).toMatch(/^flags:\s+0\d+$/m);
    expect(Number.parseInt(out.replace(/\D/g, ''), 8) & 0o4000).toBe(0);
  });

  it('reports the tasks of a whole file with --once', async () => {
    const ran = await rollwatch(
      ['task', 'follow', '--once', sample('core-2.14.log'), '--zone', 'utc', '--url', watch.url],
      { folder: watch.folder },
    );
    const { length } = await reportedTasks('log');
    expect(ran).toEqual({ code: 0, out: '', err: `rollwatch: ${length} tasks reported\n` });
    expect(length).toBeGreaterThan(2);
    const asJson = await rollwatch(
      ['task', 'follow', '--once', sample('core-2.14.log'), '--zone', 'utc', '--url', watch.url, '--json'],
      { folder: watch.folder },
    );
    expect([JSON.parse(asJson.out), asJson.err]).toEqual([{ tasks: length }, '']);
  });

  it('says that it waits for a log, and which it follows', async () => {
    const log = join(watch.folder, 'later.log');
    let written = '';
    const following = Promise.withResolvers<void>();
    const onErr = (piece: string) => {
      written += piece;
      if (written.includes('does not exist yet')) writeFileSync(log, '');
      if (written.includes('following')) following.resolve();
    };
    const ran = await rollwatch(['task', 'follow', 'later.log', '--url', watch.url], {
      folder: watch.folder,
      until: following.promise,
      onErr,
    });
    expect(ran).toEqual({
      code: 0,
      out: '',
      err: [
        'rollwatch: waiting for later.log, which does not exist yet',
        'rollwatch: following later.log from its start',
        'rollwatch: 0 tasks reported\n',
      ].join('\n'),
    });
  });

  it('warns if it found no task in a log, as report does', async () => {
    const options = { folder: watch.folder };
    const follow = await rollwatch(['task', 'follow', '--once', sample('unixy.log'), '--url', watch.url], options);
    expect(follow).toMatchObject({ code: 0, out: '' });
    expect(follow.err).toMatch(
      /^rollwatch: \S+unixy\.log: no tasks found in 4 lines of Ansible's log; its stdout callback seems to be unixy /,
    );
    const { err } = await rollwatch(['report', '--ansible-log', sample('unixy.log')], options);
    expect(err).toContain("no tasks found in 4 lines of Ansible's log");
  });

  it.each([
    [['nowhere.log', '--once'], /^rollwatch: nowhere\.log does not exist$/m],
    [['clouds.yaml', '--once'], /^rollwatch: clouds\.yaml is not an Ansible log: it starts with "/m],
    [['clouds.yaml', '--once', '--zone', 'Mars/Olympus'], /^rollwatch: .*Mars\/Olympus/m],
    [['.'], /^rollwatch: \. is a directory; name a log file, or pass a pipe as standard input$/m],
    [['--json'], /^rollwatch: --json needs a file: /m],
  ])('rejects %s in one line', async (args, line) => {
    const ran = await rollwatch(['task', 'follow', ...args, '--url', watch.url], { folder: watch.folder });
    expect(ran).toMatchObject({ code: 2, out: '', err: expect.stringMatching(line) });
    expect(ran.err.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('rollwatch report --ansible-log', { timeout: 30_000 }, () => {
  it('adds the tasks of the log to those of the journal, without writing the journal', async () => {
    const report = async (...args: readonly string[]) => {
      const { out } = await rollwatch(['report', '--json', '--journal', watch.journal, ...args], {
        folder: watch.folder,
      });
      return schema.parse(JSON.parse(out)).tasks.length;
    };
    const before = await report();
    expect(await report('--ansible-log', sample('core-2.18-yaml.log'), '--zone', 'Europe/Berlin')).toBeGreaterThan(
      before,
    );
    expect(await report()).toBe(before);
  });

  it('rejects a file that is not a log, and a log together with --url', async () => {
    const refused = await rollwatch(['report', '--journal', watch.journal, '--ansible-log', 'clouds.yaml'], {
      folder: watch.folder,
    });
    expect(refused).toMatchObject({ code: 2, out: '', err: expect.stringMatching(/is not an Ansible log/) });
    const daemon = await rollwatch(['report', '--url', watch.url, '--ansible-log', 'x'], { folder: watch.folder });
    expect(daemon).toMatchObject({ code: 2, err: expect.stringMatching(/task follow --once/) });
  });
});
