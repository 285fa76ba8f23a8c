/** Commands end by closing what they opened: nothing keeps the process alive once the result is printed. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EmbeddedCloud } from '../../src/fake-openstack/cloud.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { signIn } from '../support/cloud-user.ts';
import { discard } from '../support/daemon.ts';
import { timeRollwatch, withoutProgress } from '../support/rollwatch.ts';

/** From the last output to the end of the process; a busy host needs most of it. */
const MAX_LINGER_MS = 2000;

describe('a command that has printed its result', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-ends-'));
  let cloud: EmbeddedCloud;

  beforeAll(async () => {
    cloud = await startCloudWorker({ speed: 20 });
    writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
    writeFileSync(join(folder, 'rollwatch.yaml'), 'vantage: here\nadmin_cloud: embedded-admin\n');
  });

  afterAll(async () => {
    await cloud.close();
    discard(folder);
  });

  const run = (args: readonly string[], how: { readonly until?: Promise<unknown> } = {}) =>
    timeRollwatch(args, {
      folder,
      env: { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' },
      limit: 110_000,
      ...how,
    });

  it.each([
    [['check', 'before', '--servers', '1'], 0],
    [['check', 'after', '--only', 'services', 'survivors', 'basics'], 0],
    [['check', 'clean'], 0],
    [['sweep', '--dry-run'], 0],
    [['sweep', '--now'], 0],
  ])('ends: %j with code %i', async (args, expected) => {
    const { code, out, lingeredMs } = await run(args);
    expect([code, out === '']).toEqual([expected, false]);
    expect(lingeredMs).toBeLessThan(MAX_LINGER_MS);
  });

  it('ends: a check that is stopped while the cloud hangs, with code 1', async () => {
    const hanging = expect
      .poll(async () => (await cloud.servers()).length)
      .toBeGreaterThan(0)
      .then(() => cloud.setFault('nova-api', { kind: 'hang' }));
    const until = hanging.then(() => delay(500));
    const recovered = until.then(() => delay(1000)).then(() => cloud.setFault('nova-api', null));
    const { code, err, lingeredMs } = await run(['check', 'before', '--only', 'basics'], { until });
    await recovered;
    expect([code, withoutProgress(err)]).toEqual([1, expect.stringMatching(/^rollwatch: stopping and cleaning up;/)]);
    expect(lingeredMs).toBeLessThan(MAX_LINGER_MS);
  });

  it('ends: a check that is stopped before the cloud has answered at all, with code 1', async () => {
    await cloud.setFault('keystone', { kind: 'hang' });
    const known = (await cloud.requests()).length;
    const until = expect.poll(async () => (await cloud.requests()).length).toBeGreaterThan(known);
    const ran = await run(['check', 'before', '--only', 'basics'], { until });
    await cloud.setFault('keystone', null);
    expect([ran.code, ran.out]).toEqual([1, expect.stringMatching(/^before: stopped \(/)]);
    expect(withoutProgress(ran.err)).toMatch(/^rollwatch: stopping and cleaning up;[^\n]*\n$/);
    expect(ran.lingeredMs).toBeLessThan(MAX_LINGER_MS);
  });

  it('ends: a sweep that cannot delete a server, with code 1', async () => {
    const metadata = { rollwatch: '1', vantage: 'here', run: 'old', lifetime: '0' };
    const user = await signIn(cloud);
    await user.create('rollwatch-old', { networks: 'none', metadata });
    await expect.poll(async () => (await cloud.servers()).map(({ status }) => status)).toEqual(['ACTIVE']);
    await cloud.stop('rabbitmq');
    const { code, out, lingeredMs } = await run(['sweep', '--now']);
    await cloud.start('rabbitmq');
    expect([code, out.split('\n').at(-2)]).toEqual([1, '0 servers deleted, 1 left.']);
    expect(lingeredMs).toBeLessThan(MAX_LINGER_MS);
  });
});
