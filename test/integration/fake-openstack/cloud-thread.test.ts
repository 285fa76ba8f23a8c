import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Refusal } from '../../../src/domain/user-error.ts';
import type { EmbeddedCloud } from '../../../src/fake-openstack/cloud.ts';
import { startEmbeddedCloud } from '../../../src/fake-openstack/embedded-cloud.ts';
import type { UpgradeStep } from '../../../src/fake-openstack/faults/rolling-upgrade.ts';
import { moment } from '../../../src/fake-openstack/moment.ts';
import { startCloudThread } from '../../../src/fake-openstack/start-worker.ts';
import { send, serverIdOf, signIn } from '../../support/cloud-user.ts';

describe('a cloud in a thread of its own', () => {
  let cloud: EmbeddedCloud;
  beforeAll(async () => {
    cloud = await startCloudThread({ speed: 50, password: 'secret' });
  });
  afterAll(() => cloud.close());

  it('serves, and tells of its servers', async () => {
    const user = await signIn(cloud);
    const id = serverIdOf(await user.create('one', { metadata: { run: '7' } }));
    await user.until(id, (_answer, status) => status === 'ACTIVE');
    const [server] = await cloud.servers();
    expect(server).toMatchObject({ id, name: 'one', status: 'ACTIVE', taskState: null, metadata: { run: '7' } });
    expect(server?.host).toMatch(/^compute[123]$/);
    await user.remove(id);
    expect(await cloud.servers()).toEqual([]);
  });

  it('writes a clouds.yaml for its two users', () => {
    const auth = {
      auth_url: cloud.authUrl,
      password: 'secret',
      user_domain_name: 'Default',
      project_domain_name: 'Default',
    };
    const common = { region_name: 'RegionOne', interface: 'public', identity_api_version: 3 };
    expect(parse(cloud.cloudsYaml())).toEqual({
      clouds: {
        embedded: { auth: { ...auth, username: 'probe', project_name: 'probe' }, ...common },
        'embedded-admin': { auth: { ...auth, username: 'admin', project_name: 'admin' }, ...common },
      },
    });
  });

  it('sets and lifts faults at moments of the same clock as ours', async () => {
    const before = moment();
    const from = await cloud.setFault('nova-api', { kind: 'refuse' });
    const until = await cloud.setFault('nova-api', null);
    const after = moment();
    // Two threads' clocks have the same origin to a fraction of a millisecond.
    expect(from).toBeGreaterThan(before - 1);
    expect(until).toBeGreaterThanOrEqual(from);
    expect(until).toBeLessThan(after + 1);
    expect(await cloud.truth()).toEqual([
      { what: 'nova-api: refuse', service: 'nova-api', kind: 'refuse', from, until, apiDown: true },
    ]);
  });

  it('goes on while our thread is busy: a request is answered by the time that we look', async () => {
    const stopped = cloud.stop('mariadb');
    const end = performance.now() + 200;
    while (performance.now() < end);
    const at = await stopped;
    // Told before we were busy, done while we were: at 50 times the speed it takes 10 ms.
    expect(moment() - at).toBeGreaterThan(50);
    await cloud.start('mariadb');
  });

  it('tells each step of a rolling upgrade as it is taken, and ends it when told to', async () => {
    const stop = new AbortController();
    const steps: UpgradeStep[] = [];
    const upgrade = cloud.rollingUpgrade({
      scale: 0.01,
      signal: stop.signal,
      onStep: (step) => {
        steps.push(step);
        if (step.step === 'check') stop.abort();
      },
    });
    await expect(upgrade).rejects.toThrow('aborted');
    expect(steps.slice(0, 2)).toMatchObject([
      { step: 'expand', name: 'nova-manage api_db sync', edge: 'start' },
      { step: 'expand', name: 'nova-manage api_db sync', edge: 'end' },
    ]);
  });

  it('refuses a port that is taken, in one line', async () => {
    const port = cloud.ports.keystone;
    const refused = startCloudThread({ ports: { keystone: port } });
    await expect(refused).rejects.toBeInstanceOf(Refusal);
    await expect(refused).rejects.toThrow(
      `port ${port} of 127.0.0.1, for keystone, is in use: choose another one, or 0 for any`,
    );
  });

  it('ends its thread when it is closed, and refuses orders then', async () => {
    const other = await startCloudThread();
    await other.close();
    await expect(signIn(other)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    await expect(other.truth()).rejects.toThrow('the cloud is closed');
  });
});

describe('the control listener', () => {
  let cloud: EmbeddedCloud;
  beforeAll(async () => {
    cloud = await startEmbeddedCloud({ speed: 100 });
  });
  afterAll(() => cloud.close());

  const tell = (path: string, body: unknown = {}) => send(`${cloud.controlUrl}${path}`, 'POST', { body });
  const asked = (path: string) => send(`${cloud.controlUrl}${path}`, 'GET');

  it('stops, starts, restarts and hups, and tells the moment', async () => {
    for (const [path, body] of [
      ['/stop', { service: 'nova-api', kill: true }],
      ['/start', { service: 'nova-api' }],
      ['/restart', { service: 'nova-conductor' }],
      ['/hup', { service: 'nova-scheduler' }],
    ] as const) {
      expect(await tell(path, body)).toMatchObject({ status: 200, body: { at: expect.any(Number) } });
    }
    const { body } = await asked('/truth');
    expect(body).toMatchObject([
      { service: 'nova-api', kind: 'killed', apiDown: true },
      { service: 'nova-api', kind: 'loading', apiDown: false },
      { service: 'nova-conductor', kind: 'stopped', apiDown: false },
      { service: 'nova-conductor', kind: 'loading' },
      { service: 'nova-scheduler', kind: 'hup' },
    ]);
  });

  it('sets faults and lifts them', async () => {
    await tell('/fault', { service: 'nova-api', fault: 'slow', ms: 5 });
    await tell('/fault', { service: 'nova-api', fault: 'lb-503' });
    expect((await send(`http://127.0.0.1:${cloud.ports['nova-api']}/`, 'GET')).status).toBe(503);
    await tell('/fault', { service: 'nova-api', fault: null });
    expect((await send(`http://127.0.0.1:${cloud.ports['nova-api']}/`, 'GET')).status).toBe(200);
  });

  it('tells what is up, and what servers there are', async () => {
    await tell('/stop', { service: 'glance' });
    const { body } = await asked('/status');
    expect(body).toContainEqual({ service: 'glance', state: 'down', since: expect.any(Number) });
    await tell('/start', { service: 'glance' });
    expect((await asked('/servers')).body).toEqual([]);
  });

  it('sets quota and the lifetime of tokens', async () => {
    expect((await tell('/quota', { instances: 0 })).status).toBe(200);
    const user = await signIn(cloud);
    expect((await user.create('beyond')).status).toBe(403);
    await tell('/quota', { instances: 10 });
    await tell('/token-lifetime', { seconds: 0.2 });
    const short = await signIn(cloud);
    expect((await short.ask('compute', 'GET /servers')).status).toBe(200);
    await setTimeout(250);
    expect((await short.ask('compute', 'GET /servers')).status).toBe(401);
    await tell('/token-lifetime', { seconds: 3600 });
  });

  it('rehearses the upgrade, a line for each start and end, one at a time', async () => {
    const first = tell('/rolling-upgrade', { scale: 0.02 });
    await setTimeout(50);
    expect(await tell('/rolling-upgrade')).toMatchObject({
      status: 409,
      body: { error: 'a rolling upgrade is under way' },
    });
    const lines = (await first).text.trim().split('\n');
    expect(lines).toHaveLength(46);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ step: 'expand', edge: 'start' });
  });

  it('says what is wrong with an order', async () => {
    expect(await tell('/stop', { service: 'nova' })).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('service') },
    });
    expect((await tell('/fault', { service: 'nova-api', fault: 'slow' })).status).toBe(400);
    expect((await tell('/fly')).status).toBe(404);
    expect((await send(`${cloud.controlUrl}/stop`, 'POST', { body: '[' })).status).toBe(400);
  });
});
