/**
 * `rollwatch check` on the real cloud, killed while it creates resources: `check clean` restores the previous state.
 */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { realCloud } from '../support/cloud-real.ts';
import { type CloudUser, signIn } from '../support/cloud-user.ts';
import { discard } from '../support/daemon.ts';
import { env, withExternalNetwork } from '../support/real-cloud.ts';
import { rollwatch } from '../support/rollwatch.ts';

const LISTS = [
  ['compute', '/servers/detail'],
  ['compute', '/os-keypairs'],
  ['compute', '/os-server-groups'],
  ['network', '/v2.0/ports'],
  ['network', '/v2.0/security-groups'],
  ['network', '/v2.0/security-group-rules'],
  ['network', '/v2.0/floatingips'],
] as const;
type List = (typeof LISTS)[number][1];

const stateSchema = z.object({
  id: z.string(),
  status: z.string(),
  'OS-EXT-STS:task_state': z.string().nullable(),
  security_groups: z.array(z.object({ name: z.string() })),
});

/** How many times a complete check is killed. */
const KILLS = Number(process.env['ROLLWATCH_KILLS'] ?? 2);
const ADMIN = 'admin_cloud: real-admin\n';

const folder = mkdtempSync(join(tmpdir(), 'rollwatch-killed-'));
let user: CloudUser;
let admin: CloudUser;

const listOf = async (account: CloudUser, path: List): Promise<readonly unknown[]> => {
  const type = path.startsWith('/v2.0') ? 'network' : 'compute';
  const answer = await account.ask(type, `GET ${path}`, type === 'compute' ? { microversion: '2.53' } : {});
  // Neutron without routers has no floating IPs.
  if (answer.status === 404) return [];
  const [list] = Object.values(z.record(z.string(), z.array(z.unknown())).parse(answer.body));
  return list ?? [];
};
/** Returns all resources with all fields, including a server's status and a port's addresses. */
const everything = () =>
  Promise.all(
    [user, admin].flatMap((account) =>
      LISTS.map(async ([, path]) =>
        (await listOf(account, path)).map((resource) => JSON.stringify(resource)).toSorted(),
      ),
    ),
  );
/** Waits until `count` resources of the check exist whose text contains all `words`. */
const waitForResources = async (account: CloudUser, path: List, { words = [''], count = 1 } = {}): Promise<void> => {
  const end = performance.now() + 90_000;
  for (;;) {
    if (performance.now() > end) throw new Error(`none in ${path}`);
    const texts = (await listOf(account, path))
      .map((resource) => JSON.stringify(resource))
      .filter((text) => text.includes('rollwatch-check'));
    if (texts.filter((text) => words.every((word) => text.includes(word))).length >= count) return;
    await delay(50);
  }
};

beforeAll(async () => {
  const cloud = realCloud();
  if (cloud === null) throw new Error('OS_CLIENT_CONFIG_FILE does not name the clouds.yaml of test/real-cloud');
  [user, admin] = await Promise.all([signIn(cloud), signIn(cloud, 'admin')]);
});

afterAll(async () => {
  await rollwatch(['check', 'clean'], { folder, env, limit: 200_000 });
  discard(folder);
});

describe('a check that is killed', { timeout: 300_000 }, () => {
  it('leaves nothing that clean does not find', async () => {
    await withExternalNetwork(async (network) => {
      const before = await everything();
      const ssh = `vantage: killed\nchecks: {ssh: {user: root, port: 9, timeout: 1s, floating_network: ${network}}}\n`;
      const kills = [
        ['basics', '', () => waitForResources(user, '/os-keypairs')],
        ['basics', '', () => waitForResources(user, '/v2.0/security-groups')],
        ['basics', '', () => waitForResources(user, '/servers/detail', { words: ['"BUILD"'] })],
        ['basics', '', () => waitForResources(user, '/v2.0/floatingips')],
        ['hosts', '', () => waitForResources(user, '/os-server-groups')],
        ['hosts', ADMIN, () => waitForResources(admin, '/servers/detail', { count: 3 })],
        ['actions', '', () => waitForResources(user, '/servers/detail', { words: ['"SHELVED_OFFLOADED"'] })],
        [
          'actions',
          '',
          () => waitForResources(user, '/servers/detail', { words: ['"RESCUE"', '"name":"rollwatch-check-group'] }),
        ],
      ] as const;
      for (const [number, [group, settings, until]] of kills.entries()) {
        writeFileSync(join(folder, 'rollwatch.yaml'), `${ssh}${settings}`);
        const args = ['check', 'before', '--only', group, '--journal', join(folder, `${number}.sqlite`)];
        const { code } = await rollwatch(args, { folder, env, limit: 100_000, until: until(), kill: 'SIGKILL' });
        expect({ number, code }).toEqual({ number, code: null });
        expect(await everything()).not.toEqual(before);
        const cleaned = await rollwatch(['check', 'clean', '--json'], { folder, env, limit: 200_000 });
        expect({ number, code: cleaned.code }).toEqual({ number, code: 0 });
        expect(await everything()).toEqual(before);
      }
    });
  });

  it('leaves nothing that clean does not find, at random times', { timeout: KILLS * 60_000 }, async () => {
    const before = await everything();
    for (let number = 0; number < KILLS; number++) {
      writeFileSync(join(folder, 'rollwatch.yaml'), `vantage: killed\n${number % 2 === 0 ? ADMIN : ''}`);
      const args = ['check', 'before', '--servers', '2', '--journal', join(folder, `random-${number}.sqlite`)];
      // The kills are spread evenly over the 25 s of a check, so that many cover each half second.
      const killAfterMs = 1000 + ((number * 0.618034) % 1) * 24_000;
      const until = delay(killAfterMs);
      await rollwatch(args, { folder, env, limit: 100_000, until, kill: 'SIGKILL' });
      const cleaned = await rollwatch(['check', 'clean', '--json'], { folder, env, limit: 200_000 });
      expect({ killAfterMs, code: cleaned.code }).toEqual({ killAfterMs, code: 0 });
      expect({ killAfterMs, left: await everything() }).toEqual({ killAfterMs, left: before });
    }
  });
});

describe('a check that receives a signal', { timeout: 300_000 }, () => {
  it('undoes its changes at any step', async () => {
    writeFileSync(join(folder, 'rollwatch.yaml'), 'vantage: killed\n');
    const stop = async (group: string, until: Promise<void>) => {
      const args = ['check', 'before', '--only', group];
      const { code, out } = await rollwatch(args, { folder, env, limit: 100_000, until, kill: 'SIGINT' });
      expect({ code, out }).toEqual({ code: 1, out: expect.stringMatching(/^before: stopped/m) });
      // The stop is intended, so it is not a fault of the cloud.
      expect(out).not.toMatch(/^fail/m);
    };
    const created = await rollwatch(['check', 'before', '--only', 'survivors'], { folder, env });
    expect(created.code).toBe(0);
    const states = async () => ({
      servers: (await listOf(user, '/servers/detail')).map((server) => stateSchema.parse(server)),
      groups: (await listOf(user, '/v2.0/security-groups')).length,
      keyPairs: await listOf(user, '/os-keypairs'),
      serverGroups: await listOf(user, '/os-server-groups'),
    });
    const before = await states();
    expect(before.servers.filter(({ status }) => status === 'ACTIVE').length).toBeGreaterThan(0);
    const times = [
      ['actions', () => waitForResources(user, '/servers/detail', { words: ['"PAUSED"'] })],
      ['actions', () => waitForResources(user, '/servers/detail', { words: ['"SUSPENDED"'] })],
      ['actions', () => waitForResources(user, '/servers/detail', { words: ['"shelving'] })],
      [
        'actions',
        () => waitForResources(user, '/servers/detail', { words: ['"RESCUE"', '"name":"rollwatch-check-group'] }),
      ],
      ['actions', () => waitForResources(user, '/servers/detail', { words: ['"VERIFY_RESIZE"'] })],
      ['basics', () => waitForResources(user, '/os-keypairs')],
      ['basics', () => waitForResources(user, '/servers/detail', { words: ['"BUILD"'] })],
      ['hosts', () => waitForResources(user, '/servers/detail', { words: ['spread-2'] })],
    ] as const;
    for (const [group, until] of times) {
      await stop(group, until());
      expect(await states()).toEqual(before);
    }
  });
});
