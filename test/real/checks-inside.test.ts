/**
 * The checks of guests on the real cloud, by SSH to a real sshd (test/support/guests.ts), without faults and with each.
 */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { discard, startWatch } from '../support/daemon.ts';
import { freePort } from '../support/free-port.ts';
import { type Guests, startGuests } from '../support/guests.ts';
import { env, HOME, openstack, script, withExternalNetwork } from '../support/real-cloud.ts';
import { rollwatch, withoutProgress } from '../support/rollwatch.ts';

const checksSchema = z.object({
  ok: z.boolean(),
  checks: z.array(z.looseObject({ name: z.string(), status: z.string(), detail: z.string() })),
});
const statusSchema = z.object({ series: z.array(z.object({ state: z.string() })) });
const edge = z.object({ earliest: z.string(), latest: z.string() });
const bounds = z.object({ estimate: z.number(), max: z.number() });
const probe = z.object({ downtimeSeconds: bounds });
const reportSchema = z.object({
  overall: z.object({ downtimeSeconds: bounds, probes: z.object({ 'server-list': probe, 'server-reach': probe }) }),
  windows: z.array(
    z.object({
      kind: z.string(),
      probe: z.string(),
      target: z.string(),
      start: edge,
      end: edge.nullable(),
      causes: z.array(z.object({ kind: z.string(), service: z.string() })),
    }),
  ),
});
type CheckOutput = z.infer<typeof checksSchema>;

describe('the checks of guests', { timeout: 200_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-inside-'));
  let guests: Guests;
  const check = async (...args: readonly string[]): Promise<CheckOutput> => {
    const ran = await rollwatch(['check', ...args, '--json'], { folder, env, limit: 180_000 });
    expect(withoutProgress(ran.err)).toBe('');
    return checksSchema.parse(JSON.parse(ran.out));
  };
  const configure = (ssh: string, checks = 'servers: 1', probes = '') =>
    writeFileSync(
      join(folder, 'rollwatch.yaml'),
      `vantage: inside.example\nchecks: {${checks}, ssh: {user: root, port: ${guests.port}, timeout: 5s${ssh}}}\n${probes}\n`,
    );
  const lines = ({ checks }: CheckOutput) => checks.map(({ name, status }) => `${status} ${name}`);
  const failures = ({ checks }: CheckOutput) =>
    checks.filter(({ status }) => status === 'fail').map(({ name, detail }) => `${name}: ${detail}`);
  const guestFailures = () => check('after', '--only', 'guest').then(failures);

  beforeAll(async () => {
    guests = await startGuests({ home: HOME, port: await freePort(), networks: ['10.99.0.0/16', '10.98.0.0/24'] });
    configure('');
  });

  afterAll(async () => {
    await rollwatch(['check', 'clean'], { folder, env, limit: 200_000 });
    await guests.close();
    discard(folder);
  });

  it('pass if each guest has the name of its server and the vCPUs of its flavor', async () => {
    const before = await check('before', '--servers', '2', '--only', 'basics', 'survivors', 'guest');
    expect(failures(before)).toEqual([]);
    expect(lines(before)).toEqual([
      ...['key pair', 'security group', 'boot', 'address', 'SSH', 'host name', 'vCPUs', 'clean-up'].map(
        (what) => `pass basics: ${what}`,
      ),
      'pass survivors',
      ...[1, 2].map((number) => `pass survivors rollwatch-check-survivor-${number}: as requested`),
      ...[1, 2].flatMap((number) =>
        ['SSH', 'host name', 'vCPUs'].map((what) => `pass guest rollwatch-check-survivor-${number}: ${what}`),
      ),
    ]);
    const after = await check('after', '--only', 'guest');
    expect(after.ok).toBe(true);
    expect(lines(after)).toContain('pass guest rollwatch-check-survivor-2: not rebooted');
  });

  it('find a wrong name, a wrong number of vCPUs, and an unexpected reboot', async () => {
    guests.faults({ name: 'localhost', vcpus: 8, boot: 'another' });
    expect((await guestFailures()).slice(0, 3)).toEqual([
      'guest rollwatch-check-survivor-1: host name: is localhost, expected rollwatch-check-survivor-1',
      'guest rollwatch-check-survivor-1: vCPUs: has 8, its flavor has 1',
      expect.stringMatching('guest rollwatch-check-survivor-1: not rebooted: it has rebooted, up for '),
    ]);
    guests.faults({});
    expect(await guestFailures()).toEqual([]);
  });

  it('find a closed port, a missing banner, and another host key', async () => {
    const firstFailure = async () => (await guestFailures())[0]?.replaceAll(/10\.99\.[0-9.]+:[0-9]+/g, 'ADDRESS');
    const name = 'guest rollwatch-check-survivor-1: SSH';
    await guests.stop();
    expect(await firstFailure()).toBe(`${name}: ADDRESS refused the connection`);

    await guests.silence();
    expect(await firstFailure()).toMatch(`${name}: ADDRESS accepted the connection, but sent no SSH banner within `);

    await guests.newHostKey();
    expect(await firstFailure()).toMatch(new RegExp(`^${name}: ADDRESS has host key SHA256:\\S+, which was SHA256`));
  });

  it('find a removed security group, and are cleaned up completely', async () => {
    const server = 'rollwatch-check-survivor-1';
    const groups = (await openstack('security', 'group', 'list', '-f', 'value', '-c', 'Name')).split('\n');
    const [group = ''] = groups.filter((name) => name.startsWith('rollwatch-check-group-'));
    await openstack('server', 'remove', 'security', 'group', server, group);
    expect(failures(await check('after', '--only', 'survivors'))).toEqual([
      `survivors ${server}: security groups: is none, was ${group}`,
    ]);
    const cleaned = await rollwatch(['check', 'clean', '--json'], { folder, env, limit: 200_000 });
    expect(cleaned.code).toBe(0);
    for (const list of [['server'], ['security', 'group'], ['keypair'], ['server', 'group']]) {
      expect(await openstack(...list, 'list', '-f', 'value')).not.toContain('rollwatch-check');
    }
  });

  it('leave survivors that are probed during the upgrade, separately from the API', async () => {
    configure('', 'servers: 2', 'probes: {server-boot: {enabled: false}, server-reach: {enabled: true, timeout: 1s}}');
    expect(failures(await check('before', '--only', 'survivors'))).toEqual([]);
    const watch = await startWatch({ env, folder });
    const up = async () => {
      const status = statusSchema.parse(await (await fetch(`${watch.url}/api/v1/status`)).json());
      return status.series.every(({ state }) => state === 'up');
    };
    const intervals: { from: number; stopped: number; started: number; until: number; kind: string }[] = [];
    const outage = async (kind: string, stop: () => Promise<unknown>, start: () => Promise<unknown>) => {
      await expect.poll(up, { timeout: 30_000, interval: 200 }).toBe(true);
      const from = Date.now();
      await stop();
      const stopped = Date.now();
      await delay(3000);
      const started = Date.now();
      await start();
      intervals.push({ from, stopped, started, until: Date.now(), kind });
      await expect.poll(up, { timeout: 30_000, interval: 200 }).toBe(true);
    };
    await outage('connection-refused', guests.stop, guests.start);
    await outage('response-timeout', guests.silence, guests.start);
    await outage(
      'api',
      () => script('stop', 'nova-api'),
      () => script('start', 'nova-api'),
    );
    const { printed } = await watch.stop();
    const { windows, overall } = reportSchema.parse(JSON.parse(printed));
    const [refused, silent, api] = intervals;
    for (const target of [1, 2].map((number) => `rollwatch-check-survivor-${number}`)) {
      const own = windows.filter(
        (window) => window.probe === 'server-reach' && window.target === target && window.kind === 'down',
      );
      expect(own).toHaveLength(2);
      own.forEach(({ start, end, causes }, index) => {
        const truth = index === 0 ? refused : silent;
        expect(causes.map(({ kind, service }) => `${kind} ${service}`)).toContain(`${truth?.kind} server`);
        expect(Date.parse(start.earliest)).toBeLessThanOrEqual(truth?.stopped ?? 0);
        expect(Date.parse(start.latest)).toBeGreaterThanOrEqual(truth?.from ?? 0);
        expect(Date.parse(end?.earliest ?? '')).toBeLessThanOrEqual(truth?.until ?? 0);
        expect(Date.parse(end?.latest ?? '')).toBeGreaterThanOrEqual(truth?.started ?? 0);
      });
    }
    // The outages are independent: the API was down at another time, while the servers were up.
    const lists = windows.filter(({ probe, kind }) => probe === 'server-list' && kind === 'down');
    expect(lists.length).toBeGreaterThan(0);
    for (const { start } of lists) expect(Date.parse(start.latest)).toBeGreaterThanOrEqual(api?.from ?? Infinity);
    expect(overall.probes['server-reach'].downtimeSeconds.estimate).toBeGreaterThan(5);
    expect(overall.probes['server-reach'].downtimeSeconds.max).toBeLessThan(12);
    expect(overall.downtimeSeconds.estimate).toBe(overall.probes['server-list'].downtimeSeconds.estimate);
  });

  it('reach servers by floating IPs, with one on each host even without an administrator', async () => {
    await withExternalNetwork(async (network) => {
      configure(`, floating_network: ${network}`);
      const before = await check('before', '--only', 'hosts', 'basics', 'survivors', 'guest');
      expect(failures(before)).toEqual([]);
      const details = new Map(before.checks.map(({ name, detail }) => [name, detail]));
      expect(details.get('hosts: each accepts a server')).toBe('3 hosts accepted a server');
      expect(details.get('basics: address')).toMatch(
        /^probe-net fixed 10\.99\.\S+, probe-net floating 10\.98\.0\.\d+$/,
      );
      expect(details.get('guest rollwatch-check-survivor-1: SSH')).toMatch(/^root@10\.98\.0\.\d+, host key SHA256/);
      const cleaned = await rollwatch(['check', 'clean', '--json'], { folder, env, limit: 200_000 });
      expect(cleaned.code).toBe(0);
      expect(await openstack('floating', 'ip', 'list', '-f', 'value')).toBe('');
      expect(await openstack('server', 'group', 'list', '-f', 'value')).toBe('');
    });
  });
});
