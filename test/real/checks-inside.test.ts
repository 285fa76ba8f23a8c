/** Inside servers of the real cloud, by SSH to a real sshd (test/support/guests.ts): right, and wrong in every way. */

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { discard } from '../support/daemon.ts';
import { freePort } from '../support/free-port.ts';
import { type Guests, startGuests } from '../support/guests.ts';
import { rollwatch } from '../support/rollwatch.ts';

const run = promisify(execFile);
const HOME = process.env['REAL_CLOUD_HOME'] ?? '/var/lib/real-cloud';
const env = { OS_CLIENT_CONFIG_FILE: `${HOME}/clouds.yaml`, OS_CLOUD: 'real' };
const as = async (cloud: string, ...args: readonly string[]) =>
  (await run('openstack', ['--os-cloud', cloud, ...args], { env: { ...process.env, ...env } })).stdout.trim();
const openstack = (...args: readonly string[]) => as('real', ...args);
const admin = (...args: readonly string[]) => as('real-admin', ...args);
const script = (...args: readonly string[]) =>
  run(new URL('../real-cloud/real-cloud', import.meta.url).pathname, args, { timeout: 120_000 });

const checksSchema = z.object({
  ok: z.boolean(),
  checks: z.array(z.looseObject({ name: z.string(), status: z.string(), detail: z.string() })),
});
type Told = z.infer<typeof checksSchema>;

describe('the checks inside servers', { timeout: 200_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-inside-'));
  let guests: Guests;
  const check = async (...args: readonly string[]): Promise<Told> => {
    const ran = await rollwatch(['check', ...args, '--json'], { folder, env, limit: 180_000 });
    expect(ran.err).toBe('');
    return checksSchema.parse(JSON.parse(ran.out));
  };
  const configure = (more: string) =>
    writeFileSync(
      join(folder, 'rollwatch.yaml'),
      `vantage: inside.example\nchecks: {ssh: {user: root, port: ${guests.port}, within: 5s${more}}}\n`,
    );
  const lines = ({ checks }: Told) => checks.map(({ name, status }) => `${status} ${name}`);
  const failures = ({ checks }: Told) =>
    checks.filter(({ status }) => status === 'fail').map(({ name, detail }) => `${name}: ${detail}`);
  const inside = () => check('after', '--only', 'inside').then(failures);

  beforeAll(async () => {
    guests = await startGuests({ home: HOME, port: await freePort(), networks: ['10.99.0.0/16', '10.98.0.0/24'] });
    configure('');
  });

  afterAll(async () => {
    await rollwatch(['check', 'clean'], { folder, env, limit: 200_000 });
    await guests.close();
    discard(folder);
  });

  it('pass where each calls itself by its name and has the vCPUs of its flavor', async () => {
    const before = await check('before', '--keep', '2', '--only', 'basics', 'kept', 'inside');
    expect(failures(before)).toEqual([]);
    expect(lines(before)).toEqual([
      ...['key pair', 'security group', 'boot', 'address', 'SSH', 'host name', 'vCPUs', 'undone'].map(
        (what) => `pass basics: ${what}`,
      ),
      'pass kept servers',
      ...[1, 2].map((number) => `pass kept rollwatch-check-kept-${number}: as asked for`),
      ...[1, 2].flatMap((number) =>
        ['SSH', 'host name', 'vCPUs'].map((what) => `pass inside rollwatch-check-kept-${number}: ${what}`),
      ),
    ]);
    const after = await check('after', '--only', 'inside');
    expect(after.ok).toBe(true);
    expect(lines(after)).toContain('pass inside rollwatch-check-kept-2: not rebooted');
  });

  it('find a wrong name, a wrong count, and a boot that nobody asked for', async () => {
    guests.faults({ name: 'localhost', vcpus: 8, boot: 'another' });
    expect((await inside()).slice(0, 3)).toEqual([
      'inside rollwatch-check-kept-1: host name: it calls itself localhost, and is rollwatch-check-kept-1',
      'inside rollwatch-check-kept-1: vCPUs: it has 8, its flavor 1',
      expect.stringMatching('inside rollwatch-check-kept-1: not rebooted: it was booted since, and is up for '),
    ]);
    guests.faults({});
    expect(await inside()).toEqual([]);
  });

  it('find a closed port, a banner that never comes, and another host key', async () => {
    const ofFirst = async () => (await inside())[0]?.replaceAll(/10\.99\.[0-9.]+:[0-9]+/g, 'ADDRESS');
    const name = 'inside rollwatch-check-kept-1: SSH';
    await guests.stop();
    expect(await ofFirst()).toBe(`${name}: ADDRESS refuses the connection`);

    const silent = createServer(() => {});
    silent.listen(guests.port, '0.0.0.0');
    await once(silent, 'listening');
    expect(await ofFirst()).toMatch(`${name}: ADDRESS takes the connection, but says nothing within `);
    silent.close();

    await guests.newHostKey();
    expect(await ofFirst()).toMatch(
      new RegExp(`^${name}: ADDRESS shows another host key, SHA256:\\S+, than before, SHA256`),
    );
  });

  it('find a security group that was taken away, and are cleaned up after to the last', async () => {
    const server = 'rollwatch-check-kept-1';
    const groups = (await openstack('security', 'group', 'list', '-f', 'value', '-c', 'Name')).split('\n');
    const [group = ''] = groups.filter((name) => name.startsWith('rollwatch-check-group-'));
    await openstack('server', 'remove', 'security', 'group', server, group);
    expect(failures(await check('after', '--only', 'kept'))).toEqual([
      `kept ${server}: security groups: is none, was ${group}`,
    ]);
    const cleaned = await rollwatch(['check', 'clean', '--json'], { folder, env, limit: 200_000 });
    expect(cleaned.code).toBe(0);
    for (const list of [['server'], ['security', 'group'], ['keypair'], ['server', 'group']]) {
      expect(await openstack(...list, 'list', '-f', 'value')).not.toContain('rollwatch-check');
    }
  });

  it('reach servers by floating addresses, and take one on each host without an administrator', async () => {
    await script('set', 'neutron', 'DEFAULT', 'service_plugins', 'router');
    await script('restart', 'neutron');
    const subnet = await admin('subnet', 'list', '--network', 'probe-net', '-f', 'value', '-c', 'ID');
    try {
      await admin('network', 'create', '--external', '--share', 'outside');
      await admin('subnet', 'create', '--network', 'outside', '--subnet-range', '10.98.0.0/24', '--no-dhcp', 'outside');
      await admin('router', 'create', 'way-out');
      await admin('router', 'set', '--external-gateway', 'outside', 'way-out');
      await admin('router', 'add', 'subnet', 'way-out', subnet);
      configure(', floating_network: outside');
      const before = await check('before', '--only', 'hosts', 'basics', 'kept', 'inside');
      expect(failures(before)).toEqual([]);
      const details = new Map(before.checks.map(({ name, detail }) => [name, detail]));
      expect(details.get('hosts: each takes a server')).toBe('3 hosts took a server');
      expect(details.get('basics: address')).toMatch(
        /^probe-net fixed 10\.99\.\S+, probe-net floating 10\.98\.0\.\d+$/,
      );
      expect(details.get('inside rollwatch-check-kept-1: SSH')).toMatch(/^root@10\.98\.0\.\d+, host key SHA256/);
      const cleaned = await rollwatch(['check', 'clean', '--json'], { folder, env, limit: 200_000 });
      expect(cleaned.code).toBe(0);
      expect(await openstack('floating', 'ip', 'list', '-f', 'value')).toBe('');
      expect(await openstack('server', 'group', 'list', '-f', 'value')).toBe('');
    } finally {
      await admin('router', 'unset', '--external-gateway', 'way-out').catch(() => {});
      await admin('router', 'remove', 'subnet', 'way-out', subnet).catch(() => {});
      await admin('router', 'delete', 'way-out').catch(() => {});
      await admin('network', 'delete', 'outside').catch(() => {});
      await script('set', 'neutron', 'DEFAULT', 'service_plugins', '');
      await script('restart', 'neutron');
    }
  });
});
