import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { UserError } from '../../../src/domain/errors.ts';
import { now } from '../../../src/fake-openstack/clock.ts';
import type { EmbeddedCloud } from '../../../src/fake-openstack/cloud.ts';
import { startEmbeddedCloud } from '../../../src/fake-openstack/embedded-cloud.ts';
import type { UpgradeStep } from '../../../src/fake-openstack/faults/rolling-upgrade.ts';
import { startCloudWorker } from '../../../src/fake-openstack/start-worker.ts';
import { send, serverIdOf, signIn } from '../../support/cloud-user.ts';

describe('an embedded cloud in a worker thread', () => {
  let cloud: EmbeddedCloud;
  beforeAll(async () => {
    cloud = await startCloudWorker({ speed: 50, password: 'secret' });
  });
  afterAll(() => cloud.close());

  it('serves its API and lists its servers', async () => {
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

  it('sets and removes faults at times that match the clock of the main thread', async () => {
    const before = now();
    const from = await cloud.setFault('nova-api', { kind: 'refuse' });
    const until = await cloud.setFault('nova-api', null);
    const after = now();
    // The clocks of two threads agree to a fraction of a millisecond.
    expect(from).toBeGreaterThan(before - 1);
    expect(until).toBeGreaterThanOrEqual(from);
    expect(until).toBeLessThan(after + 1);
    expect(await cloud.injectedOutages()).toEqual([
      { what: 'nova-api: refuse', service: 'nova-api', kind: 'refuse', from, until, apiDown: true },
    ]);
  });

  it('executes commands while the main thread is busy', async () => {
    const stopped = cloud.stop('mariadb');
    const end = performance.now() + 200;
    while (performance.now() < end);
    const at = await stopped;
    // The command was sent before the busy loop and takes 10 ms at 50 times the speed.
    expect(now() - at).toBeGreaterThan(50);
    await cloud.start('mariadb');
  });

  it('reports each step of a rolling upgrade as it happens, and aborts the upgrade on a signal', async () => {
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

  it('rejects with a user error if a port is in use', async () => {
    const port = cloud.ports.keystone;
    const refused = startCloudWorker({ ports: { keystone: port } });
    await expect(refused).rejects.toBeInstanceOf(UserError);
    await expect(refused).rejects.toThrow(
      `port ${port} on 127.0.0.1 (keystone) is in use; choose another one, or 0 for any free port`,
    );
  });

  it('ends its thread when closed, and rejects further commands', async () => {
    const other = await startCloudWorker();
    await other.close();
    await expect(signIn(other)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    await expect(other.injectedOutages()).rejects.toThrow('the embedded cloud was closed');
  });
});

describe('the control server', () => {
  let cloud: EmbeddedCloud;
  beforeAll(async () => {
    cloud = await startEmbeddedCloud({ speed: 100 });
  });
  afterAll(() => cloud.close());

  const post = (path: string, body: unknown = {}) => send(`${cloud.controlUrl}${path}`, 'POST', { body });
  const get = (path: string) => send(`${cloud.controlUrl}${path}`, 'GET');

  it('stops, starts, restarts and reloads services, and responds with the time', async () => {
    for (const [path, body] of [
      ['/stop', { service: 'nova-api', kill: true }],
      ['/start', { service: 'nova-api' }],
      ['/restart', { service: 'nova-conductor' }],
      ['/hup', { service: 'nova-scheduler' }],
    ] as const) {
      expect(await post(path, body)).toMatchObject({ status: 200, body: { at: expect.any(Number) } });
    }
    const { body } = await get('/truth');
    expect(body).toMatchObject([
      { service: 'nova-api', kind: 'killed', apiDown: true },
      { service: 'nova-api', kind: 'loading', apiDown: false },
      { service: 'nova-conductor', kind: 'stopped', apiDown: false },
      { service: 'nova-conductor', kind: 'loading' },
      { service: 'nova-scheduler', kind: 'hup' },
    ]);
  });

  it('sets and removes faults', async () => {
    await post('/fault', { service: 'nova-api', fault: 'slow', ms: 5 });
    await post('/fault', { service: 'nova-api', fault: 'lb-503' });
    expect((await send(`http://127.0.0.1:${cloud.ports['nova-api']}/`, 'GET')).status).toBe(503);
    await post('/fault', { service: 'nova-api', fault: null });
    expect((await send(`http://127.0.0.1:${cloud.ports['nova-api']}/`, 'GET')).status).toBe(200);
  });

  it('lists the state of services, and the servers', async () => {
    await post('/stop', { service: 'glance' });
    const { body } = await get('/status');
    expect(body).toContainEqual({ service: 'glance', state: 'down', since: expect.any(Number) });
    await post('/start', { service: 'glance' });
    expect((await get('/servers')).body).toEqual([]);
  });

  it('sets the quota and the token lifetime', async () => {
    expect((await post('/quota', { instances: 0 })).status).toBe(200);
    const user = await signIn(cloud);
    expect((await user.create('beyond')).status).toBe(403);
    await post('/quota', { instances: 10 });
    await post('/token-lifetime', { seconds: 0.2 });
    const short = await signIn(cloud);
    expect((await short.ask('compute', 'GET /servers')).status).toBe(200);
    await setTimeout(250);
    expect((await short.ask('compute', 'GET /servers')).status).toBe(401);
    await post('/token-lifetime', { seconds: 3600 });
  });

  it('runs one rolling upgrade at a time, with a JSON line for each start and end', async () => {
    const first = post('/rolling-upgrade', { scale: 0.02 });
    await setTimeout(50);
    expect(await post('/rolling-upgrade')).toMatchObject({
      status: 409,
      body: { error: 'a rolling upgrade is already running' },
    });
    const lines = (await first).text.trim().split('\n');
    expect(lines).toHaveLength(46);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ step: 'expand', edge: 'start' });
  });

  it('responds with an error to invalid commands', async () => {
    expect(await post('/stop', { service: 'nova' })).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining('service') },
    });
    expect((await post('/fault', { service: 'nova-api', fault: 'slow' })).status).toBe(400);
    expect((await post('/fly')).status).toBe(404);
    expect((await send(`${cloud.controlUrl}/stop`, 'POST', { body: '[' })).status).toBe(400);
  });
});
