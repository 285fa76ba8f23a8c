/** The age of a server by the cloud's own clock, whatever the local clock and those of its hosts show. */

import { afterEach, expect, it } from 'vitest';
import { testServerMetadata } from '../../../src/domain/ownership.ts';
import { openCloud } from '../../../src/openstack/cloud.ts';
import { createJanitor } from '../../../src/probes/janitor.ts';
import { accessTo } from '../../support/cloud-access.ts';
import { options, type ScriptedCloud, serveScriptedCloud, tokenAnswer } from '../../support/scripted-cloud.ts';

const HOUR = 3_600_000;
const MARK = { prefix: 'rollwatch-', vantage: 'v', run: 'r', cloud: 'c' };
const LIFETIME = 60_000;
const NOW = Date.parse('2026-11-25T12:00:00Z');

let scripted: ScriptedCloud | null = null;
afterEach(() => scripted?.close());

const iso = (at: number) => new Date(at).toISOString();

type Clocks = {
  /** Clocks of Nova's `Date`, Keystone's `issued_at` and this host; null if Nova sends no `Date`. */
  readonly nova: number | null;
  readonly keystone: number;
  readonly local: number;
};

/** For how many seconds a server of this age at `NOW` may be needed. */
async function neededFor(age: number, { nova, keystone, local }: Clocks): Promise<number | undefined> {
  const made = { id: 'x', name: 'rollwatch-x', status: 'ACTIVE', metadata: testServerMetadata(MARK, LIFETIME) };
  const served = await serveScriptedCloud(({ path }) => {
    if (path.endsWith('/auth/tokens')) {
      const answer = tokenAnswer(served.url);
      const token = { issued_at: iso(keystone), expires_at: iso(keystone + HOUR) };
      const given = typeof answer.body === 'object' && 'token' in answer.body ? answer.body.token : {};
      return { ...answer, body: { token: { ...Object(given), ...token } } };
    }
    if (!path.includes('/servers/detail')) return null;
    const date = nova === null ? 'none' : new Date(nova).toUTCString();
    return { status: 200, headers: { Date: date }, body: { servers: [{ ...made, created: iso(NOW - age) }] } };
  });
  scripted = served;
  const access = accessTo({ authUrl: `${served.url}/identity/v3`, password: 'lovelace' });
  const started = performance.now();
  const cloud = openCloud({ access, clock: { now: () => local + (performance.now() - started) } });
  const janitor = createJanitor({
    ...{ cloud, creator: MARK, deleteTimeout: 1000, maxStuck: 1, emit: () => {}, log: () => {} },
  });
  const scope = { vantage: null, run: null };
  const swept = await janitor.sweep({ dryRun: true, scope, timeout: 1000, signal: options().signal });
  await janitor.stop(0);
  cloud.close();
  const [only] = swept.type === 'ok' ? swept.value : [];
  return only === undefined ? undefined : Math.round(only.neededFor / 10_000) * 10;
}

const right = { nova: NOW, keystone: NOW, local: NOW };
it.each([
  ['all clocks agree', right, 10_000, 50],
  ['all clocks agree', right, 120_000, 0],
  ['the local clock is fast', { ...right, local: NOW + HOUR }, 10_000, 50],
  ['the local clock is slow', { ...right, local: NOW - HOUR }, 120_000, 0],
  ['Nova sends no Date', { ...right, nova: null }, 10_000, 50],
  ['Nova sends no Date', { ...right, nova: null }, 120_000, 0],
  ['who answers for Nova is fast', { ...right, nova: NOW + HOUR }, 10_000, 50],
  ['Keystone is fast', { ...right, keystone: NOW + HOUR }, 10_000, 50],
  ['who answers for Nova is slow: caution', { ...right, nova: NOW - HOUR }, 120_000, 60],
])('if %s, the age of a server decides how long it is needed', async (_what, clocks, age, seconds) => {
  expect(await neededFor(age, clocks)).toBe(seconds);
});
