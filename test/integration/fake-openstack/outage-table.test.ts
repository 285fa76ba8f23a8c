import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { EmbeddedCloud } from '../../../src/fake-openstack/cloud.ts';
import { startEmbeddedCloud } from '../../../src/fake-openstack/embedded-cloud.ts';
import type { ServiceName } from '../../../src/fake-openstack/services.ts';
import { type Answer, type CloudUser, send, serverIdOf, signIn } from '../../support/cloud-user.ts';

/** Relative to the real cloud. */
const SPEED = 20;
const COMPUTES = ['nova-compute1', 'nova-compute2', 'nova-compute3'] as const;

const novaFault = (exception: string) => ({
  computeFault: {
    code: 500,
    message: `Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log if possible.\n<class '${exception}'>`,
  },
});

const serverSchema = z.object({
  server: z.object({
    status: z.string(),
    'OS-EXT-STS:task_state': z.string().nullable(),
    fault: z.object({ message: z.string() }).optional(),
  }),
});

/** Returns e.g. 'ACTIVE/deleting', 'ERROR (MessageDeliveryFailure)' or '404'. */
function stateOf({ status, body }: Answer): string {
  const read = serverSchema.safeParse(body);
  if (!read.success) return String(status);
  const { server } = read.data;
  const task = server['OS-EXT-STS:task_state'];
  return `${server.status}${task === null ? '' : `/${task}`}${server.fault ? ` (${server.fault.message})` : ''}`;
}

let cloud: EmbeddedCloud;
afterEach(() => cloud.close());

type Scene = { readonly user: CloudUser; readonly toPause: string; readonly toDelete: string };

/** Starts a cloud with two servers, then stops the services. */
async function scene(down: readonly ServiceName[], { kill = false, later = 0 } = {}): Promise<Scene> {
  cloud = await startEmbeddedCloud({ speed: SPEED });
  const user = await signIn(cloud);
  const [toPause = '', toDelete = ''] = await Promise.all(
    ['pause', 'delete'].map(async (name) => {
      const id = serverIdOf(await user.create(name));
      await user.until(id, (answer) => stateOf(answer) === 'ACTIVE');
      return id;
    }),
  );
  await Promise.all(down.map((name) => cloud.stop(name, { kill })));
  await setTimeout((later * 1000) / SPEED);
  return { user, toPause, toDelete };
}

const get = (user: CloudUser, path: string) => user.ask('compute', `GET ${path}`);
const pause = (user: CloudUser, id: string) =>
  user.ask('compute', `POST /servers/${id}/action`, { body: { pause: null } });
const remove = (user: CloudUser, id: string) => user.ask('compute', `DELETE /servers/${id}`);
const becomes = (user: CloudUser, id: string, state: string) => user.until(id, (answer) => stateOf(answer) === state);

/** Expects the server to reach `state` and keep it for `seconds` of cloud time. */
async function stays(user: CloudUser, id: string, state: string, seconds = 4): Promise<void> {
  await becomes(user, id, state);
  await setTimeout((seconds * 1000) / SPEED);
  expect(stateOf(await user.ask('compute', `GET /servers/${id}`))).toBe(state);
}

/** Returns the statuses of read requests. */
async function reads(user: CloudUser): Promise<readonly number[]> {
  const answers = await Promise.all(['/servers', '/servers/detail', '/flavors'].map((path) => get(user, path)));
  return answers.map(({ status }) => status);
}

describe.each([{ kill: false }, { kill: true }])('while a service is stopped (%o)', ({ kill }) => {
  it('nova-api: Nova refuses connections, Keystone works', async () => {
    const { user, toDelete } = await scene(['nova-api'], { kill });
    for (const request of [get, pause, remove]) {
      await expect(request(user, toDelete)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    }
    await signIn(cloud);
    await cloud.start('nova-api');
    expect(await reads(user)).toEqual([200, 200, 200]);
  });

  it('nova-conductor: requests are accepted, and executed after its start', async () => {
    const { user, toPause, toDelete } = await scene(['nova-conductor'], { kill });
    expect(await reads(user)).toEqual([200, 200, 200]);
    const created = await user.create('meanwhile');
    expect([created.status, (await pause(user, toPause)).status, (await remove(user, toDelete)).status]).toEqual([
      202, 202, 204,
    ]);
    await stays(user, serverIdOf(created), 'BUILD/scheduling');
    await stays(user, toPause, 'ACTIVE/pausing', 0);
    await stays(user, toDelete, 'ACTIVE/deleting', 0);
    await cloud.start('nova-conductor');
    await becomes(user, serverIdOf(created), 'ACTIVE');
    await becomes(user, toPause, 'PAUSED');
    await becomes(user, toDelete, '404');
  });

  it('nova-scheduler: creates wait, pause works, a delete ends in ERROR and has to be repeated', async () => {
    const { user, toPause, toDelete } = await scene(['nova-scheduler'], { kill });
    const created = await user.create('meanwhile');
    expect([created.status, (await pause(user, toPause)).status, (await remove(user, toDelete)).status]).toEqual([
      202, 202, 204,
    ]);
    await becomes(user, toPause, 'PAUSED');
    await stays(user, serverIdOf(created), 'BUILD/scheduling');
    await becomes(user, toDelete, 'ERROR (MessageDeliveryFailure)');
    await cloud.start('nova-scheduler');
    await becomes(user, serverIdOf(created), 'ACTIVE');
    await stays(user, toDelete, 'ERROR (MessageDeliveryFailure)');
    await remove(user, toDelete);
    await becomes(user, toDelete, '404');
  });

  it('placement: creates fail with NoValidHost, a delete ends in DELETED and then ERROR', async () => {
    const { user, toPause, toDelete } = await scene(['placement'], { kill });
    const created = await user.create('meanwhile');
    expect([created.status, (await pause(user, toPause)).status, (await remove(user, toDelete)).status]).toEqual([
      202, 202, 204,
    ]);
    await becomes(user, toDelete, 'DELETED');
    await becomes(user, toDelete, 'ERROR (ConnectFailure)');
    await becomes(user, serverIdOf(created), 'ERROR (No valid host was found. )');
    await becomes(user, toPause, 'PAUSED');
    await cloud.start('placement');
    await stays(user, toDelete, 'ERROR (ConnectFailure)');
  });

  it('keystone: cached tokens work, others get a 503 page, creates fail', async () => {
    cloud = await startEmbeddedCloud({ speed: SPEED });
    const user = await signIn(cloud);
    const fresh = await signIn(cloud);
    const server = { name: 'x', flavorRef: await flavorOf(user), imageRef: await imageOf(user), networks: 'none' };
    await cloud.stop('keystone', { kill });
    expect(await reads(user)).toEqual([200, 200, 200]);
    const refused = await get(fresh, '/servers');
    expect([refused.status, refused.headers.get('content-type')]).toEqual([503, 'text/html; charset=UTF-8']);
    expect(refused.text).toContain('The Keystone service is temporarily unavailable');
    const created = await user.ask('compute', 'POST /servers', { body: { server }, microversion: '2.53' });
    expect(created.body).toEqual(novaFault('neutronclient.common.exceptions.ServiceUnavailable'));
    await expect(signIn(cloud)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    await cloud.start('keystone');
    expect((await get(fresh, '/servers')).status).toBe(200);
  });

  it('glance: creates fail, everything else works', async () => {
    cloud = await startEmbeddedCloud({ speed: SPEED });
    const user = await signIn(cloud);
    const server = { name: 'x', flavorRef: await flavorOf(user), imageRef: await imageOf(user), networks: 'none' };
    await cloud.stop('glance', { kill });
    const created = await user.ask('compute', 'POST /servers', { body: { server }, microversion: '2.53' });
    expect(created.body).toEqual(novaFault('nova.exception.GlanceConnectionFailed'));
    expect(await reads(user)).toEqual([200, 200, 200]);
  });

  it('neutron: the detail list and GET /servers/ID fail with 500 if there is a server, the plain list works', async () => {
    const { user, toPause, toDelete } = await scene(['neutron'], { kill });
    expect(await reads(user)).toEqual([200, 500, 200]);
    const failure = novaFault('keystoneauth1.exceptions.connection.ConnectFailure');
    expect((await get(user, '/servers/detail')).body).toEqual(failure);
    expect((await get(user, `/servers/${toPause}`)).body).toEqual(failure);
    const body = {
      server: { name: 'x', flavorRef: await flavorOf(user), imageRef: await imageOf(user), networks: 'none' },
    };
    expect((await user.ask('compute', 'POST /servers', { body, microversion: '2.53' })).body).toEqual(failure);
    expect([(await pause(user, toPause)).status, (await remove(user, toDelete)).status]).toEqual([202, 204]);
    const admin = await signIn(cloud, 'admin');
    expect((await get(admin, '/servers/detail')).status).toBe(200);
    await cloud.start('neutron');
    await becomes(user, toPause, 'PAUSED');
    await becomes(user, toDelete, '404');
  });

  it('mariadb: Nova answers 500 at once, Keystone closes the connection, the version document works', async () => {
    const { user, toPause, toDelete } = await scene(['mariadb'], { kill });
    const failure = novaFault('oslo_db.exception.DBConnectionError');
    for (const path of ['/servers', '/servers/detail', '/flavors', `/servers/${toPause}`]) {
      expect((await get(user, path)).body).toEqual(failure);
    }
    expect((await pause(user, toPause)).body).toEqual(failure);
    expect((await remove(user, toDelete)).body).toEqual(failure);
    await expect(signIn(cloud)).rejects.toMatchObject({ cause: { code: 'UND_ERR_SOCKET' } });
    expect((await send(`http://127.0.0.1:${cloud.ports['nova-api']}/`, 'GET')).status).toBe(200);
    await cloud.start('mariadb');
    expect(await reads(user)).toEqual([200, 200, 200]);
  });

  it('rabbitmq: requests that send messages hang and block a worker, and are executed after its start', async () => {
    const { user, toDelete } = await scene(['rabbitmq'], { kill });
    expect(await reads(user)).toEqual([200, 200, 200]);
    const signal = AbortSignal.timeout(600);
    const body = {
      server: { name: 'lost', flavorRef: await flavorOf(user), imageRef: await imageOf(user), networks: 'none' },
    };
    const create = user.ask('compute', 'POST /servers', { body, microversion: '2.53', signal });
    const deleted = user.ask('compute', `DELETE /servers/${toDelete}`, { signal });
    await setTimeout(100);
    const list = user.ask('compute', 'GET /servers', { signal });
    for (const request of [create, deleted, list])
      await expect(request).rejects.toMatchObject({ name: 'TimeoutError' });
    await cloud.start('rabbitmq');
    expect((await get(user, '/servers')).status).toBe(200);
    await becomes(user, toDelete, '404');
    const lost = (await cloud.servers()).find(({ name }) => name === 'lost');
    await becomes(user, lost?.id ?? '', 'ACTIVE');
    const down = (await cloud.injectedOutages()).filter(({ apiDown }) => apiDown);
    expect(down.map(({ kind, until }) => [kind, until !== null])).toEqual([['workers-hang', true]]);
  });

  it('memcached: everything works, more slowly', async () => {
    const { user, toDelete } = await scene(['memcached'], { kill });
    expect(await reads(user)).toEqual([200, 200, 200]);
    const id = serverIdOf(await user.create('meanwhile'));
    await becomes(user, id, 'ACTIVE');
    await remove(user, toDelete);
    await becomes(user, toDelete, '404');
  });
});

describe('while all computes are stopped', () => {
  it('for less than 60 s: creates and deletes wait, a pause is lost', async () => {
    const { user, toPause, toDelete } = await scene(COMPUTES);
    const created = await user.create('meanwhile');
    expect([created.status, (await pause(user, toPause)).status, (await remove(user, toDelete)).status]).toEqual([
      202, 202, 204,
    ]);
    await stays(user, toDelete, 'ACTIVE/deleting');
    await stays(user, toPause, 'ACTIVE/pausing', 0);
    expect(stateOf(await get(user, `/servers/${serverIdOf(created)}`))).toMatch(/^BUILD/);
    await Promise.all(COMPUTES.map((name) => cloud.start(name)));
    await becomes(user, serverIdOf(created), 'ACTIVE');
    await becomes(user, toDelete, '404');
    await stays(user, toPause, 'ACTIVE');
  });

  it('for more than 60 s: creates fail, deletes complete at once', async () => {
    const { user, toPause, toDelete } = await scene(COMPUTES, { later: 61 });
    const admin = await signIn(cloud, 'admin');
    const services = JSON.stringify((await get(admin, '/os-services')).body);
    expect(services.match(/"state":"down"/g)).toHaveLength(3);
    const created = await user.create('meanwhile');
    expect([created.status, (await pause(user, toPause)).status, (await remove(user, toDelete)).status]).toEqual([
      202, 202, 204,
    ]);
    expect(stateOf(await get(user, `/servers/${toDelete}`))).toBe('404');
    const fault = 'No valid host was found. There are not enough hosts available.';
    await becomes(user, serverIdOf(created), `ERROR (${fault})`);
    await Promise.all(COMPUTES.map((name) => cloud.start(name)));
    await becomes(user, toPause, 'ACTIVE');
    await setTimeout(5000 / SPEED);
    await becomes(user, serverIdOf(await user.create('after')), 'ACTIVE');
  });
});

const idIn = (body: unknown, key: string, name: string): string =>
  z
    .record(z.string(), z.array(z.object({ id: z.string(), name: z.string() })).catch([]))
    .parse(body)
    [key]?.find((one) => one.name === name)?.id ?? '';

const flavorOf = async (user: CloudUser) => idIn((await get(user, '/flavors')).body, 'flavors', 'm1.probe');
const imageOf = async (user: CloudUser) => idIn((await user.ask('image', 'GET /v2/images')).body, 'images', 'probe');
