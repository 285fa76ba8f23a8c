/** `rollwatch check` on the embedded cloud: before, after, what broke in between, and clean. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { EmbeddedCloud } from '../../src/fake-openstack/cloud.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { type CloudUser, signIn } from '../support/cloud-user.ts';
import { discard } from '../support/daemon.ts';
import { rollwatch, withoutProgress } from '../support/rollwatch.ts';

const checksSchema = z.object({
  ok: z.boolean(),
  checks: z.array(
    z.looseObject({ name: z.string(), status: z.string(), detail: z.string(), before: z.string().nullable() }),
  ),
});
type CheckOutput = z.infer<typeof checksSchema> & { readonly code: number | null };

const servicesSchema = z.object({
  services: z.array(z.object({ id: z.string(), binary: z.string(), host: z.string() })),
});
const namedSchema = z.array(z.object({ name: z.string() }));

const SURVIVORS = [1, 2].map((number) => `rollwatch-check-survivor-${number}`);
const ACTIONS = [
  'pause, unpause',
  'suspend, resume',
  'shelve, unshelve',
  'rescue, security group on and off, unrescue',
  'stop, start',
  'reboot',
  'resize, revert',
];

describe('the checks before and after', { timeout: 120_000 }, () => {
  let cloud: EmbeddedCloud;
  let user: CloudUser;
  let admin: CloudUser;
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-checks-'));
  const run = (cloudName: string, ...args: readonly string[]) =>
    rollwatch(['check', ...args], {
      folder,
      env: { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: cloudName },
      limit: 110_000,
    });
  const check = async (...args: readonly string[]): Promise<CheckOutput> => {
    const { code, out, err } = await run('embedded', ...args, '--json');
    expect(withoutProgress(err)).toBe('');
    return { code, ...checksSchema.parse(JSON.parse(out)) };
  };
  const failures = ({ checks }: CheckOutput) =>
    checks.filter(({ status }) => status === 'fail').map(({ name, detail }) => `${name}: ${detail}`);
  const statusOf = ({ checks }: CheckOutput, name: string) => checks.find((one) => one.name === name)?.status;
  const serverOf = async (name: string) => (await cloud.servers()).find((one) => one.name === name);
  const act = async (id: string, body: object) =>
    expect((await user.ask('compute', `POST /servers/${id}/action`, { body })).status).toBe(202);
  const enable = async (host: string, status: 'enabled' | 'disabled') => {
    const answer = await admin.ask('compute', 'GET /os-services?binary=nova-compute', { microversion: '2.53' });
    const service = servicesSchema.parse(answer.body).services.find((one) => one.host === host);
    const given = { microversion: '2.53', body: { status } };
    expect((await admin.ask('compute', `PUT /os-services/${service?.id}`, given)).status).toBe(200);
  };

  beforeAll(async () => {
    cloud = await startCloudWorker({ speed: 20 });
    [user, admin] = await Promise.all([signIn(cloud), signIn(cloud, 'admin')]);
    writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
    writeFileSync(join(folder, 'rollwatch.yaml'), 'vantage: here\nadmin_cloud: embedded-admin\n');
  });

  afterAll(async () => {
    await cloud.close();
    discard(folder);
  });

  it('pass on a healthy cloud, with every action on every survivor', async () => {
    const before = await check('before', '--servers', '2');
    expect(failures(before)).toEqual([]);
    expect(before).toMatchObject({ code: 0, ok: true });
    for (const server of SURVIVORS)
      for (const action of ACTIONS) expect(statusOf(before, `actions on ${server}: ${action}`)).toBe('pass');
    for (const host of ['compute1', 'compute2', 'compute3']) expect(statusOf(before, `hosts: ${host}`)).toBe('pass');
    expect((await cloud.servers()).map(({ name, status }) => `${name} ${status}`).toSorted()).toEqual(
      SURVIVORS.map((name) => `${name} ACTIVE`),
    );

    const after = await check('after', '--only', 'services', 'orphans', 'survivors');
    expect(failures(after)).toEqual([]);
    expect(after).toMatchObject({ code: 0, ok: true });
    expect(statusOf(after, `survivors ${SURVIVORS[1]}: host`)).toBe('pass');
  });

  it('name everything that is broken, and nothing that was not checked', async () => {
    const [first, second] = await Promise.all(SURVIVORS.map(serverOf));
    await enable('compute2', 'disabled');
    await act(first?.id ?? '', { pause: null });
    await user.remove(second?.id ?? '');
    const after = await check('after', '--only', 'services', 'hosts', 'survivors');
    expect(after).toMatchObject({ code: 1, ok: false });
    expect(failures(after)).toEqual([
      'services: nova-compute on compute2: enabled: disabled, was enabled before: run openstack compute service set --enable compute2 nova-compute',
      'hosts: compute2: nova-compute is disabled, was up and enabled before',
      `survivors ${SURVIVORS[0]}: status: is PAUSED, was ACTIVE`,
      `survivors ${SURVIVORS[1]}: exists: server ${second?.id} is gone`,
    ]);
    const { out } = await rollwatch(['report'], { folder });
    expect(out).toMatch(
      /^The checks after the upgrade found 4 problems: services: nova-compute on compute2: enabled;/m,
    );
  });

  it('are written as JUnit, and the latest run of each group counts', async () => {
    const broken = await run('embedded', 'after', '--only', 'services', '--format', 'junit');
    expect(broken.code).toBe(1);
    expect(broken.out).toContain('<testsuite name="rollwatch.check-after" tests="8" failures="1"');
    await enable('compute2', 'enabled');
    const repaired = await check('after', '--only', 'services', 'hosts');
    expect(failures(repaired)).toEqual([]);
    const { out } = await rollwatch(['report', '--json'], { folder });
    const { checks } = z
      .object({ checks: z.array(z.object({ stage: z.string(), checks: checksSchema.shape.checks })) })
      .parse(JSON.parse(out));
    const failed = checks.flatMap((one) => one.checks).filter(({ status }) => status === 'fail');
    expect(failed.map(({ name }) => name)).toEqual([
      `survivors ${SURVIVORS[0]}: status`,
      `survivors ${SURVIVORS[1]}: exists`,
    ]);
  });

  it('are rejected in one line if nothing can be checked', async () => {
    const unknown = await run('embedded', 'before', '--only', 'everything');
    expect([unknown.code, unknown.out]).toEqual([2, '']);
    expect(unknown.err).toMatch(/^rollwatch: --only is 'everything'; it must be one of services, /);
    await cloud.stop('keystone');
    const unreachable = await run('embedded', 'before', '--only', 'survivors');
    await cloud.start('keystone');
    expect([unreachable.code, unreachable.out, unreachable.err.trim().split('\n').length]).toEqual([3, '', 1]);
  });

  it('clean does not touch the resources of a running check, and deletes them once it was killed', async () => {
    const before = (await cloud.servers()).map(({ id }) => id);
    const killed = Promise.withResolvers<void>();
    const env = { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' };
    await cloud.stop('nova-conductor');
    const args = ['check', 'before', '--only', 'basics'];
    const checking = rollwatch(args, { folder, env, until: killed.promise, kill: 'SIGKILL' });
    const brief = async () => (await cloud.servers()).filter(({ id }) => !before.includes(id));
    try {
      await vi.waitFor(async () => expect(await brief()).toHaveLength(1), { timeout: 30_000 });
      const refused = await run('embedded', 'clean');
      expect([refused.code, refused.out]).toEqual([3, '']);
      expect(refused.err).toMatch(
        /^rollwatch: another check \(pid \d+\) is running with journal .*; wait until it ends, or stop it\n$/,
      );
      expect((await brief()).map(({ status }) => status)).toEqual(['BUILD']);
    } finally {
      killed.resolve();
      await checking;
      await cloud.start('nova-conductor');
    }
    const cleaned = await run('embedded', 'clean');
    expect(cleaned.code).toBe(0);
    expect(cleaned.out).toContain('clean embedded: rollwatch-check-basics: ');
    expect(await brief()).toEqual([]);
    // This also deleted the survivors, which the next test needs.
    expect((await run('embedded', 'before', '--only', 'survivors')).code).toBe(0);
  });

  it('leave nothing after clean, which touches nothing else', async () => {
    const other = await user.create('rollwatch-check-not-ours', { metadata: { 'rollwatch-check': 'mine' } });
    expect(other.status).toBe(202);
    await user.ask('network', 'POST /v2.0/security-groups', {
      body: { security_group: { name: 'rollwatch-check-group-x' } },
    });
    const cleaned = await run('embedded', 'clean');
    expect([
      cleaned.code,
      cleaned.out
        .trim()
        .split('\n')
        .map((line) => line.split(':')[0]),
    ]).toEqual([0, ['pass  clean embedded', 'pass  clean embedded-admin']]);
    expect(cleaned.out).toContain(`clean embedded: ${SURVIVORS[0]}: `);
    expect((await cloud.servers()).map(({ name }) => name)).toEqual(['rollwatch-check-not-ours']);
    const groups = await user.ask('network', 'GET /v2.0/security-groups');
    const names = namedSchema.parse(z.object({ security_groups: z.unknown() }).parse(groups.body).security_groups);
    expect(names.map(({ name }) => name).toSorted()).toEqual(['default', 'rollwatch-check-group-x']);
  });

  it('boot from a volume if the probe does', async () => {
    writeFileSync(join(folder, 'volume.yaml'), 'vantage: here\nprobes: {server-boot: {volume: 2}}\n');
    const before = await check('before', '--only', 'basics', 'survivors', '--servers', '1', '--config', 'volume.yaml');
    expect(failures(before)).toEqual([]);
    expect(statusOf(before, 'basics: boot')).toBe('pass');
    const survivor = await serverOf('rollwatch-check-survivor-1');
    const { body } = await user.ask('compute', `GET /servers/${survivor?.id}`);
    expect(body).toMatchObject({ server: { image: '' } });
    expect((await run('embedded', 'clean')).code).toBe(0);
  });
});
