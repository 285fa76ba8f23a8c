import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listOwnedSecurityGroups } from '../../../src/checks/resources/security-groups.ts';
import { testServerMetadata } from '../../../src/domain/ownership.ts';
import { DEFAULT_DELETION_TIMING } from '../../../src/openstack/compute/server-deletion.ts';
import { createJanitor } from '../../../src/probes/janitor.ts';
import {
  novaNotFound,
  options,
  type Script,
  type ScriptedCloud,
  serveScriptedCloud,
  tokenAnswer,
} from '../../support/scripted-cloud.ts';

/** A server in a cell that is down, as Nova lists it (microversion 2.69 and newer). */
const DOWN_CELL = {
  id: '11111111-0000-4000-8000-000000000001',
  status: 'UNKNOWN',
  tenant_id: 'p1',
  created: '2026-11-01T00:00:00Z',
  links: [],
};
const MARK = { prefix: 'rollwatch-', vantage: 'v', run: 'r', cloud: 'cloud' };
const OWNED = { id: 'b', name: 'rollwatch-b', status: 'ACTIVE', metadata: testServerMetadata(MARK, 0) };

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
    servers = [OWNED, DOWN_CELL];
    expect(await list(detail)).toMatchObject({ type: 'ok', value: 2 });
    servers = [DOWN_CELL];
    expect(await list(detail)).toMatchObject({ type: 'ok', value: 1 });
  });

  it.each([
    ['without a name', { id: 'x', status: 'ACTIVE' }],
    ['without an id', { name: 'x', status: 'ACTIVE' }],
    ['with a path traversal in the id', { ...OWNED, id: '../flavors/f1' }],
    ['with invalid metadata', { ...OWNED, id: 'c', metadata: 7 }],
    ['that is null', null],
  ])('drops only a row %s', async (_name, row) => {
    servers = [row, OWNED, row];
    expect(await list(true)).toMatchObject({ type: 'ok', value: 1 });
    const named = await compute().listByPrefix('rollwatch-', options());
    expect(named.type === 'ok' && named.value.map(({ id }) => id)).toEqual(['b']);
    servers = [row];
    expect(await list(true)).toMatchObject({ type: 'failed', cause: { kind: 'invalid-body' } });
  });

  it('ends at a page whose last row repeats the marker', async () => {
    servers = [OWNED, null];
    more = true;
    await compute().listByPrefix('rollwatch-', options());
    expect(scripted.asked.filter(({ path }) => path.includes('/servers/detail'))).toHaveLength(2);
  });
});

it('sweeps test servers beside a server in a cell that is down', async () => {
  servers = [DOWN_CELL, OWNED];
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
    ...{ cloud: scripted.cloud, creator: MARK, deleteTimeout: 60_000, maxStuck: 1, emit: () => {}, log: () => {} },
    timing: { ...DEFAULT_DELETION_TIMING, pollIntervalsMs: [10], confirmAfterMs: 10 },
  });
  const scope = { vantage: null, run: null };
  const swept = await janitor.sweep({ dryRun: false, scope, timeout: 10_000, signal: options().signal });
  await janitor.stop(1000);
  expect(swept.type === 'ok' && swept.value.map(({ server, gone }) => [server.id, gone])).toEqual([['b', true]]);
  expect(scripted.asked.some(({ path }) => path.includes(DOWN_CELL.id))).toBe(false);
});

it('shows a server in a cell that is down as UNKNOWN', async () => {
  script = ({ path }) => (path.includes('/servers/') ? { status: 200, body: { server: DOWN_CELL } } : null);
  expect(await compute().show(DOWN_CELL.id, options())).toMatchObject({ type: 'ok', value: { status: 'UNKNOWN' } });
});

it('reads a catalogue and a list of groups with invalid rows', async () => {
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
  expect(await listOwnedSecurityGroups(scripted.cloud, { purpose: null, vantage: 'v', ...options() })).toMatchObject({
    type: 'ok',
  });
});
