import { afterEach, describe, expect, it } from 'vitest';
import { createJanitor } from '../../../src/probes/janitor.ts';
import { serverBoot } from '../../../src/probes/server-boot.ts';
import { novaNotFound, options, type ScriptedAnswer, serveScriptedCloud } from '../../support/scripted-cloud.ts';

const ACTIVE_TIMEOUT = 1500;

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** How Nova shows a server `elapsed` milliseconds after its create; null: an ingress without a backend answers. */
type Shown = (
  elapsed: number,
) => { readonly status: string; readonly task: string | null; readonly zone: string } | null;

const BAD_GATEWAY: ScriptedAnswer = {
  status: 502,
  body: '<html><h1>502 Bad Gateway</h1><center>nginx</center></html>',
};
const scheduling = { status: 'BUILD', task: 'scheduling', zone: '' };
const networking = { status: 'BUILD', task: 'networking', zone: 'nova' };
const spawning = { status: 'BUILD', task: 'spawning', zone: 'nova' };
const error = { status: 'ERROR', task: null, zone: 'nova' };
const active = { status: 'ACTIVE', task: null, zone: 'nova' };

async function boot(shown: Shown) {
  let createdAt: number | null = null;
  const scripted = await serveScriptedCloud(({ method, path }) => {
    const [place = ''] = path.split('?');
    if (place === '/image/v2/images') return { status: 200, body: { images: [IMAGE] } };
    if (place.endsWith('/flavors/detail')) return { status: 200, body: { flavors: [FLAVOR] } };
    if (place.endsWith('/networks')) return { status: 200, body: { networks: [NETWORK] } };
    if (place.endsWith('/servers') && method === 'POST') {
      createdAt = performance.now();
      return { status: 202, body: { server: { id: 's1' } } };
    }
    if (place.endsWith('/servers/detail')) return { status: 200, body: { servers: [] } };
    if (!place.endsWith('/servers/s1')) return null;
    if (method === 'DELETE') {
      createdAt = null;
      return { status: 204 };
    }
    if (createdAt === null) return novaNotFound('Instance s1 could not be found.');
    const now = shown(performance.now() - createdAt);
    if (now === null) return BAD_GATEWAY;
    const extended = { 'OS-EXT-STS:task_state': now.task, 'OS-EXT-AZ:availability_zone': now.zone };
    return { status: 200, body: { server: { id: 's1', name: 's1', status: now.status, ...extended } } };
  });
  const { cloud } = scripted;
  const mark = { prefix: 'rollwatch-', vantage: 'v', run: 'r', cloud: 'here' };
  const janitor = createJanitor({
    cloud,
    creator: mark,
    deleteTimeout: 1000,
    maxStuck: 1,
    emit: () => {},
    log: () => {},
  });
  const settings = {
    ...{ enabled: true, interval: 1000, slow: 1000, afterFailure: { interval: 100, limit: 60_000 } },
    ...{ flavor: null, image: null, network: null, volume: null, availabilityZone: null },
    ...{
      activeTimeout: ACTIVE_TIMEOUT,
      deleteTimeout: 2000,
      poll: 50,
      requestTimeout: 1000,
      namePrefix: 'rollwatch-',
      maxStuck: 1,
    },
  };
  const place = { cloud: 'cloud', vantage: 'v' };
  const probe = serverBoot(cloud, place, {
    settings,
    session: 1,
    creator: mark,
    janitor,
    admin: null,
    onFacts: () => {},
  });
  closing.push(async () => {
    await janitor.stop(1000);
    probe.close();
    await scripted.close();
  });
  const result = await probe.run({ signal: options().signal, clock: cloud.clock, progress: () => {} });
  if (result.outcome !== 'failed') throw new Error(`${result.outcome}: a failed boot`);
  return result.cause;
}
const IMAGE = {
  id: 'i',
  name: 'cirros',
  status: 'active',
  size: 20_000_000,
  min_disk: 0,
  min_ram: 0,
  visibility: 'public',
};
const FLAVOR = { id: 'f', name: 'm1.tiny', vcpus: 1, ram: 512, disk: 10 };
const NETWORK = { id: 'n', name: 'private', subnets: ['s'], shared: true };

describe('a boot that is late', () => {
  it('in scheduling until just before the timeout is not attributed to Neutron', async () => {
    const cause = await boot((elapsed) => (elapsed < 1200 ? scheduling : networking));
    expect([cause.kind, cause.service]).toEqual(['spin-up-timeout', 'nova']);
    expect(cause.message).toMatch(
      /^BUILD\/networking after 1.5 s \(accepted after 0\.\d s, 1\.\d s in scheduling, 0\.\d s in networking\): no host was/,
    );
  });

  it('in networking for most of the time is attributed to Neutron', async () => {
    const cause = await boot((elapsed) => (elapsed < 200 ? scheduling : elapsed < 1300 ? networking : spawning));
    expect([cause.kind, cause.service]).toEqual(['spin-up-timeout', 'neutron']);
  });

  it('with a host selected is attributed to nova-compute', async () => {
    const cause = await boot(() => ({ ...scheduling, zone: 'nova' }));
    expect([cause.kind, cause.service]).toEqual(['spin-up-timeout', 'nova-compute']);
    expect(cause.message).toContain('with a host chosen');
  });

  it('in spawning for most of the time is not attributed to the load balancer that answered last', async () => {
    const cause = await boot((elapsed) => (elapsed < 1250 ? spawning : null));
    expect([cause.kind, cause.service]).toEqual(['spin-up-timeout', 'nova-compute']);
  });

  it('that could not be polled for most of the time is attributed to the load balancer that answered', async () => {
    const cause = await boot((elapsed) => (elapsed < 300 ? spawning : null));
    expect([cause.kind, cause.service]).toEqual(['spin-up-timeout', 'load-balancer']);
    expect(cause.message).toMatch(/^not seen ACTIVE within 1.5 s \(.* without an answer\); last poll: /);
  });
});

describe('a server in ERROR without a fault', () => {
  it('is attributed to nova-compute, and its end is reported', async () => {
    const cause = await boot((elapsed) => (elapsed < 200 ? spawning : elapsed < 700 ? error : active));
    expect([cause.kind, cause.service]).toEqual(['server-error', 'nova-compute']);
    expect(cause.message).toMatch(/^ERROR without a fault; ACTIVE \d\.\d s later$/);
  });

  it('may stay in ERROR', async () => {
    const cause = await boot((elapsed) => (elapsed < 200 ? spawning : error));
    expect(cause.message).toMatch(/^ERROR without a fault; still ERROR 1\.\d s later$/);
  });
});
