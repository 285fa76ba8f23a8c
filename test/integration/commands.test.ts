/** The commands on the embedded cloud: what they print to standard output and error, and their exit codes. */

import { mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { EmbeddedCloud } from '../../src/fake-openstack/cloud.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { signIn } from '../support/cloud-user.ts';
import { discard, startWatch } from '../support/daemon.ts';
import { rollwatch } from '../support/rollwatch.ts';
import { selfSigned, serveHttp, serveTls } from '../support/scripted-server.ts';

let cloud: EmbeddedCloud;
let folder: string;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  cloud = await startCloudWorker();
  folder = mkdtempSync(join(tmpdir(), 'rollwatch-commands-'));
  writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
  env = { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' };
});

afterAll(async () => {
  await cloud.close();
  discard(folder);
});

const schema = z.object({ clouds: z.record(z.string(), z.record(z.string(), z.unknown())) });

/** The embedded cloud's entry with other settings, in a separate file. */
function otherCloud(change: Readonly<Record<string, unknown>>, auth: Readonly<Record<string, unknown>> = {}) {
  const entry = schema.parse(parse(cloud.cloudsYaml())).clouds['embedded'] ?? {};
  const place = mkdtempSync(join(folder, 'other-'));
  const given = 'auth' in change ? {} : { auth: { ...z.object({}).loose().parse(entry['auth']), ...auth } };
  writeFileSync(join(place, 'clouds.yaml'), stringify({ clouds: { other: { ...entry, ...given, ...change } } }));
  return { place, env: { OS_CLIENT_CONFIG_FILE: join(place, 'clouds.yaml'), OS_CLOUD: 'other' } };
}

const watchArgs = ['watch', '--listen', '127.0.0.1:0', '--journal', 'rollwatch.sqlite'];

/** The lines that are not log lines. */
const errorLines = (err: string): readonly string[] =>
  err.split('\n').filter((line) => line !== '' && !line.startsWith('{"level":"info"'));

describe('a problem that only the cloud can report', { timeout: 60_000 }, () => {
  const cases: readonly {
    readonly what: string;
    readonly code: 2 | 3;
    readonly says: RegExp;
    readonly settings?: string;
    readonly other: () => Promise<ReturnType<typeof otherCloud>> | ReturnType<typeof otherCloud>;
  }[] = [
    {
      what: 'a wrong password',
      code: 2,
      says: /^rollwatch: cloud other: Keystone at \S+ rejects the credentials \(user, password, project and their domains\): /,
      other: () => otherCloud({}, { password: 'Wr0ng-passw0rd' }),
    },
    {
      what: 'an unknown project',
      code: 2,
      says: /rejects the credentials/,
      other: () => otherCloud({}, { project_name: 'nowhere' }),
    },
    {
      what: 'an application credential that has expired',
      code: 2,
      says: /rejects the application credential \(wrong, deleted or expired\?\)/,
      async other() {
        const user = await signIn(cloud);
        const expires = new Date(Date.now() + 1500).toISOString().replace('Z', '');
        const made = await user.ask('identity', `POST /users/${user.userId}/application_credentials`, {
          body: { application_credential: { name: 'short', expires_at: expires } },
        });
        const { application_credential: one } = z
          .object({ application_credential: z.object({ id: z.string(), secret: z.string() }) })
          .parse(made.body);
        await delay(2000);
        return otherCloud({
          auth_type: 'v3applicationcredential',
          auth: {
            auth_url: cloud.authUrl,
            application_credential_id: one.id,
            application_credential_secret: one.secret,
          },
        });
      },
    },
    {
      what: 'an unreachable Keystone',
      code: 3,
      says: /keystone at http:\/\/127\.0\.0\.1:9: connection-refused/,
      other: () => otherCloud({}, { auth_url: 'http://127.0.0.1:9' }),
    },
    {
      what: 'a name that does not resolve',
      code: 3,
      says: /cannot resolve a host name: .*keystone\.invalid/,
      other: () => otherCloud({}, { auth_url: 'http://keystone.invalid:5000' }),
    },
    {
      what: 'an untrusted certificate',
      code: 2,
      says: /keystone at https:\S+: tls: DEPTH_ZERO_SELF_SIGNED_CERT/,
      async other() {
        const server = await serveTls(selfSigned('127.0.0.1'), (_request, response) => response.end('{}'));
        servers.push(server);
        return otherCloud({}, { auth_url: server.url });
      },
    },
    {
      what: 'a URL without a Keystone',
      code: 3,
      says: /load-balancer \(auth_url is http:\S+\): unexpected-status: HTTP 200: .*It works!/,
      async other() {
        const server = await serveHttp((_request, response) => response.end('<h1>It works!</h1>'));
        servers.push(server);
        return otherCloud({}, { auth_url: server.url });
      },
    },
    {
      what: 'a region that is not in the catalogue',
      code: 2,
      says: /region/,
      other: () => otherCloud({ region_name: 'Atlantis' }),
    },
    {
      what: 'a missing image',
      code: 2,
      says: /image 'windows'.*probe/,
      settings: 'probes: {server-boot: {image: windows}}',
      other: () => otherCloud({}),
    },
    {
      what: 'a missing flavor',
      code: 2,
      says: /flavor 'm1\.huge'.*m1\.probe/,
      settings: 'probes: {server-boot: {flavor: m1.huge}}',
      other: () => otherCloud({}),
    },
    {
      what: 'a missing network',
      code: 2,
      says: /network 'void'.*probe-net/,
      settings: 'probes: {server-boot: {network: void}}',
      other: () => otherCloud({}),
    },
  ];
  const servers: { close(): unknown }[] = [];
  afterAll(async () => {
    for (const one of servers) await one.close();
  });

  it.each(cases)('$what: one line, exit code $code', async ({ code, says, settings, other }) => {
    const { place, env } = await other();
    if (settings !== undefined) writeFileSync(join(place, 'rollwatch.yaml'), settings);
    const ran = await rollwatch(watchArgs, { folder: place, env });
    expect(errorLines(ran.err)).toEqual([expect.stringMatching(says)]);
    expect(ran).toMatchObject({ code, out: '' });
    expect(ran.err).not.toMatch(/ {4}at |Wr0ng-passw0rd/);
    expect(ran.err).not.toContain(cloud.password);
  });

  it('several clouds that no session has ever reached: exit code 3 at each start', async () => {
    const { place, env: one } = otherCloud({}, { auth_url: 'http://127.0.0.1:9' });
    const file = join(place, 'clouds.yaml');
    const { clouds } = z.object({ clouds: z.object({ other: z.unknown() }) }).parse(parse(readFileSync(file, 'utf8')));
    writeFileSync(file, stringify({ clouds: { other: clouds.other, another: clouds.other } }));
    writeFileSync(join(place, 'rollwatch.yaml'), 'clouds: [other, another]');
    const both = { OS_CLIENT_CONFIG_FILE: one.OS_CLIENT_CONFIG_FILE };
    for (const start of ['first', 'second']) {
      const ran = await rollwatch(watchArgs, { folder: place, env: both });
      expect([start, ran.code, ran.err]).toEqual([start, 3, expect.stringMatching(/connection-refused/)]);
    }
  });

  it('an address that is in use: one line, exit code 3', async () => {
    const server = await serveHttp((_request, response) => response.end());
    servers.push(server);
    const { host } = new URL(server.url);
    const ran = await rollwatch(['watch', '--listen', host, '--journal', 'taken.sqlite'], { folder, env });
    expect(errorLines(ran.err)).toEqual([expect.stringMatching(new RegExp(`^rollwatch: .*${host}`))]);
    expect(ran).toMatchObject({ code: 3, out: '' });
  });
});

const bootSchema = z.object({ cloud: z.string(), outcome: z.string(), cause: z.unknown() });

/** The boots that have ended, as the daemon's API lists them. */
async function boots(url: string): Promise<readonly z.infer<typeof bootSchema>[]> {
  const lines = (await (await fetch(`${url}/api/v1/samples?probe=server-boot`)).text()).trim().split('\n');
  return lines.filter((line) => line !== '').map((line) => bootSchema.parse(JSON.parse(line)));
}

describe('the commands', { timeout: 60_000 }, () => {
  it('watch --cloud overrides OS_CLOUD, and Ctrl-C during a boot leaves no server', async () => {
    const watch = await startWatch({ env: { ...env, OS_CLOUD: 'no-such-cloud' }, args: ['--cloud', 'embedded'] });
    try {
      for (let tries = 0; (await cloud.servers()).length === 0 && tries < 100; tries++) await delay(100);
      expect(await cloud.servers()).not.toEqual([]);
      const { code, printed } = await watch.stop('SIGINT');
      expect(code).toBe(0);
      expect(await cloud.servers()).toEqual([]);
      const { servers } = z
        .object({ servers: z.object({ created: z.number(), leaked: z.number() }) })
        .parse(JSON.parse(printed));
      expect(servers).toMatchObject({ leaked: 0 });
    } finally {
      await watch.kill();
      discard(watch.folder);
    }
  });

  it('sweep --dry-run lists test servers of this host, sweep deletes only them', async () => {
    const user = await signIn(cloud);
    const metadata = { rollwatch: '1', vantage: 'here', run: 'old', lifetime: '0' };
    await user.create('somebody-else', { networks: 'none' });
    await user.create('rollwatch-lookalike', { networks: 'none' });
    await user.create('rollwatch-old', { networks: 'none', metadata });
    await user.create('rollwatch-there', { networks: 'none', metadata: { ...metadata, vantage: 'there' } });
    writeFileSync(join(folder, 'here.yaml'), 'vantage: here');
    const sweep = async (...args: readonly string[]) => {
      const { code, out } = await rollwatch(['sweep', '--json', '--config', 'here.yaml', ...args], { folder, env });
      return { code, rows: z.array(z.object({ name: z.string(), gone: z.boolean() })).parse(JSON.parse(out)) };
    };
    const names = async () => (await cloud.servers()).map((one) => one.name).sort();
    expect(await sweep('--dry-run')).toEqual({ code: 0, rows: [{ name: 'rollwatch-old', gone: false }] });
    const entry = schema.parse(parse(cloud.cloudsYaml())).clouds['embedded'];
    writeFileSync(join(folder, 'twice.yaml'), stringify({ clouds: { public: entry, internal: entry } }));
    writeFileSync(join(folder, 'both.yaml'), 'vantage: here\nclouds: [public, internal]');
    const both = await rollwatch(['sweep', '--json', '--dry-run', '--config', 'both.yaml'], {
      folder,
      env: { OS_CLIENT_CONFIG_FILE: join(folder, 'twice.yaml') },
    });
    expect(JSON.parse(both.out)).toMatchObject([{ cloud: 'public', name: 'rollwatch-old' }]);
    expect(await names()).toHaveLength(4);
    expect(await sweep()).toEqual({ code: 0, rows: [{ name: 'rollwatch-old', gone: true }] });
    expect(await names()).toEqual(['rollwatch-lookalike', 'rollwatch-there', 'somebody-else']);
    expect(await sweep()).toEqual({ code: 0, rows: [] });
    expect(await sweep('--any-vantage')).toEqual({ code: 0, rows: [{ name: 'rollwatch-there', gone: true }] });
    for (const { id } of await cloud.servers()) await user.remove(id);
  });

  it('sweep --url skips the servers of that daemon, and --journal selects those of a run', async () => {
    const user = await signIn(cloud);
    const watch = await startWatch({ env });
    try {
      const schema = z.object({ run: z.object({ id: z.string(), vantages: z.array(z.string()).min(1) }) });
      // The report knows the session, and with it the vantage, once the journal has been read.
      const { run } = await vi.waitFor(
        async () => schema.parse(await (await fetch(`${watch.url}/api/v1/report`)).json()),
        { timeout: 20_000 },
      );
      // Until its search for servers of earlier runs has ended.
      await delay(2000);
      const metadata = { rollwatch: '1', vantage: run.vantages[0], run: run.id, cloud: 'embedded', lifetime: '0' };
      await user.create('rollwatch-its-own', { networks: 'none', metadata });
      const other = await user.create('rollwatch-other', { networks: 'none', metadata: { ...metadata, run: 'other' } });
      expect(other.status).toBe(202);
      const sweep = async (...args: readonly string[]) => {
        const { out } = await rollwatch(['sweep', '--json', ...args], { folder, env });
        return z.array(z.object({ name: z.string() })).parse(JSON.parse(out));
      };
      expect(await sweep('--url', watch.url)).toEqual([expect.objectContaining({ name: 'rollwatch-other' })]);
      const own = await sweep('--journal', watch.journal, '--dry-run');
      expect(own.map((one) => one.name)).toContain('rollwatch-its-own');
    } finally {
      await watch.stop();
      discard(watch.folder);
    }
    expect(await cloud.servers()).toEqual([]);
  });

  it('sweep does not delete a server that a daemon is booting, from any host and with any options', {
    timeout: 120_000,
  }, async () => {
    const elsewhere = mkdtempSync(join(folder, 'elsewhere-'));
    writeFileSync(join(elsewhere, 'there.yaml'), 'vantage: there');
    writeFileSync(join(elsewhere, 'patient.yaml'), 'probes: {server-boot: {active_timeout: 90s}}');
    const watch = await startWatch({ env, args: ['--config', join(elsewhere, 'patient.yaml')] });
    try {
      // Without a conductor the boot lasts until every sweep has listed the servers.
      await cloud.stop('nova-conductor');
      const ids = async () => (await cloud.servers()).filter(({ status }) => status === 'BUILD').map(({ id }) => id);
      const booting = await vi.waitFor(
        async () => {
          const found = await ids();
          expect(found).toHaveLength(1);
          return found;
        },
        { timeout: 20_000 },
      );
      const sweeps = [[], ['--any-vantage'], ['--any-vantage', '--config', 'there.yaml'], ['--journal', watch.journal]];
      const waits = sweeps.map(() => Promise.withResolvers<void>());
      const swept = sweeps.map((args, index) =>
        rollwatch(['sweep', ...args], { folder: elsewhere, env, onErr: () => waits[index]?.resolve() }),
      );
      await Promise.race([Promise.all(waits.map(({ promise }) => promise)), Promise.all(swept)]);
      expect(await ids()).toEqual(booting);
      await cloud.start('nova-conductor');
      for (const { code, out, err } of await Promise.all(swept)) {
        expect([code, out]).toEqual([0, 'No leftover test servers.\n']);
        expect(err).toMatch(/^rollwatch: 1 server may be in use by a running daemon; waiting up to \d+ s \(/);
      }
      await vi.waitFor(async () => expect((await boots(watch.url)).length).toBeGreaterThan(1), { timeout: 30_000 });
      expect((await boots(watch.url)).filter(({ outcome }) => outcome === 'failed')).toEqual([]);
    } finally {
      await cloud.start('nova-conductor');
      await watch.stop();
      discard(watch.folder);
    }
    expect(await cloud.servers()).toEqual([]);
  });

  it('sweep deletes the server of a killed daemon when it is too old to be in use, and with --now immediately', {
    timeout: 120_000,
  }, async () => {
    const settings = mkdtempSync(join(folder, 'killed-'));
    writeFileSync(
      join(settings, 'rollwatch.yaml'),
      'probes: {server-boot: {active_timeout: 2s, slow: 1s, request_timeout: 1s}}',
    );
    for (const now of [false, true]) {
      const watch = await startWatch({ env, args: ['--config', join(settings, 'rollwatch.yaml')] });
      await vi.waitFor(async () => expect(await cloud.servers()).not.toEqual([]), { timeout: 20_000, interval: 20 });
      await watch.kill();
      expect(await cloud.servers()).toHaveLength(1);
      const dry = await rollwatch(['sweep', '--dry-run'], { folder, env });
      expect(dry.out).toMatch(
        /may be in use for \d\d? s\n1 leftover test server \(1 may be in use by a running daemon\);/,
      );
      const { code, out, err } = await rollwatch(['sweep', ...(now ? ['--now'] : [])], { folder, env });
      expect([code, out.split('\n').at(-2)]).toEqual([0, '1 server deleted, 0 left.']);
      expect(err.includes('may be in use')).toBe(!now);
      expect(await cloud.servers()).toEqual([]);
      discard(watch.folder);
    }
  });

  it('pause and resume stop and continue sampling, and both reports contain the pause', async () => {
    const watch = await startWatch({ env });
    try {
      await delay(1500);
      expect(await rollwatch(['pause', '--url', watch.url], { folder })).toMatchObject({ code: 0 });
      const count = async () =>
        (await (await fetch(`${watch.url}/api/v1/samples?probe=server-list`)).text()).split('\n').length;
      await delay(600);
      const before = await count();
      await delay(2500);
      expect(await count()).toBe(before);
      expect(await rollwatch(['resume', '--url', watch.url], { folder })).toMatchObject({ code: 0 });
      await delay(2500);
      expect(await count()).toBeGreaterThan(before);
      // No phase started, so there is no verdict, and that is no pass.
      const fromDaemon = await rollwatch(['report', '--url', watch.url, '--zone', 'Europe/Berlin'], { folder });
      expect(fromDaemon).toMatchObject({ code: 1, err: '' });
      expect(fromDaemon.out).toContain('Europe/Berlin');
      const fromJournal = await rollwatch(['report', '--journal', watch.journal, '--zone', 'Europe/Berlin'], {
        folder,
      });
      expect(fromJournal).toMatchObject({ code: 1, err: '' });
      expect(fromJournal.out).toContain('Europe/Berlin');
      expect(fromJournal.out).toMatch(/paused/);
    } finally {
      await watch.stop();
      discard(watch.folder);
    }
  });

  it.each([
    { args: ['report', '--url', 'http://127.0.0.1:9'], code: 3, says: /127\.0\.0\.1:9/ },
    { args: ['report', '--journal', 'nowhere.sqlite'], code: 2, says: /nowhere\.sqlite/ },
    { args: ['report', '--zone', 'Mars/Olympus', '--journal', 'JOURNAL'], code: 2, says: /Mars\/Olympus/ },
    { args: ['pause', '--url', 'http://127.0.0.1:9'], code: 3, says: /127\.0\.0\.1:9/ },
    { args: ['pause', '--token-file', 'nowhere'], code: 2, says: /--token-file: nowhere does not exist/ },
    { args: ['cloud', 'stop', 'nova-bpi', '--control', 'CONTROL'], code: 2, says: /nova-api/ },
    { args: ['cloud', '--port', '99999'], code: 2, says: /0 to 65535/ },
    {
      args: ['cloud', 'stop', 'nova-api', '--drain', '1s', '--control', 'CONTROL'],
      code: 2,
      says: /--drain is '1s'; it must be a number of seconds/,
    },
    {
      args: ['cloud', 'fault', 'nova-api', 'slow', '--ms', 'x', '--control', 'CONTROL'],
      code: 2,
      says: /--ms is 'x'; it must be a number of milliseconds/,
    },
    { args: ['wach'], code: 2, says: /^rollwatch: unknown command 'wach'; did you mean watch\?$/m },
    { args: ['watch', '--lisen', 'x'], code: 2, says: /--listen/ },
  ])('rollwatch $args: exit code $code', async ({ args, code, says }) => {
    const watch = await startWatch({ env });
    await watch.stop();
    const given = args.map((one) => one.replace('CONTROL', cloud.controlUrl).replace('JOURNAL', watch.journal));
    const ran = await rollwatch(given, { folder });
    discard(watch.folder);
    expect(ran.err).toMatch(says);
    expect(ran.err).not.toMatch(/ {4}at /);
    expect(ran).toMatchObject({ code, out: '' });
  });

  it('cloud stop, start and fault control a running embedded cloud', async () => {
    const control = (...args: readonly string[]) =>
      rollwatch(['cloud', ...args, '--control', cloud.controlUrl], { folder });
    const status = async () => (await fetch(`${cloud.authUrl.replace(/\/v3$/, '')}/v3`)).status;
    expect(await control('fault', 'keystone', 'http-500')).toMatchObject({ code: 0, err: '' });
    expect(await status()).toBe(500);
    expect(await control('fault', 'keystone', 'none')).toMatchObject({ code: 0 });
    expect(await status()).toBe(200);
    expect(await control('stop', 'keystone', '--kill')).toMatchObject({ code: 0 });
    await expect(status()).rejects.toThrow('fetch failed');
    expect(await control('start', 'keystone')).toMatchObject({ code: 0 });
    expect(await status()).toBe(200);
  });
});

it('cloud --clouds-yaml makes the file private even if it was world-readable, because it contains a password', async () => {
  const file = join(mkdtempSync(join(folder, 'embedded-')), 'clouds.yaml');
  writeFileSync(file, 'before', { mode: 0o644 });
  const written = (async () => {
    while (!readFileSync(file, 'utf8').includes('password')) await delay(50);
  })();
  const { code } = await rollwatch(['cloud', '--clouds-yaml', file], { folder, until: written });
  expect([code, statSync(file).mode & 0o777]).toEqual([0, 0o600]);
});

it('cloud --json prints where it serves, and the clouds.yaml unless it goes to a file', async () => {
  const place = mkdtempSync(join(folder, 'embedded-'));
  const served = z.object({ authUrl: z.url(), controlUrl: z.url(), cloudsYaml: z.string() });
  const run = async (...args: readonly string[]) => {
    const serving = Promise.withResolvers<void>();
    const onErr = (piece: string) => piece.includes('Ctrl-C') && serving.resolve();
    const { code, out } = await rollwatch(['cloud', '--json', ...args], {
      folder: place,
      until: serving.promise,
      onErr,
    });
    expect(code).toBe(0);
    return served.parse(JSON.parse(out));
  };
  const { authUrl, cloudsYaml } = await run();
  expect(cloudsYaml).toContain(authUrl);
  expect(await run('--clouds-yaml', 'clouds.yaml')).toMatchObject({ cloudsYaml: 'clouds.yaml' });
  expect(readFileSync(join(place, 'clouds.yaml'), 'utf8')).toContain('password');
});
