import { setTimeout } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { now } from '../../../src/fake-openstack/clock.ts';
import type { EmbeddedCloud } from '../../../src/fake-openstack/cloud.ts';
import { startEmbeddedCloud } from '../../../src/fake-openstack/embedded-cloud.ts';
import type { UpgradeStep } from '../../../src/fake-openstack/faults/rolling-upgrade.ts';
import { signIn } from '../../support/cloud-user.ts';

let cloud: EmbeddedCloud;
afterEach(() => cloud.close());

it('runs the documented steps in order, each with a start and an end', async () => {
  cloud = await startEmbeddedCloud();
  const steps: UpgradeStep[] = [];
  await cloud.rollingUpgrade({ scale: 0.02, onStep: (step) => steps.push(step) });
  expect(steps.filter(({ edge }) => edge === 'start').map(({ step, name }) => `${step}: ${name}`)).toEqual([
    'expand: nova-manage api_db sync',
    'expand: nova-manage db sync',
    'check: nova-status upgrade check',
    'stop-control: stop nova-api (the API is down from here)',
    'stop-control: stop nova-conductor',
    'stop-control: stop nova-scheduler',
    'start-control: start nova-conductor',
    'start-control: start nova-scheduler',
    'start-control: start nova-api (the API is up from here)',
    'computes: stop nova-compute1',
    'computes: start nova-compute1',
    'computes: stop nova-compute2',
    'computes: start nova-compute2',
    'computes: stop nova-compute3',
    'computes: start nova-compute3',
    'hup: SIGHUP nova-conductor',
    'hup: SIGHUP nova-scheduler',
    'hup: SIGHUP nova-api',
    'hup: SIGHUP nova-compute1',
    'hup: SIGHUP nova-compute2',
    'hup: SIGHUP nova-compute3',
    'hup: wait until the API answers',
    'online-data: nova-manage db online_data_migrations',
  ]);
  expect(steps.map(({ edge }) => edge)).toEqual(steps.map((_step, index) => (index % 2 === 0 ? 'start' : 'end')));
  expect(steps.map(({ at }) => at)).toEqual(steps.map(({ at }) => at).toSorted((a, b) => a - b));
  expect((await cloud.status()).every(({ state }) => state === 'up')).toBe(true);
});

it('breaks the server list once, from the stop of nova-api to its start, as in the outage log', async () => {
  cloud = await startEmbeddedCloud({ speed: 20 });
  const user = await signIn(cloud);
  const samples: { at: number; ok: boolean }[] = [];
  const steps: UpgradeStep[] = [];
  const upgrade = cloud.rollingUpgrade({ scale: 0.5, onStep: (step) => steps.push(step) }).then(() => 'done');
  for (;;) {
    const at = now();
    const ok = await user.ask('compute', 'GET /servers/detail').then(
      ({ status }) => status === 200,
      () => false,
    );
    samples.push({ at, ok });
    if ((await Promise.race([upgrade, setTimeout(3, 'running')])) === 'done') break;
    // The rest of the upgrade takes long and has no outage.
    if (steps.some(({ step, edge }) => step === 'computes' && edge === 'end')) break;
  }
  const [down, ...more] = (await cloud.injectedOutages()).filter(({ apiDown }) => apiDown);
  expect(more).toEqual([]);
  const until = down?.until ?? 0;
  const from = down?.from ?? 0;
  const stop = steps.filter(({ name }) => name.startsWith('stop nova-api')).map(({ at }) => at);
  expect(stop[0]).toBeLessThanOrEqual(from);
  expect(stop[1]).toBeGreaterThanOrEqual(from);
  const failed = samples.filter(({ ok }) => !ok).map(({ at }) => at);
  expect(failed.length).toBeGreaterThan(3);
  expect(samples.filter(({ at, ok }) => ok && at > from && at < until)).toEqual([]);
  // A request that was in flight when the port closed may have failed, too.
  expect(failed.filter((at) => at < from - 50 || at > until)).toEqual([]);
});

it('rejects with an AbortError when the signal aborts', async () => {
  cloud = await startEmbeddedCloud();
  const stop = new AbortController();
  const upgrade = cloud.rollingUpgrade({ scale: 0.1, signal: stop.signal });
  await setTimeout(20);
  stop.abort();
  await expect(upgrade).rejects.toMatchObject({ name: 'AbortError' });
  expect((await cloud.status()).every(({ state }) => state === 'up')).toBe(true);
});

it('slows lists down during the schema expansion, but none fails', async () => {
  cloud = await startEmbeddedCloud({ speed: 10 });
  const user = await signIn(cloud);
  await user.ask('compute', 'GET /servers/detail');
  const stop = new AbortController();
  const upgrade = cloud.rollingUpgrade({ scale: 0.2, signal: stop.signal });
  const sent = performance.now();
  expect((await user.ask('compute', 'GET /servers/detail')).status).toBe(200);
  // 0.3 s at 10 times the speed.
  expect(performance.now() - sent).toBeGreaterThan(32);
  stop.abort();
  await expect(upgrade).rejects.toMatchObject({ name: 'AbortError' });
  expect((await cloud.injectedOutages()).map(({ kind, apiDown }) => [kind, apiDown])).toEqual([
    ['slow-database', false],
  ]);
});
