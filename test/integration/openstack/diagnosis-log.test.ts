/** A diagnosis logs each request that it sends, with what it came to. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { EmbeddedCloud } from '../../../src/fake-openstack/cloud.ts';
import { startEmbeddedCloud } from '../../../src/fake-openstack/embedded-cloud.ts';
import { type Cloud, openCloud } from '../../../src/openstack/cloud.ts';
import { createStuckBuild } from '../../../src/openstack/diagnosis/stuck-build.ts';
import { accessTo } from '../../support/cloud-access.ts';

const clock = { now: () => performance.timeOrigin + performance.now() };
const timeouts = { connect: 1000, response: 1000 };
const { signal } = new AbortController();

let embedded: EmbeddedCloud;
let cloud: Cloud;
const logged: string[] = [];

beforeAll(async () => {
  embedded = await startEmbeddedCloud({ speed: 10 });
  cloud = openCloud({ access: accessTo(embedded, 'admin'), clock, debug: (message) => logged.push(message) });
  await cloud.compute(cloud.http).list({ detail: true, limit: 1, timeouts, signal });
});
afterAll(async () => {
  cloud.close();
  await embedded.close();
});

const takeLogged = (): readonly string[] => logged.splice(0).map((line) => line.replace(/\(\d+ ms\)/, '(N ms)'));

it('logs the request to each dependency, and the reason of one that fails', async () => {
  await cloud.dependencies.learn(signal);
  expect(takeLogged().toSorted()).toEqual([
    'diagnosis: version document of glance: HTTP 300 (N ms)',
    'diagnosis: version document of keystone: HTTP 200 (N ms)',
    'diagnosis: version document of neutron: HTTP 200 (N ms)',
    'diagnosis: version document of placement: HTTP 200 (N ms)',
  ]);
  await embedded.setFault('neutron', { kind: 'refuse' });
  expect(await cloud.dependencies.findSilent(signal, ['neutron'])).toBe('neutron');
  expect(takeLogged()).toEqual([
    expect.stringMatching(/^diagnosis: version document of neutron: connection-refused: .+ \(N ms\)$/),
  ]);
  await embedded.setFault('neutron', null);
});

it('logs the list by which a write that hangs is explained', async () => {
  const cause = { kind: 'response-timeout', service: 'nova-api', message: 'no answer' } as const;
  await cloud.dependencies.attributeWriteTimeout(cause, clock.now() + 60_000, signal);
  expect(takeLogged()).toContain('diagnosis: GET /servers/detail?limit=1 to nova-api: ok (N ms)');
});

it('logs what it reads about a build that is stuck', async () => {
  await createStuckBuild(cloud, cloud).readReports(clock.now(), signal);
  expect(takeLogged()).toEqual(['diagnosis: GET /os-services to nova-api: ok (N ms)']);
});
