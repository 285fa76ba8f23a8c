/** Keystone rejects credentials for a moment, as it does while its nodes have different fernet keys. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { openCloud } from '../../../src/openstack/cloud.ts';
import { serverList } from '../../../src/probes/server-list.ts';
import { token } from '../../../src/probes/token.ts';
import { accessTo } from '../../support/cloud-access.ts';
import { serveHttp } from '../../support/scripted-server.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

test('a token request skipped after a rejection makes samples void, not failed, for lists too', async () => {
  let asked = 0;
  const server = await serveHttp((_request, response) => {
    asked++;
    response.writeHead(401, { 'Content-Type': 'application/json' });
    response.end('{"error": {"code": 401, "message": "The request you have made requires authentication."}}');
  });
  closing.push(() => server.close());
  const state = { late: 0 };
  const clock = { now: () => performance.timeOrigin + performance.now() + state.late };
  const cloud = openCloud({ access: accessTo({ authUrl: `${server.url}/v3`, password: 'wrong-password' }), clock });
  const request = { interval: 1000, slow: 1000, afterFailure: { interval: 100, limit: 0 }, timeout: 5000 };
  const place = { cloud: 'cloud', vantage: 'here' };
  const [tokens, lists] = [
    token(cloud, place, request),
    serverList(cloud, place, { settings: { ...request, detail: true, limit: 1 }, connection: 'new' }),
  ];
  closing.push(
    () => cloud.close(),
    () => tokens.close(),
    () => lists.close(),
  );
  const context = { signal: new AbortController().signal, clock, progress: () => {} };
  const outcomes = [];
  for (const probe of [tokens, tokens, lists, tokens, lists]) {
    const { outcome, cause } = await probe.run(context);
    outcomes.push(`${outcome} ${cause?.kind}`);
    await delay(10);
  }
  expect(outcomes).toEqual(['failed unauthorized', ...Array.from({ length: 4 }, () => 'void throttled')]);
  expect(asked).toBe(1);
  state.late = 10_000;
  expect(await tokens.run(context)).toMatchObject({ outcome: 'failed', cause: { kind: 'unauthorized' } });
  expect(asked).toBe(2);
});
