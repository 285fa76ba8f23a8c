/**
 * `rollwatch check --tempest` with Debian's Tempest on the real cloud: the tests that are broken on purpose are named.
 */

import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { discard } from '../support/daemon.ts';
import { admin, env, script } from '../support/real-cloud.ts';
import { rollwatch } from '../support/rollwatch.ts';

/** A flavor that only these tests use. */
const FLAVOR = 'rollwatch-tempest';
const createFlavor = () =>
  admin('flavor', 'create', '--id', FLAVOR, '--ram', '64', '--disk', '1', '--vcpus', '1', FLAVOR);
const deleteFlavor = () => admin('flavor', 'delete', FLAVOR);

const CLASS = 'tempest.api.compute.flavors.test_flavors.FlavorsV2TestJSON';
const GET = `${CLASS}.test_get_flavor`;
const LIMIT = `${CLASS}.test_list_flavors_limit_results`;
/** This class creates one server with the flavor for all of its tests. */
const SERVERS = 'tempest.api.compute.servers.test_create_server.ServersTestJSON';
const DETAILS = `${SERVERS}.test_verify_server_details`;

const answerSchema = z.object({
  ok: z.boolean(),
  checks: z.array(z.looseObject({ name: z.string(), status: z.string(), detail: z.string() })),
  tempest: z.looseObject({ passed: z.number(), failed: z.number(), seconds: z.number(), broken: z.array(z.string()) }),
});

describe('Tempest before and after an upgrade', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-tempest-'));
  const check = (stage: 'before' | 'after', ...args: readonly string[]) =>
    rollwatch(
      [
        'check',
        stage,
        '--only',
        'tempest',
        '--tempest',
        `(${[GET, LIMIT, DETAILS].join('|')})`,
        '--tempest-workspace',
        'ws',
        ...args,
      ],
      {
        folder,
        env: { ...env, PATH: `/usr/bin:${process.env['PATH']}` },
      },
    );

  beforeAll(async () => {
    await deleteFlavor().catch(() => {});
    await createFlavor();
    const workspace = (await script('tempest-workspace')).trim();
    const settings = readFileSync(join(workspace, 'etc', 'tempest.conf'), 'utf8');
    mkdirSync(join(folder, 'ws', 'etc'), { recursive: true });
    writeFileSync(
      join(folder, 'ws', 'etc', 'tempest.conf'),
      settings.replace(/^flavor_ref = .*$/m, `flavor_ref = ${FLAVOR}`),
    );
  });

  afterAll(async () => {
    await deleteFlavor().catch(() => {});
    discard(folder);
  });

  it('passes before, and names only the broken tests until they are repaired', async () => {
    const before = await check('before');
    expect(before).toMatchObject({ code: 0, err: '' });
    for (const test of [GET, LIMIT, DETAILS])
      expect(before.out).toMatch(new RegExp(`^pass  tempest: ${test}: ok in [0-9.]+ s$`, 'm'));
    expect(before.out).toMatch(/3 passed, 0 failed, 0 skipped in .*\nbefore: pass \(4 pass\)\n$/);

    await deleteFlavor();
    const after = await check('after', '--json');
    expect(after).toMatchObject({ code: 1, err: '' });
    const { checks, tempest } = answerSchema.parse(JSON.parse(after.out));
    expect(tempest).toMatchObject({ passed: 1, failed: 2, gone: [DETAILS] });
    expect(tempest.broken.toSorted()).toEqual([`setUpClass (${SERVERS})`, GET]);
    expect(tempest.seconds).toBeGreaterThan(0);
    expect(checks.find(({ name }) => name === `tempest: ${GET}`)).toMatchObject({
      status: 'fail',
      before: 'pass',
      detail: expect.stringContaining('NotFound: Object not found Details: '),
    });
    const report = await rollwatch(['report'], { folder, env });
    expect(report.out).toContain('The checks after the upgrade found 2 problems: tempest:');

    await createFlavor();
    const repaired = await check('after');
    expect(repaired).toMatchObject({ code: 0, err: '' });
    expect(repaired.out).toMatch(/after: pass \(4 pass\)\n$/);
  });
});
