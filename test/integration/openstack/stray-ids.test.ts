import { afterEach, beforeEach, expect, it } from 'vitest';
import { deleteFloatingIp } from '../../../src/checks/resources/floating-ips.ts';
import { deleteSecurityGroup } from '../../../src/checks/resources/security-groups.ts';
import { type Cloud, openCloud } from '../../../src/openstack/cloud.ts';
import { accessTo } from '../../support/cloud-access.ts';
import { type ScriptedServer, serveHttp } from '../../support/scripted-server.ts';

const STRAY = '../flavors/f1';
const clock = { now: () => performance.timeOrigin + performance.now() };
const options = () => ({ timeouts: { connect: 2000, response: 2000 }, signal: new AbortController().signal });

let server: ScriptedServer;
let cloud: Cloud;
let asked: string[];
let id: string;

/** A cloud whose servers have the given id. */
beforeEach(async () => {
  asked = [];
  id = STRAY;
  server = await serveHttp((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const endpoint = (type: string) => ({ type, endpoints: [{ interface: 'public', url: `${server.url}/${type}` }] });
    const times = { issued_at: '2026-11-25T00:00:00Z', expires_at: '2026-11-25T01:00:00Z' };
    const next = [{ rel: 'next', href: 'http://elsewhere.example/servers/detail?marker=x' }];
    const given = { id, name: 'rollwatch-1', status: 'ACTIVE' };
    const [status, body] =
      request.url === '/v3/auth/tokens'
        ? [201, { token: { ...times, catalog: ['compute', 'network'].map(endpoint), project: { id: 'p1' } } }]
        : request.method === 'POST'
          ? [202, { server: given }]
          : [
              200,
              { servers: [given], server: given, ...(request.url?.includes('marker') ? {} : { servers_links: next }) },
            ];
    response.writeHead(status, { 'Content-Type': 'application/json', 'X-Subject-Token': 't' });
    response.end(JSON.stringify(body));
  });
  cloud = openCloud({ clock, access: accessTo({ authUrl: `${server.url}/v3`, password: 'no word of an answer' }) });
});
afterEach(async () => {
  cloud.close();
  await server.close();
});

const NEW = { name: 'n', flavor: 'f', image: 'i', volume: null, networks: null, availabilityZone: null, metadata: {} };

it('an invalid id makes the answer invalid', async () => {
  const compute = cloud.compute(cloud.http);
  for (const result of [
    await compute.create(NEW, options()),
    await compute.listByPrefix('rollwatch', options()),
    await compute.list({ detail: true, limit: 10, ...options() }),
    await compute.show('s1', options()),
  ]) {
    expect(result).toMatchObject({
      type: 'failed',
      cause: { kind: 'invalid-body', message: expect.stringContaining("'../flavors/f1' is not a valid id") },
    });
  }
});

it('no request is sent for an invalid id, wherever it comes from', async () => {
  const compute = cloud.compute(cloud.http);
  for (const stray of [STRAY, '..', '.', 'a/b', '%2e%2e', 'a\\b']) {
    for (const result of [
      await compute.delete(stray, options()),
      await compute.show(stray, options()),
      await compute.performAction(stray, { pause: null }, options()),
      await deleteFloatingIp(cloud, stray, options()),
      await deleteSecurityGroup(cloud, stray, options()),
    ]) {
      if (stray === '%2e%2e') continue;
      expect(result).toMatchObject({
        type: 'failed',
        cause: { kind: 'invalid-body', message: expect.stringContaining('nothing was sent') },
      });
    }
  }
  // An id that is encoded once more can only name a server with that id.
  const paths = asked.filter((line) => !line.includes('/auth/tokens'));
  expect(new Set(paths.map((line) => line.split(' ')[1]?.replace(/^.*\/(?=[^/]*%25)/, '')))).toEqual(
    new Set(['%252e%252e', '%252e%252e/action']),
  );
});

it('the next page is requested by the id of the last server, never by the link', async () => {
  id = 'a b.c';
  const compute = cloud.compute(cloud.http);
  expect(await compute.show(id, options())).toMatchObject({ type: 'ok', value: { id } });
  expect(asked.at(-1)).toBe('GET /compute/v2.1/servers/a%20b.c');
  expect(await compute.listByPrefix('roll', options())).toMatchObject({ type: 'ok', value: [{ id }, { id }] });
  expect(asked.slice(-2)).toEqual([
    'GET /compute/v2.1/servers/detail?name=%5Eroll&limit=100',
    'GET /compute/v2.1/servers/detail?name=%5Eroll&limit=100&marker=a%20b.c',
  ]);
});
