/** `rollwatch doctor` on the embedded cloud, with one thing wrong at a time. */

import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { EmbeddedCloud } from '../../src/fake-openstack/cloud.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { signIn } from '../support/cloud-user.ts';
import { discard, startWatch } from '../support/daemon.ts';
import { freePort } from '../support/free-port.ts';
import { rollwatch, withoutProgress } from '../support/rollwatch.ts';
import { serveHttp } from '../support/scripted-server.ts';

let cloud: EmbeddedCloud;
let folder: string;
let env: Readonly<Record<string, string>>;
let listen: readonly string[];

beforeAll(async () => {
  cloud = await startCloudWorker();
  folder = mkdtempSync(join(tmpdir(), 'rollwatch-doctor-'));
  writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
  writeFileSync(join(folder, 'rollwatch.yaml'), 'vantage: here\n');
  env = { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' };
  listen = ['--listen', `127.0.0.1:${await freePort()}`];
});

afterAll(async () => {
  await cloud.close();
  discard(folder);
});

const schema = z.object({
  ok: z.boolean(),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      cloud: z.string().nullable(),
      status: z.enum(['pass', 'warn', 'fail', 'skip']),
      detail: z.string(),
      advice: z.string().nullable(),
    }),
  ),
});

/** Runs the doctor; `problems` holds what it warns about or fails. */
async function examine(args: readonly string[] = [], change: Readonly<Record<string, string>> = {}) {
  const { code, out, err } = await rollwatch(['doctor', '--json', ...args], { folder, env: { ...env, ...change } });
  const { ok, checks } = schema.parse(JSON.parse(out));
  const problems = checks.filter(({ status }) => status === 'warn' || status === 'fail');
  expect([ok, withoutProgress(err)]).toEqual([code === 0, '']);
  expect(problems.filter(({ advice }) => advice === null)).toEqual([]);
  return { code, checks, problems: problems.map(({ name, status, detail }) => `${status} ${name}: ${detail}`) };
}

const NO_DAEMON = expect.stringMatching(/^warn daemon: none is running at http/);

describe('rollwatch doctor', { timeout: 90_000 }, () => {
  it('compares the plan with the tasks of an earlier upgrade', async () => {
    const tasks = join(folder, 'tasks');
    const list = (...names: readonly string[]) =>
      `\nplaybook: upgrade.yml\n\n  play #1 (all): Nova\tTAGS: []\n    tasks:\n${names.map((name) => `      ${name}\tTAGS: []\n`).join('')}`;
    writeFileSync(tasks, list('nova-manage db sync', 'stop nova-api', 'stop nova-compute', 'SIGHUP nova services'));
    const whole = await examine([...listen, '--tasks', tasks]);
    expect(whole.checks.find(({ name }) => name === 'plan tasks')).toMatchObject({
      status: 'pass',
      detail: '4 tasks of an earlier upgrade begin every phase',
    });
    writeFileSync(tasks, list('nova-manage db sync', 'stop nova-api'));
    const part = await examine([...listen, '--tasks', tasks]);
    expect(part.code).toBe(1);
    expect(part.problems).toContain(
      'fail plan tasks: none of 2 tasks of an earlier upgrade begins computes and finish',
    );
  });

  it('finds a cloud and a host ready, and changes nothing', async () => {
    const before = readdirSync(folder);
    const sent = (await cloud.requests()).length;
    const { code, checks, problems } = await examine(listen);
    expect([code, problems]).toEqual([0, [NO_DAEMON]]);
    expect(checks.map(({ name, cloud: of, status }) => `${of ?? ''} ${name} ${status}`.trim())).toEqual([
      'configuration pass',
      'plan pass',
      'plan tasks skip',
      'journal pass',
      'disk pass',
      'address pass',
      'daemon warn',
      'tasks skip',
      'ansible log skip',
      'embedded credentials pass',
      'embedded endpoints pass',
      'embedded nova-api pass',
      'embedded admin credentials skip',
      'embedded boot pass',
      'embedded quota pass',
      'embedded leftovers pass',
      'embedded clock pass',
    ]);
    expect(checks.find(({ name }) => name === 'boot')?.detail).toBe(
      'image probe (the smallest bootable one), flavor m1.probe (the smallest one that fits), network probe-net (the only one), any availability zone',
    );
    const methods = (await cloud.requests()).slice(sent).map(({ method, path }) => `${method} ${path}`);
    expect(methods.filter((line) => !line.startsWith('GET ') && line !== 'POST /v3/auth/tokens')).toEqual([]);
    expect(readdirSync(folder)).toEqual(before);
  });

  it('prints each check on a line, what to do below it, and a summary', async () => {
    const { out } = await rollwatch(['doctor', ...listen], { folder, env });
    const lines = out.trimEnd().split('\n');
    expect(lines).toContain(`pass  address: ${listen[1]} is free`);
    expect(lines).toContain("      -> start 'rollwatch watch' well before the upgrade");
    expect(lines.at(-1)).toBe('ready (12 pass, 1 warn, 4 skip)');
  });

  it('checks each cloud and the admin credentials', async () => {
    writeFileSync(
      join(folder, 'both.yaml'),
      'clouds: [{name: embedded, admin_cloud: embedded-admin}, embedded-admin]\n',
    );
    const { code, checks } = await examine([...listen, '--config', 'both.yaml']);
    expect(code).toBe(0);
    expect(
      checks.filter(({ name }) => name.endsWith('credentials')).map(({ cloud: of, status }) => [of, status]),
    ).toEqual([
      ['embedded', 'pass'],
      ['embedded', 'pass'],
      ['embedded-admin', 'pass'],
      ['embedded-admin', 'skip'],
    ]);
  });

  it('a mistake in the configuration: exit code 2, and nothing else is checked', async () => {
    writeFileSync(join(folder, 'typo.yaml'), 'vantag: here\n');
    const { code, checks, problems } = await examine(['--config', 'typo.yaml']);
    expect([code, checks.length, problems]).toEqual([
      2,
      1,
      [expect.stringMatching(/^fail configuration: \S+typo\.yaml:1: unknown key vantag; did you mean vantage\?$/)],
    ]);
  });

  it('rejected credentials: exit code 2', async () => {
    writeFileSync(join(folder, 'wrong.yaml'), cloud.cloudsYaml().replaceAll(cloud.password, 'wr0ng'));
    const { code, problems } = await examine(listen, { OS_CLIENT_CONFIG_FILE: join(folder, 'wrong.yaml') });
    expect([code, problems]).toEqual([
      2,
      [NO_DAEMON, expect.stringMatching(/^fail credentials: .* rejects the credentials/)],
    ]);
  });

  it('an unreachable Keystone: exit code 3', async () => {
    await cloud.stop('keystone');
    const { code, problems } = await examine(listen).finally(() => cloud.start('keystone'));
    expect([code, problems]).toEqual([
      3,
      [NO_DAEMON, expect.stringMatching(/^fail credentials: .*connection-refused/)],
    ]);
  });

  it('a nova-api that hangs: exit code 3, and it gets no further requests', async () => {
    await cloud.setFault('nova-api', { kind: 'hang' });
    const sent = (await cloud.requests()).length;
    const { code, checks, problems } = await examine(listen).finally(() => cloud.setFault('nova-api', null));
    const requests = (await cloud.requests()).slice(sent).filter(({ service }) => service === 'nova-api');
    expect([code, problems]).toEqual([3, [NO_DAEMON, expect.stringMatching(/^fail nova-api: .*response-timeout/)]]);
    expect(checks.find(({ name }) => name === 'boot')?.detail).toBe('nova-api does not work');
    expect(requests).toHaveLength(1);
  });

  it('an image that does not exist: exit code 2', async () => {
    writeFileSync(join(folder, 'image.yaml'), 'probes: {server-boot: {image: windows}}\n');
    const { code, problems } = await examine([...listen, '--config', 'image.yaml']);
    expect([code, problems]).toEqual([2, [NO_DAEMON, expect.stringMatching(/^fail boot: .*image 'windows'/)]]);
  });

  it('an availability zone that does not exist: exit code 2', async () => {
    writeFileSync(join(folder, 'zone.yaml'), 'probes: {server-boot: {availability_zone: mars}}\n');
    const { code, problems } = await examine([...listen, '--config', 'zone.yaml']);
    expect([code, problems]).toEqual([
      2,
      [NO_DAEMON, "fail zone: there is no availability zone 'mars' (available: nova)"],
    ]);
    writeFileSync(join(folder, 'zone.yaml'), 'probes: {server-boot: {availability_zone: nova}}\n');
    expect(await examine([...listen, '--config', 'zone.yaml'])).toMatchObject({ code: 0, problems: [NO_DAEMON] });
  });

  it('no room in the quota: exit code 1; too little room: a warning', async () => {
    await cloud.setQuota(0);
    const none = await examine(listen);
    await cloud.setQuota(1);
    const little = await examine(listen);
    await cloud.setQuota(10);
    expect([none.code, none.problems]).toEqual([
      1,
      [NO_DAEMON, expect.stringMatching(/^fail quota: room for 0 more of flavor m1\.probe; the probe needs 2 /)],
    ]);
    expect([little.code, little.problems]).toEqual([
      0,
      [NO_DAEMON, expect.stringMatching(/^warn quota: room for 1 more of flavor m1\.probe; /)],
    ]);
  });

  it('leftover test servers of this vantage: a warning that names them', async () => {
    const user = await signIn(cloud);
    const metadata = { rollwatch: '1', vantage: 'here', run: 'old', lifetime: '0' };
    await user.create('rollwatch-old', { networks: 'none', metadata });
    await user.create('rollwatch-there', { networks: 'none', metadata: { ...metadata, vantage: 'there' } });
    // Nova reports times in whole seconds.
    await expect
      .poll(async () => (await examine(listen)).problems, { interval: 500 })
      .toEqual([NO_DAEMON, expect.stringMatching(/^warn leftovers: 1 leftover test server: rollwatch-old \(\w+\)$/)]);
    for (const { id } of await cloud.servers()) await user.remove(id);
  });

  it('an address that another program uses: exit code 3; a folder without the journal: exit code 2', async () => {
    const other = await serveHttp((_request, response) => response.end('hello'));
    try {
      const { host } = new URL(other.url);
      const { code, problems } = await examine(['--listen', host]);
      expect([code, problems]).toEqual([3, [expect.stringMatching(/^fail address: .*the port is in use/), NO_DAEMON]]);
    } finally {
      await other.close();
    }
    const { code, problems } = await examine([...listen, '--journal', 'nowhere/x.sqlite']);
    expect([code, problems]).toEqual([
      2,
      [expect.stringMatching(/^fail journal: .*nowhere does not exist$/), NO_DAEMON],
    ]);
  });

  it('finds the running daemon, and whether a task was ever reported to it', async () => {
    const watch = await startWatch({ env, args: ['--config', join(folder, 'rollwatch.yaml')] });
    try {
      await expect.poll(async () => (await cloud.servers()).length).toBeGreaterThan(0);
      const args = ['--journal', watch.journal, '--listen', new URL(watch.url).host];
      const { code, checks, problems } = await examine(args);
      expect([code, problems]).toEqual([0, ['warn tasks: no task was ever reported to the daemon']]);
      expect(checks.find(({ name }) => name === 'journal')?.detail).toContain(
        `process ${watch.process.pid} is recording`,
      );
      expect(checks.find(({ name }) => name === 'address')?.detail).toMatch(/^a Rollwatch daemon serves /);
      await rollwatch(['task', 'run', 'a test', '--url', watch.url, '--', 'true'], { folder });
      expect((await examine(args)).problems).toEqual([
        "warn tasks: only 'rollwatch task' has reported tasks (1), neither Ansible nor another source",
      ]);
      const task = { id: 'callback-1', name: 'Ping', source: 'callback', start: new Date().toISOString() };
      await fetch(`${watch.url}/api/v1/tasks`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ tasks: [task] }),
      });
      const heard = await examine(args);
      expect(heard.problems).toEqual([]);
      expect(heard.checks.find(({ name }) => name === 'tasks')?.detail).toMatch(
        /^the last of 1 task was 'Ping' \(callback\), \S+ s ago$/,
      );
    } finally {
      await watch.stop();
      discard(watch.folder);
    }
  });
});
