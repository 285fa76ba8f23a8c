/** `rollwatch task` and `rollwatch phase` against a daemon, and without one: the wrapped command has priority. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { EmbeddedCloud } from '../../src/fake-openstack/cloud.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { discard, startWatch, type WatchProcess } from '../support/daemon.ts';
import { rollwatch } from '../support/rollwatch.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

let cloud: EmbeddedCloud;
let watch: WatchProcess;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  cloud = await startCloudWorker();
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-task-'));
  writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
  watch = await startWatch({
    env: { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' },
    folder,
  });
  env = { ROLLWATCH_URL: watch.url };
});

afterAll(async () => {
  await watch.stop();
  await cloud.close();
  discard(watch.folder);
});

const schema = z.object({
  tasks: z.array(
    z.looseObject({
      id: z.string(),
      name: z.string(),
      status: z.string(),
      start: z.string(),
      end: z.string().nullable(),
    }),
  ),
});

async function tasks(name: string): Promise<z.infer<typeof schema>['tasks']> {
  const found = schema.parse(await (await fetch(`${watch.url}/api/v1/tasks`)).json());
  return found.tasks.filter((one) => one.name === name);
}

const run = (...args: readonly string[]) => rollwatch(args, { folder: watch.folder, env });

describe('rollwatch task run', { timeout: 30_000 }, () => {
  it('passes exit code, output and arguments through, and reports start and end', async () => {
    const ran = await run('task', 'run', 'failing', '--', 'sh', '-c', 'echo out; echo err >&2; exit 7');
    expect(ran).toEqual({ code: 7, out: 'out\n', err: 'err\n' });
    expect(await tasks('failing')).toMatchObject([{ status: 'failed', end: expect.any(String), source: 'shell' }]);
    expect(await run('task', 'run', 'fine', '--', 'printf', '%s', '--json')).toEqual({
      code: 0,
      out: '--json',
      err: '',
    });
    expect(await tasks('fine')).toMatchObject([{ status: 'ok' }]);
  });

  it('forwards a signal to the command, and exits with its exit code', async () => {
    // Ends by itself if the signal does not arrive.
    const script = 'trap "echo caught; exit 3" TERM; echo ready; for _ in $(seq 200); do sleep 0.05; done';
    const child = spawn(process.execPath, [MAIN, 'task', 'run', 'trapped', '--', 'sh', '-c', script], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    const ready = Promise.withResolvers<void>();
    child.stdout.on('data', (part: Buffer) => {
      out += part.toString();
      if (out.includes('ready')) ready.resolve();
    });
    await ready.promise;
    child.kill('SIGTERM');
    const [code] = await once(child, 'exit');
    expect([code, out]).toEqual([3, 'ready\ncaught\n']);
    expect(await tasks('trapped')).toMatchObject([{ status: 'failed' }]);
  });

  it('runs the command without a daemon, with a warning on standard error', async () => {
    const ran = await rollwatch(['task', 'run', 'alone', '--', 'sh', '-c', 'echo out; exit 4'], {
      folder: watch.folder,
      env: { ROLLWATCH_URL: 'http://127.0.0.1:9' },
    });
    expect([ran.code, ran.out]).toEqual([4, 'out\n']);
    expect(ran.err.split('\n')[0]).toMatch(
      /^rollwatch: could not report task 'alone': no daemon at http:\/\/127\.0\.0\.1:9/,
    );
  });

  it('exits with 127 if the command does not exist, as a shell does', async () => {
    const ran = await run('task', 'run', 'missing', '--', 'no-such-command');
    expect(ran.code).toBe(127);
    expect(ran.err).toMatch(/no-such-command/);
  });
});

describe('rollwatch task start and end', { timeout: 30_000 }, () => {
  it('report a task by its name or its id', async () => {
    const started = await run('task', 'start', 'migrations');
    const [task] = await tasks('migrations');
    expect([started.code, started.out, task?.status]).toEqual([0, `${task?.id}\n`, 'running']);
    await delay(20);
    expect(await run('task', 'end', 'migrations')).toEqual({
      code: 0,
      out: '',
      err: expect.stringMatching(/^task 'migrations' ended after \S+ s: ok\n$/),
    });
    expect(await tasks('migrations')).toMatchObject([{ id: task?.id, status: 'ok', end: expect.any(String) }]);
    const again = (await run('task', 'start', 'migrations')).out.trim();
    expect(await run('task', 'end', again, '--failed')).toMatchObject({ code: 0 });
    expect((await tasks('migrations')).map((one) => one.status)).toEqual(['ok', 'failed']);
  });

  it('report what a plan may recognise the task by', async () => {
    const place = ['--role', 'nova', '--play', 'Roll', '--playbook', 'roll.sh'];
    const lists = ['--host', 'c1', '--host', 'c2', '--group', 'computes', '--tag', 'x', '--tag', 'y'];
    expect(await run('task', 'start', ...place, ...lists, 'stop')).toMatchObject({ code: 0, err: '' });
    expect(await run('task', 'run', ...place, ...lists, 'start', '--', 'true')).toMatchObject({ code: 0, err: '' });
    const expected = { role: 'nova', play: 'Roll', playbook: 'roll.sh', hosts: ['c1', 'c2'], groups: ['computes'] };
    expect(await tasks('stop')).toMatchObject([{ ...expected, tags: ['x', 'y'], status: 'running' }]);
    expect(await tasks('start')).toMatchObject([{ ...expected, tags: ['x', 'y'], status: 'ok' }]);
    await run('task', 'end', 'stop');
  });

  it('end a task of any source, and keep its other fields', async () => {
    const task = {
      id: 'callback-x-2',
      name: 'Second, link up at its start',
      role: 'os_nova',
      play: 'Container run, cut',
      playbook: 'playbook.yml',
      hosts: ['a'],
      groups: ['controllers'],
      tags: ['nova'],
      kind: 'handler',
      source: 'callback',
      start: new Date().toISOString(),
    };
    await fetch(`${watch.url}/api/v1/tasks`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ tasks: [task] }),
    });
    await delay(20);
    expect(await run('task', 'end', 'os_nova : Second, link up at its start', '--failed')).toEqual({
      code: 0,
      out: '',
      err: expect.stringMatching(/^task 'Second, link up at its start' ended after \S+ s: failed\n$/),
    });
    expect(await tasks(task.name)).toMatchObject([{ ...task, status: 'failed', end: expect.any(String) }]);
  });

  it('print what they reported as JSON with --json', async () => {
    const started = await run('task', 'start', 'as JSON', '--json');
    const [task] = await tasks('as JSON');
    const { id, start } = task ?? {};
    expect([JSON.parse(started.out), started.err]).toEqual([{ id, name: 'as JSON', start }, '']);
    const ended = await run('task', 'end', 'as JSON', '--failed', '--json');
    const reported = { id, name: 'as JSON', status: 'failed', start, end: (await tasks('as JSON'))[0]?.end };
    expect([JSON.parse(ended.out), ended.err]).toEqual([reported, '']);
  });

  it('names the running tasks if the given one is not running', async () => {
    expect(await run('task', 'end', 'nothing')).toEqual({
      code: 2,
      out: '',
      err: "rollwatch: no task 'nothing' is running (none is)\n",
    });
    await run('task', 'start', 'something');
    expect((await run('task', 'end', 'nothing')).err).toContain("running: 'something'");
    await run('task', 'end', 'something');
  });
});

describe('a source that was killed', { timeout: 30_000 }, () => {
  it('leaves a task that the daemon ends with status unknown', async () => {
    const start = new Date().toISOString();
    const [name, kind] = ['Second, link up at its start', 'task'];
    await fetch(`${watch.url}/api/v1/tasks`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Rollwatch-Heartbeat': '1' },
      body: JSON.stringify({ tasks: [{ id: 'callback-cut-2', name, kind, source: 'callback', start }] }),
    });
    const find = async () => (await tasks(name)).find(({ id }) => id === 'callback-cut-2');
    while ((await find())?.status !== 'unknown') await delay(100);
    expect(await find()).toMatchObject({ end: expect.any(String) });
  });
});

describe('rollwatch phase', { timeout: 30_000 }, () => {
  it('reaches the daemon, or reports in one line that there is none', async () => {
    expect(await run('phase', 'maintenance')).toEqual({ code: 0, out: '', err: 'phase maintenance started\n' });
    const alone = await run('phase', 'maintenance', '--url', 'http://127.0.0.1:9');
    expect(alone.code).toBe(3);
    expect(alone.err.trimEnd().split('\n')).toHaveLength(1);
  });

  it('rejects a name that is not in the plan, and suggests a similar one', async () => {
    const typo = await run('phase', 'maintenence');
    expect(typo).toMatchObject({ code: 2, out: '' });
    expect(typo.err).toContain("no phase 'maintenence'; did you mean 'maintenance'?");
    expect(typo.err.trimEnd().split('\n')).toHaveLength(1);
    expect(await run('phase', 'acceptance', '--unplanned')).toEqual({
      code: 0,
      out: '',
      err: 'phase maintenance ended, phase acceptance started\n',
    });
  });

  it('says what has changed, and refuses to end what is not running', async () => {
    expect(await run('phase', 'acceptance', '--unplanned')).toMatchObject({
      code: 0,
      err: 'phase acceptance is already running\n',
    });
    expect(await run('phase', 'end')).toEqual({ code: 0, out: '', err: 'phase acceptance ended\n' });
    expect(await run('phase', 'end')).toEqual({
      code: 2,
      out: '',
      err: 'rollwatch: no phase is running, so there is none to end\n',
    });
    const began = await run('phase', 'finish', '--json');
    expect(JSON.parse(began.out)).toEqual({ started: 'finish', ended: null, at: expect.any(String) });
    const ended = await run('phase', 'end', '--json');
    expect(JSON.parse(ended.out)).toEqual({ started: null, ended: 'finish', at: expect.any(String) });
  });
});

describe('rollwatch pause and resume', { timeout: 30_000 }, () => {
  it.each([
    ['pause', 'paused', true],
    ['resume', 'resumed', false],
  ])('%s says so, as text or as JSON', async (command, text, paused) => {
    expect(await run(command)).toEqual({ code: 0, out: '', err: `${text}\n` });
    const { out, err } = await run(command, '--json');
    expect([JSON.parse(out), err]).toEqual([{ paused }, '']);
  });
});
