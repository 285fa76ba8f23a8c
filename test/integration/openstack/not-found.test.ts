import pLimit from 'p-limit';
import { afterEach, beforeEach, expect, describe as group, it } from 'vitest';
import { deleteFloatingIp, listOwnedFloatingIps } from '../../../src/checks/resources/floating-ips.ts';
import { describeServer } from '../../../src/checks/resources/server-record.ts';
import {
  DEFAULT_DELETION_TIMING,
  newServerDeletion,
  runServerDeletion,
} from '../../../src/openstack/compute/server-deletion.ts';
import {
  novaNotFound,
  options,
  type ScriptedAnswer,
  type ScriptedCloud,
  serveScriptedCloud,
} from '../../support/scripted-cloud.ts';

const ID = '6f1d2c3b-0000-4000-8000-000000000001';
const OTHER = '6f1d2c3b-0000-4000-8000-000000000002';

/** Answers to a server id that do not come from Nova. */
const STRAY: readonly (readonly [string, ScriptedAnswer])[] = [
  ["an ingress controller's page", { status: 404, body: 'default backend - 404' }],
  ["Traefik's page", { status: 404, body: '404 page not found\n' }],
  [
    "HAProxy's page",
    { status: 404, body: '<html><body><h1>404 Not Found</h1>\nThe resource could not be found.\n</body></html>' },
  ],
  ["Envoy's empty body", { status: 404 }],
  ["a gateway's JSON", { status: 404, body: { message: 'no Route matched with those values' } }],
  ['a path that Nova does not have', novaNotFound('The resource could not be found.')],
  [
    "WebOb's page",
    {
      status: 404,
      body: {
        message: 'The resource could not be found.<br /><br />\n\n\n',
        code: '404 Not Found',
        title: 'Not Found',
      },
    },
  ],
  ['another server', novaNotFound(`Instance ${OTHER} could not be found.`)],
  ['the words with another status', { ...novaNotFound(`Instance ${ID} could not be found.`), status: 503 }],
];

let answer: ScriptedAnswer | null;
let scripted: ScriptedCloud;
beforeEach(async () => {
  answer = null;
  scripted = await serveScriptedCloud(({ path }) => (path.startsWith('/identity') ? null : answer));
});
afterEach(() => scripted.close());

const compute = () => scripted.cloud.compute(scripted.cloud.http);

group('a resource', () => {
  it.each(STRAY)('is not gone by %s', async (_name, given) => {
    answer = given;
    const { cloud } = scripted;
    expect(await compute().show(ID, options())).toMatchObject({ type: 'failed' });
    expect(await compute().delete(ID, options())).toMatchObject({ type: 'failed' });
    expect(await describeServer({ cloud, admin: null, ...options() }, ID)).toMatchObject({ type: 'failed' });
    expect(await deleteFloatingIp(cloud, ID, options())).toMatchObject({ type: 'failed' });
  });

  it.each([
    ['with its id', `Instance ${ID} could not be found.`],
    ['without an id, as to a second DELETE', 'Instance could not be found'],
  ])('is gone if Nova reports it: %s', async (_name, message) => {
    answer = novaNotFound(message);
    const { cloud } = scripted;
    expect(await compute().show(ID, options())).toMatchObject({ type: 'ok', value: null });
    expect(await compute().delete(ID, options())).toMatchObject({ type: 'ok' });
    expect(await describeServer({ cloud, admin: null, ...options() }, ID)).toMatchObject({ type: 'ok', value: null });
  });

  it('is gone if Neutron reports it', async () => {
    const type = 'FloatingIPNotFound';
    answer = {
      status: 404,
      body: { NeutronError: { type, message: `Floating IP ${ID} could not be found`, detail: '' } },
    };
    expect(await deleteFloatingIp(scripted.cloud, ID, options())).toMatchObject({ type: 'ok' });
  });
});

group('a page with status 200 or 202', () => {
  const page = '<html><body><h1>Scheduled maintenance</h1></body></html>';
  it('does not mean that an action was accepted', async () => {
    for (const status of [200, 202]) {
      answer = { status, body: page };
      const acted = await compute().performAction(ID, { pause: null }, options());
      expect(acted).toMatchObject({ type: 'failed', cause: { service: 'load-balancer' } });
      const deleted = await deleteFloatingIp(scripted.cloud, ID, options());
      expect(deleted).toMatchObject({ type: 'failed', cause: { service: 'load-balancer' } });
    }
  });
});

it('does not take an ingress without a backend for a Neutron without routers', async () => {
  const ask = () => listOwnedFloatingIps(scripted.cloud, { purpose: null, vantage: 'v', ...options() });
  answer = { status: 404, body: 'default backend - 404' };
  expect(await ask()).toMatchObject({ type: 'failed', cause: { service: 'load-balancer' } });
  answer = {
    status: 404,
    body: { message: 'The resource could not be found.<br /><br />', code: '404 Not Found', title: 'Not Found' },
  };
  expect(await ask()).toMatchObject({ type: 'ok', value: [] });
});

it('deletes a server that a 404 of an ingress has hidden', async () => {
  let left = 4;
  let deletes = 0;
  const hiding = await serveScriptedCloud(({ path, method }) => {
    if (!path.includes('/servers/')) return null;
    if (left-- > 0) return { status: 404, body: 'default backend - 404' };
    if (method === 'DELETE') deletes++;
    return deletes > 0 && method === 'GET' ? novaNotFound(`Instance ${ID} could not be found.`) : { status: 204 };
  });
  const { cloud } = hiding;
  const quiet = new AbortController().signal;
  const end = await runServerDeletion(newServerDeletion('rollwatch-1', { id: ID, since: cloud.clock.now() }), {
    ...{ compute: cloud.compute(cloud.http), clock: cloud.clock, timeouts: cloud.timeouts, limit: pLimit(1) },
    ...{
      timing: { ...DEFAULT_DELETION_TIMING, pollIntervalsMs: [10], confirmAfterMs: 10 },
      deleteTimeout: 60_000,
      urgent: quiet,
      stopped: quiet,
    },
    ...{ lookUp: async () => null, onFound: () => {}, onStuck: () => {}, turn: async () => {} },
  });
  await hiding.close();
  expect([end, deletes]).toEqual(['gone', 1]);
});
