/** How many requests the probes and the clean-up of one cloud send, by the access log of the embedded cloud. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { Sample } from '../../../src/domain/sample.ts';
import type { SamplerEvent } from '../../../src/domain/sampler-event.ts';
import type { EmbeddedCloud, FakeCloudOptions, LoggedRequest } from '../../../src/fake-openstack/cloud.ts';
import { startEmbeddedCloud } from '../../../src/fake-openstack/embedded-cloud.ts';
import { openCloud } from '../../../src/openstack/cloud.ts';
import { BACKGROUND_ADMISSION, MAX_OUTSTANDING, MAX_PER_SECOND } from '../../../src/openstack/http/request-gate.ts';
import { createJanitor } from '../../../src/probes/janitor.ts';
import { type ProbesSettings, probesOfCloud } from '../../../src/probes/registry.ts';
import { createTimeline, machineClocks } from '../../../src/sampler/clock.ts';
import { startRunner } from '../../../src/sampler/runner.ts';
import { accessTo } from '../../support/cloud-access.ts';

const afterFailure = { interval: 100, limit: 60_000 };
const paced = { enabled: true, interval: 1000, slow: 1000, afterFailure };
const TIMEOUT_MS = 5000;

/** The defaults except for the request limit. */
const SETTINGS = {
  'server-list': { ...paced, timeout: TIMEOUT_MS, detail: true, limit: 100, connections: ['new', 'reused'] },
  'server-boot': {
    ...{
      ...paced,
      afterFailure: { interval: 500, limit: 60_000 },
      activeTimeout: 15_000,
      deleteTimeout: 30_000,
      poll: 250,
    },
    ...{ requestTimeout: TIMEOUT_MS, flavor: null, image: null, network: null, volume: null, availabilityZone: null },
    ...{ namePrefix: 'rollwatch-', maxStuck: 5 },
  },
  'server-reach': { ...paced, enabled: false, timeout: 1000, banner: true, targets: [] },
  token: { ...paced, interval: 5000, timeout: TIMEOUT_MS },
} satisfies Partial<ProbesSettings>;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Watched = {
  readonly embedded: EmbeddedCloud;
  readonly samples: Sample[];
  readonly events: SamplerEvent[];
  stop(): Promise<void>;
};

async function watch(options: FakeCloudOptions = {}): Promise<Watched> {
  const embedded = await startEmbeddedCloud({ speed: 10, ...options });
  closing.push(() => embedded.close());
  const timeline = createTimeline(machineClocks, 1e9);
  const cloud = openCloud({ access: accessTo(embedded), clock: timeline, admission: BACKGROUND_ADMISSION });
  const events: SamplerEvent[] = [];
  const samples: Sample[] = [];
  const mark = { prefix: 'rollwatch-', vantage: 'here', run: 'load', cloud: 'cloud' };
  const janitor = createJanitor({
    cloud,
    creator: mark,
    deleteTimeout: 30_000,
    maxStuck: 5,
    emit: (event) => events.push({ type: 'server', event }),
    log: (level, message) => events.push({ type: 'log', level, message }),
  });
  janitor.start();
  const probes = probesOfCloud(
    cloud,
    { cloud: 'cloud', vantage: 'here' },
    {
      settings: SETTINGS,
      session: 1,
      creator: mark,
      janitor,
      admin: null,
      clock: timeline,
      onFacts: () => {},
    },
  );
  const runner = startRunner({
    probes,
    session: 1,
    timeline,
    emit: (event) => (event.type === 'sample' ? samples.push(event.sample) : events.push(event)),
    stallLimit: 1e9,
    drainTimeout: 200,
  });
  let stopped = false;
  async function stop(): Promise<void> {
    if (stopped) return;
    stopped = true;
    await runner.stop();
    await janitor.stop(5000);
    cloud.close();
  }
  closing.push(stop);
  return { embedded, samples, events, stop };
}

/** The maximum of concurrent requests, by the cloud's access log. */
function mostOutstanding(requests: readonly LoggedRequest[]): number {
  const edges = requests
    .flatMap(({ at, endedAt }) => [
      { at, change: 1 },
      { at: endedAt ?? Number.POSITIVE_INFINITY, change: -1 },
    ])
    .sort((a, b) => a.at - b.at || a.change - b.change);
  let now = 0;
  return Math.max(0, ...edges.map(({ change }) => (now += change)));
}

/** The maximum in any second. */
function mostInASecond(requests: readonly LoggedRequest[]): number {
  const sent = requests.map(({ at }) => at);
  return Math.max(0, ...sent.map((from) => sent.filter((at) => at >= from && at < from + 1000).length));
}

const authenticated = (requests: readonly LoggedRequest[]) => requests.filter((one) => one.authenticated);
const between = (requests: readonly LoggedRequest[], from: number, until: number) =>
  requests.filter(({ at }) => at >= from && at < until);

test('a healthy cloud gets the request rate that the README states', async () => {
  const { embedded, samples } = await watch({ speed: 1 });
  await delay(12_000);
  const requests = await embedded.requests();
  expect(samples.filter(({ outcome }) => outcome === 'ok').length).toBeGreaterThan(20);
  expect(mostOutstanding(authenticated(requests))).toBeLessThanOrEqual(MAX_OUTSTANDING);
  expect(mostInASecond(authenticated(requests))).toBeLessThanOrEqual(MAX_PER_SECOND);
  // Two lists, four polls of a booting server, a fifth of a token, and a few for create and delete.
  expect(authenticated(requests).length / 12, 'a second on average').toBeLessThan(9);
});

test('an API that hangs gets one list, whichever connection was first, and its recovery is seen at once', async () => {
  const { embedded, samples } = await watch();
  await delay(2500);
  const from = await embedded.setFault('nova-api', { kind: 'hang' });
  await delay(4000);
  const until = await embedded.setFault('nova-api', null);
  await delay(TIMEOUT_MS + 1500);
  const requests = await embedded.requests();
  const during = authenticated(between(requests, from, until));
  expect(mostOutstanding(authenticated(requests))).toBeLessThanOrEqual(MAX_OUTSTANDING);
  const lists = during.filter(({ path }) => path.includes('/servers/detail?limit=100'));
  expect(lists).toHaveLength(1);
  expect(during.length).toBeLessThanOrEqual(MAX_OUTSTANDING);
  for (const connection of ['new', 'reused'] as const) {
    const listed = samples.filter((one) => one.connection === connection).sort((a, b) => a.seq - b.seq);
    const failed = listed.filter(({ outcome }) => outcome === 'failed');
    expect(failed.length, 'a sample in each second of the hang').toBeGreaterThanOrEqual(3);
    expect(failed.filter(({ extra }) => extra)).toEqual([]);
    for (const { startedAt, cause } of failed) {
      expect(cause?.kind).toBe('response-timeout');
      expect(startedAt).toBeGreaterThan(from - 500);
      expect(startedAt).toBeLessThan(until);
    }
    const back = listed.find(({ outcome, startedAt }) => outcome === 'ok' && startedAt > from + 100);
    expect((back?.startedAt ?? Number.POSITIVE_INFINITY) - until, 'seen to be back').toBeLessThan(1500);
  }
});

test('a slow API gets one list at a time, whose result the other samples share', async () => {
  const { embedded, samples } = await watch();
  await delay(2500);
  const from = await embedded.setFault('nova-api', { kind: 'slow', ms: 3500 });
  await delay(6000);
  const until = await embedded.setFault('nova-api', null);
  await delay(4000);
  const sent = between(authenticated(await embedded.requests()), from, until);
  const lists = sent.filter(({ path }) => path.includes('/servers/detail?limit=100'));
  expect(mostOutstanding(lists)).toBe(1);
  expect(mostOutstanding(sent)).toBeLessThan(MAX_OUTSTANDING);
  const listed = samples.filter(
    ({ probe, startedAt }) => probe === 'server-list' && startedAt > from && startedAt < until,
  );
  expect(listed.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
  expect(listed.filter(({ outcome }) => outcome === 'ok').length).toBeGreaterThan(2 * lists.length);
});

test('a rate limit is respected, is void, and does not trigger extra samples', async () => {
  const { embedded, samples } = await watch();
  await delay(2500);
  const from = await embedded.setFault('nova-api', { kind: 'rate-limit', seconds: 3 });
  await delay(2000);
  const until = await embedded.setFault('nova-api', null);
  await delay(3000);
  const requests = await embedded.requests();
  const nova = requests.filter(({ service }) => service === 'nova-api');
  const refused = nova.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused.length).toBeLessThanOrEqual(MAX_OUTSTANDING);
  const first = refused[0]?.endedAt ?? from;
  // Requests that are already in flight may still arrive.
  expect(between(nova, first + 100, first + 2900)).toEqual([]);
  expect(samples.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
  expect(samples.some(({ cause }) => cause?.kind === 'rate-limited')).toBe(true);
  expect(samples.some(({ cause }) => cause?.kind === 'throttled')).toBe(true);
  expect(
    samples.some(({ outcome, probe, startedAt }) => probe === 'server-list' && outcome === 'ok' && startedAt > until),
  ).toBe(true);
});

test('a soft-deleted server counts as gone, is deleted once and force-deleted once', async () => {
  const { embedded, samples, stop } = await watch({ softDelete: true });
  await delay(7000);
  await stop();
  const boots = samples.filter(({ probe, outcome }) => probe === 'server-boot' && outcome !== 'void');
  expect(boots.length).toBeGreaterThan(0);
  expect(boots.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
  const requests = await embedded.requests();
  const asked = new Map<string, string[]>();
  for (const { method, path } of requests) {
    const id = /servers\/([0-9a-f-]{36})/.exec(path)?.[1];
    if (id !== undefined && method !== 'GET') asked.set(id, [...(asked.get(id) ?? []), method]);
  }
  expect(asked.size).toBeGreaterThanOrEqual(boots.length);
  for (const methods of asked.values()) expect(methods).toEqual(['DELETE', 'POST']);
  await expect.poll(() => embedded.servers(), { timeout: 5000 }).toEqual([]);
});
