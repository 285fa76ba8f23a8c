/** `rollwatch check` on the real cloud: first healthy, then with faults that it finds and names; it leaves nothing. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { discard } from '../support/daemon.ts';
import { admin, env, openstack, script, sql } from '../support/real-cloud.ts';
import { rollwatch, withoutProgress } from '../support/rollwatch.ts';

const checksSchema = z.object({
  ok: z.boolean(),
  checks: z.array(z.looseObject({ name: z.string(), status: z.string(), detail: z.string() })),
});

/** Nova marks a service as down a minute after its last report; in milliseconds, with a margin. */
const DOWN_AFTER_MS = 75_000;
/** Slightly more than two report intervals of Nova, in milliseconds. */
const SILENT_AFTER_MS = 24_000;

describe('the checks before and after an upgrade', { timeout: 400_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-checks-'));
  writeFileSync(join(folder, 'rollwatch.yaml'), 'vantage: checks\nadmin_cloud: real-admin\n');
  const check = async (...args: readonly string[]) => {
    const ran = await rollwatch(['check', ...args, '--json'], { folder, env, limit: 300_000 });
    expect(withoutProgress(ran.err)).toBe('');
    return { code: ran.code, ...checksSchema.parse(JSON.parse(ran.out)) };
  };
  const failed = ({ checks }: z.infer<typeof checksSchema>) =>
    checks.filter(({ status }) => status === 'fail').map(({ name }) => name);
  const left = async () => {
    const names = [
      await openstack('server', 'list', '-f', 'value', '-c', 'Name'),
      await openstack('security', 'group', 'list', '-f', 'value', '-c', 'Name'),
    ];
    return names.flatMap((text) => text.split('\n')).filter((name) => name.startsWith('rollwatch-check-'));
  };

  afterAll(async () => {
    await script('start', 'nova-compute2').catch(() => {});
    await admin('compute', 'service', 'set', '--enable', 'compute3', 'nova-compute').catch(() => {});
    await rollwatch(['check', 'clean'], { folder, env, limit: 200_000 });
    discard(folder);
  });

  it('pass before, and after a rolling upgrade, with every action', async () => {
    const before = await check('before');
    expect(failed(before)).toEqual([]);
    expect(before).toMatchObject({ code: 0, ok: true });
    expect(before.checks.filter(({ name }) => name.startsWith('actions on')).map(({ status }) => status)).toEqual(
      Array.from({ length: 7 }, () => 'pass'),
    );
    await script('rolling-upgrade');
    const after = await check('after');
    expect(failed(after)).toEqual([]);
    expect(after).toMatchObject({ code: 0, ok: true });
    expect(await left()).toEqual(['rollwatch-check-survivor-1']);
  });

  it('find a stopped compute, a disabled host and a server in ERROR', async () => {
    await script('stop', 'nova-compute2');
    await admin('compute', 'service', 'set', '--disable', 'compute3', 'nova-compute');
    const id = (
      await openstack('server', 'list', '--name', 'rollwatch-check-survivor-1', '-f', 'value', '-c', 'ID')
    ).trim();
    await admin('server', 'set', '--state', 'error', id);
    await delay(SILENT_AFTER_MS);
    const silent = await check('after', '--only', 'services');
    expect(silent.checks.find(({ name }) => name === 'services: nova-compute on compute2')).toMatchObject({
      status: 'fail',
      detail: expect.stringMatching(/^Nova still shows it as up, but its last report is [\d.]+ s old/),
    });
    await delay(DOWN_AFTER_MS);
    const after = await check('after', '--only', 'services', 'survivors');
    expect(after).toMatchObject({ code: 1, ok: false });
    expect(failed(after)).toEqual([
      'services: nova-compute',
      'services: nova-compute on compute2',
      'services: nova-compute on compute3: enabled',
      'survivors rollwatch-check-survivor-1: status',
    ]);
    expect(failed(await check('after', '--only', 'hosts'))).toEqual(['hosts: compute2', 'hosts: compute3']);
    const { out } = await rollwatch(['report'], { folder, env });
    expect(out).toMatch(/^ {2}after, .*: FAIL/m);
  });

  it('check the services if the user is an administrator, else say that they cannot', async () => {
    const alone = mkdtempSync(join(tmpdir(), 'rollwatch-checks-alone-'));
    const ask = async (cloud: string) => {
      const args = ['check', 'before', '--only', 'services', 'orphans', '--json'];
      const { out } = await rollwatch(args, { folder: alone, env: { ...env, OS_CLOUD: cloud } });
      return checksSchema.parse(JSON.parse(out)).checks.map(({ name, status }) => `${status} ${name}`);
    };
    try {
      expect(await ask('real-admin')).toContain('pass services: nova-conductor');
      expect(await ask('real')).toEqual(['skip services', 'pass services: microversion of nova-api', 'skip orphans']);
    } finally {
      discard(alone);
    }
  });

  it('name a service record that was orphaned by hand in the database', async () => {
    const uuid = 'd0d0d0d0-0000-4000-8000-000000000002';
    await sql(
      `insert into nova_cell1.services (created_at, updated_at, last_seen_up, host, \`binary\`, topic, report_count, disabled, deleted, forced_down, version, uuid)
       select created_at, last_seen_up - interval 2 day, last_seen_up - interval 2 day, 'left-behind', \`binary\`, topic, 1, 0, 0, 0, version, '${uuid}'
       from nova_cell1.services where \`binary\` = 'nova-conductor' and deleted = 0 limit 1`,
    );
    try {
      const found = await check('after', '--only', 'orphans');
      expect(found.code).toBe(1);
      expect(failed(found)).toEqual(['orphans: nova-conductor on left-behind']);
    } finally {
      await sql(`delete from nova_cell1.services where uuid = '${uuid}'`);
    }
  });

  it('are cleaned up in any state of the server, and find that it is gone', async () => {
    const cleaned = await rollwatch(['check', 'clean', '--json'], { folder, env, limit: 200_000 });
    expect(cleaned.code).toBe(0);
    expect(await left()).toEqual([]);
    expect(failed(await check('after', '--only', 'survivors'))).toEqual([
      'survivors rollwatch-check-survivor-1: exists',
    ]);
  });
});
