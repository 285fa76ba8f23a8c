import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { groupsOfOurs } from '../../../src/checks/resources/security-groups.ts';
import { metadataOf } from '../../../src/domain/ownership.ts';
import { USUAL_PACE } from '../../../src/openstack/compute/server-deletion.ts';
import { createJanitor } from '../../../src/probes/janitor.ts';
import {
  novaNotFound,
  options,
  type Script,
  type ScriptedCloud,
  serveScriptedCloud,
  tokenAnswer,
} from '../../support/scripted-cloud.ts';

/** As Nova lists a server whose cell is down (microversion 2.69 and newer). */
const DOWN_CELL = {
  id: '11111111-0000-4000-8000-000000000001',
  status: 'UNKNOWN',
  tenant_id: 'p1',
  created: '2026-11-01T00:00:00Z',
  links: [],
};
const MARK = { prefix: 'rollwatch-', vantage: 'v', run: 'r', cloud: 'cloud' };
const OURS = { id: 'b', name: 'rollwatch-b', status: 'ACTIVE', metadata: metadataOf(MARK, 0) };

let servers: readonly unknown[];
let more: boolean;
let script: Script;
let scripted: ScriptedCloud;
beforeEach(async () => {
  servers = [];
  more = false;
  script = ({ method, path }) => {
    if (method === 'GET' && /\/servers(\/detail)?\?/.test(path)) {
      return { status: 200, body: { servers, ...(more ? { servers_links: [{ rel: 'next', href: 'x' }] } : {}) } };
    }
    return null;
  };
  scripted = await serveScriptedCloud((request) => script(request), { computeMicroversion: '2.79' });
});
afterEach(() => scripted.close());

const compute = () => scripted.cloud.compute(scripted.cloud.http);
const list = (detail: boolean) => compute().list({ detail, limit: 10, ...options() });

describe('a list of servers', () => {
  it.each([true, false])('is up with a server whose cell is down (detail: %s)', async (detail) => {
    servers = [OURS, DOWN_CELL];
    expect(await list(detail)).toMatchObject({ type: 'ok', value: 2 });
    servers = [DOWN_CELL];
    expect(await list(detail)).toMatchObject({ type: 'ok', value: 1 });
  });

  it.each([
    ['without a name', { id: 'x', status: 'ACTIVE' }],
    ['without an id', { name: 'x', status: 'ACTIVE' }],
    ['whose id leads elsewhere', { ...OURS, id: '../flavors/f1' }],
    ['whose metadata are none', { ...OURS, id: 'c', metadata: 7 }],
    ['that is null', null],
  ])('loses a row %s, and no other', async (_name, row) => {
    servers = [row, OURS, row];
    expect(await list(true)).toMatchObject({ type: 'ok', value: 1 });
    const named = await compute().named('rollwatch-', options());
    expect(named.type === 'ok' && named.value.map(({ id }) => id)).toEqual(['b']);
    servers = [row];
    expect(await list(true)).toMatchObject({ type: 'failed', cause: { kind: 'invalid-body' } });
  });

  it('ends where a page ends with the row that it began with', async () => {
    servers = [OURS, null];
    more = true;
    await compute().named('rollwatch-', options());
    expect(scripted.asked.filter(({ path }) => path.includes('/servers/detail'))).toHaveLength(2);
  });
});

it('sweeps what is ours beside a server whose cell is down', async () => {
  servers = [DOWN_CELL, OURS];
  let deleted = false;
  const usual = script;
  script = (request) => {
    if (request.path.endsWith('/servers/b') && request.method === 'DELETE') {
      deleted = true;
      servers = [DOWN_CELL];
    }
    return deleted && request.path.endsWith('/servers/b') && request.method === 'GET'
      ? novaNotFound('Instance b could not be found.')
      : usual(request);
  };
  const janitor = createJanitor({
    ...{ cloud: scripted.cloud, mark: MARK, deleteLimit: 60_000, maxStuck: 1, emit: () => {}, log: () => {} },
    pace: { ...USUAL_PACE, looks: [10], confirmAfter: 10 },
  });
  const scope = { vantage: null, run: null };
  const swept = await janitor.sweep({ dryRun: false, scope, limit: 10_000, signal: options().signal });
  await janitor.stop(1000);
  expect(swept.type === 'ok' && swept.value.map(({ server, gone }) => [server.id, gone])).toEqual([['b', true]]);
  expect(scripted.asked.some(({ path }) => path.includes(DOWN_CELL.id))).toBe(false);
});

it('shows a server whose cell is down as UNKNOWN', async () => {
  script = ({ path }) => (path.includes('/servers/') ? { status: 200, body: { server: DOWN_CELL } } : null);
  expect(await compute().show(DOWN_CELL.id, options())).toMatchObject({ type: 'ok', value: { status: 'UNKNOWN' } });
});

it('reads a catalog with wrong services and endpoints, and a list of groups with a wrong one', async () => {
  const description = 'rollwatch=1 purpose=brief vantage=v';
  script = ({ path }) => {
    if (path.startsWith('/identity')) {
      const { body, ...token } = tokenAnswer(scripted.url);
      if (typeof body !== 'object' || !('token' in body)) return null;
      const given = JSON.parse(JSON.stringify(body));
      given.token.catalog.unshift(
        { type: null, endpoints: [] },
        { type: 'compute', endpoints: [{ interface: 'public', url: null }] },
      );
      given.token.catalog.push({ type: 'dns' });
      return { ...token, body: given };
    }
    if (path.includes('/security-groups')) {
      return {
        status: 200,
        body: { security_groups: [{ name: 'no id' }, { id: 'g1', name: 'rollwatch', description }] },
      };
    }
    return path.includes('/servers/detail') ? { status: 200, body: { servers: [] } } : null;
  };
  expect(await list(true)).toMatchObject({ type: 'ok', value: 0 });
  expect(await groupsOfOurs(scripted.cloud, { purpose: null, vantage: 'v', ...options() })).toMatchObject({
    type: 'ok',
  });
});
