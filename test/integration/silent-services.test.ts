/** Nova shows a dead nova-compute as up for another minute; `check` finds it by the age of its last report. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { checkHosts } from '../../src/checks/hosts/hosts.ts';
import { readMicroversions } from '../../src/checks/services/microversions.ts';
import { checkServices, readServices, silentFor } from '../../src/checks/services/services.ts';
import type { Check } from '../../src/domain/check.ts';
import type { EmbeddedCloud } from '../../src/fake-openstack/cloud.ts';
import { startEmbeddedCloud } from '../../src/fake-openstack/embedded-cloud.ts';
import { type Cloud, openCloud } from '../../src/openstack/cloud.ts';
import { chooseBootCandidate } from '../../src/openstack/compute/boot-candidates.ts';
import { accessTo } from '../support/cloud-access.ts';

const { signal } = new AbortController();
const REPORT_INTERVAL = 10_000;

let embedded: EmbeddedCloud;
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  embedded = await startEmbeddedCloud({ speed: 4 });
});
afterAll(() => embedded.close());
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** As an administrator sees it whose clock is this many milliseconds late. */
function open(late = 0): Cloud {
  const clock = { now: () => performance.timeOrigin + performance.now() - late };
  const cloud = openCloud({ access: accessTo(embedded, 'admin'), clock });
  closing.push(() => cloud.close());
  return cloud;
}

async function servicesOf(cloud: Cloud) {
  const read = await readServices(cloud, { timeouts: cloud.timeouts, signal });
  if (read.type !== 'ok') throw new Error(read.cause.message);
  const { services, cloudNow } = read.value;
  return { services, clock: { cloudNow, reportInterval: REPORT_INTERVAL } };
}

async function kill(compute: 'nova-compute2' | 'nova-compute3') {
  await embedded.stop(compute, { kill: true });
  closing.push(() => embedded.start(compute));
}

it('a service that no longer reports is named while Nova calls it up, by the clock of the cloud', async () => {
  const cloud = open(3_600_000);
  const before = (await servicesOf(cloud)).services;
  await kill('nova-compute2');
  let { services, clock } = await servicesOf(cloud);
  while (services.every((one) => one.up && silentFor(one, clock) === null)) {
    await delay(100);
    ({ services, clock } = await servicesOf(cloud));
  }
  expect(services.every(({ up }) => up)).toBe(true);
  const failed = checkServices(services, before, clock).filter(({ status }) => status === 'fail');
  expect(failed.map(({ name, detail }) => `${name}: ${detail.replace(/\d+ s old/, 'N s old')}`)).toEqual([
    'services: nova-compute: 2 of 3 up; 3 up before: no recent report from nova-compute on compute2',
    'services: nova-compute on compute2: Nova still shows it as up, but its last report is N s old (interval 10 s): it hangs or has died, see its log',
  ]);
});

it('a host whose nova-compute dies before it takes a server is named without waiting for the boot', {
  timeout: 120_000,
}, async () => {
  const cloud = open();
  const given = { timeouts: cloud.timeouts, signal };
  const choice = await chooseBootCandidate(cloud, { flavor: null, image: null, network: null, volume: null }, given);
  if (choice.type !== 'ok') throw new Error(choice.cause.message);
  await kill('nova-compute3');
  const { services, clock } = await servicesOf(cloud);
  expect(services.filter((one) => silentFor(one, clock) !== null)).toEqual([]);
  const checks: Check[] = [];
  const begun = performance.now();
  let toldAfter = Number.POSITIVE_INFINITY;
  const onCheck = (one: Check) => {
    checks.push(one);
    if (one.status !== 'fail') return;
    toldAfter = performance.now() - begun;
    // Afterwards the server can be deleted.
    void embedded.start('nova-compute3');
  };
  const steps: string[] = [];
  const onProgress = (step: string) => steps.push(step);
  await checkHosts(
    { ...given, admin: cloud, vantage: 'here', choice: choice.value, before: services, clock, onCheck, onProgress },
    services,
  );
  // The dead host is named as long as it is waited for.
  expect(steps).toContain('hosts: 0 of 3 checked, now compute1, compute2, compute3');
  expect(steps).toContain('hosts: 2 of 3 checked, now compute3');
  expect(steps.at(-1)).toBe('hosts: 3 of 3 checked');
  // A boot may take two minutes.
  expect(toldAfter).toBeLessThan(60_000);
  expect(checks.map(({ name, status }) => `${name} ${status}`).toSorted()).toEqual([
    'hosts: compute1 pass',
    'hosts: compute2 pass',
    'hosts: compute3 fail',
  ]);
  expect(checks.find(({ status }) => status === 'fail')?.detail).toMatch(
    /^nova-compute (has not reported for \d+ s, although Nova still shows it as up|went down while)/,
  );
  expect(await embedded.servers()).toEqual([]);
});

it('the microversion is read without a token, from where all versions are listed', async () => {
  const cloud = open();
  await servicesOf(cloud);
  expect(await readMicroversions(cloud, { timeouts: cloud.timeouts, signal })).toEqual({ ok: true, found: ['2.93'] });
});
