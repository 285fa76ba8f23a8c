import { connect, createServer as createTcpServer } from 'node:net';
import { hostname } from 'node:os';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { UserError } from '../../../src/domain/errors.ts';
import { readerOf } from '../../support/live.ts';
import { isMissing, OUTER_ADDRESS, outerAddress } from '../../support/requirements.ts';
import { ask, serve } from '../../support/served.ts';

const problem = (answer: { body: string; headers: Record<string, unknown> }) => {
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  return JSON.parse(answer.body);
};

describe('writing', () => {
  it('needs no token on loopback', async () => {
    await using served = await serve();
    const paused = await ask(`${served.url}/api/v1/pause`, { method: 'POST' });
    expect([paused.status, paused.body]).toEqual([200, '{"paused":true}']);
    const json = { 'content-type': 'application/json' };
    const resumed = await ask(`${served.url}/api/v1/resume`, { method: 'POST', headers: json });
    expect([resumed.status, resumed.body]).toEqual([200, '{"paused":false}']);
    expect(served.orders).toEqual(['pause', 'resume']);
  });

  it('is rejected with a wrong token even on loopback', async () => {
    await using served = await serve({ writeToken: 'right' });
    const post = (authorization: string) =>
      ask(`${served.url}/api/v1/pause`, { method: 'POST', headers: { authorization } });
    expect((await post('Bearer wrong')).status).toBe(401);
    expect((await post('Bearer right')).status).toBe(200);
  });

  it('is rejected for a page of another site', async () => {
    await using served = await serve();
    const post = (origin: string) => ask(`${served.url}/api/v1/pause`, { method: 'POST', headers: { origin } });
    const foreign = await post('https://evil.example');
    expect(foreign.status).toBe(403);
    expect(problem(foreign)).toMatchObject({ header: 'Origin' });
    for (const site of ['cross-site', 'same-site', 'nonsense']) {
      const headers = { 'sec-fetch-site': site };
      const sent = await ask(`${served.url}/api/v1/pause`, { method: 'POST', headers });
      expect(sent.status, site).toBe(403);
      expect(problem(sent)).toMatchObject({ header: 'Sec-Fetch-Site' });
    }
    expect((await post('null')).status).toBe(403);
    expect((await post(served.url)).status).toBe(200);
    expect(served.orders).toEqual(['pause']);
  });

  it('is rejected for a page of another site on every route, before its body is read', async () => {
    await using served = await serve();
    const document = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });
    const { paths } = document.parse(await (await fetch(`${served.url}/api/v1/openapi.json`)).json());
    const writes = Object.entries(paths).flatMap(([path, operations]) =>
      Object.keys(operations).flatMap((method) => (method === 'get' ? [] : [`${method} ${path.replace('{id}', '1')}`])),
    );
    const answers = writes.map(async (write) => {
      const [method = '', path = ''] = write.split(' ');
      const headers = { origin: 'https://evil.example', 'content-type': 'text/plain', 'content-length': '1' };
      return [write, (await ask(served.url + path, { method, headers, body: '{' })).status];
    });
    expect(await Promise.all(answers)).toEqual(writes.map((write) => [write, 403]));
    expect(writes.length).toBeGreaterThan(8);
  });

  it.skipIf(isMissing(OUTER_ADDRESS))('needs the bearer token unless the listener is on loopback', async () => {
    await using served = await serve({ listen: { host: outerAddress ?? '', port: 0 }, writeToken: 'right' });
    const post = (headers: Record<string, string>) => ask(`${served.url}/api/v1/pause`, { method: 'POST', headers });
    const bare = await post({});
    expect(bare.status).toBe(401);
    expect(bare.headers['www-authenticate']).toBe('Bearer realm="rollwatch"');
    expect(bare.body).not.toContain('right"');
    for (const authorization of ['Bearer wrong', 'Bearer right2', 'Basic right', 'right']) {
      expect((await post({ authorization })).status).toBe(401);
    }
    expect((await post({ authorization: 'bearer right' })).status).toBe(200);
    expect((await ask(`${served.url}/api/v1/status`)).status).toBe(200);
    expect(served.orders).toEqual(['pause']);
  });

  it.skipIf(isMissing(OUTER_ADDRESS))(
    'is disabled if the listener is not on loopback and no token is configured',
    async () => {
      await using served = await serve({ listen: { host: outerAddress ?? '', port: 0 } });
      const headers = { authorization: 'Bearer ' };
      expect((await ask(`${served.url}/api/v1/pause`, { method: 'POST' })).status).toBe(403);
      expect((await ask(`${served.url}/api/v1/pause`, { method: 'POST', headers })).status).toBe(403);
      expect(served.orders).toEqual([]);
    },
  );
});

describe('a listener on loopback', () => {
  it('answers only to its own names, against DNS rebinding', async () => {
    await using served = await serve();
    const get = (host: string) => ask(`${served.url}/api/v1/status`, { headers: { host } });
    for (const host of [
      'evil.example',
      'evil.example:9774',
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      '[::2]',
      '-',
    ]) {
      expect((await get(host)).status, host).toBe(421);
    }
    for (const host of ['localhost', 'LOCALHOST:9774', '127.0.0.1:1', '127.8.8.8', '[::1]:9774']) {
      expect((await get(host)).status, host).toBe(200);
    }
  });
});

describe('a listener that is not on loopback', () => {
  it('answers only to its own addresses and names, against DNS rebinding', async () => {
    await using served = await serve({
      listen: { host: '0.0.0.0', port: 0 },
      allowedHosts: ['Rollwatch.example', 'rollwatch'],
    });
    const get = (host: string) => ask(`${served.url}/api/v1/status`, { headers: { host } });
    for (const host of [
      'evil.example',
      'rollwatch.example.evil.example:9774',
      'rollwatch.evil',
      '10.0.0.7.evil.example',
      `${hostname()}.evil.example`,
      'x:y:z',
    ]) {
      const answer = await get(host);
      expect(answer.status, host).toBe(421);
      expect(problem(answer)).toMatchObject({ header: 'Host', detail: expect.stringContaining('allowed_hosts') });
    }
    for (const host of [
      'rollwatch:9774',
      'ROLLWATCH.example',
      'rollwatch.example.:80',
      'localhost',
      '10.0.0.7:9774',
      '[fd00::7]:9774',
      hostname(),
    ]) {
      expect((await get(host)).status, host).toBe(200);
    }
  });

  it('answers no path under another name', async () => {
    await using served = await serve({ listen: { host: '0.0.0.0', port: 0 }, writeToken: 'right' });
    const headers = { host: 'evil.example', authorization: 'Bearer right' };
    for (const path of ['/', '/page.js', '/metrics', '/healthz', '/api/v1/events', '/api/annotations', '/nowhere'])
      expect((await ask(served.url + path, { headers })).status, path).toBe(421);
    expect((await ask(`${served.url}/api/v1/pause`, { method: 'POST', headers })).status).toBe(421);
    expect(served.orders).toEqual([]);
  });
});

describe('a request without a Host header', () => {
  it.each(['0.0.0.0', '127.0.0.1'])('is rejected on %s, although HTTP/1.0 allows it', async (host) => {
    await using served = await serve({ listen: { host, port: 0 } });
    const socket = connect({ port: Number(new URL(served.url).port), host: '127.0.0.1' });
    socket.end('GET /api/v1/status HTTP/1.0\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 421 /);
  });
});

describe('a request that came through a proxy to a listener on loopback', () => {
  it.each([
    { 'x-forwarded-for': '203.0.113.9' },
    { 'x-forwarded-proto': 'https' },
    { 'x-forwarded-host': 'rollwatch.example' },
    { forwarded: 'for=203.0.113.9' },
    { 'x-real-ip': '203.0.113.9' },
    { via: '1.1 proxy' },
    { 'cf-connecting-ip': '203.0.113.9' },
    { 'x-forwarded-for': '' },
  ])('needs the token to write: %j', async (proxied) => {
    await using open = await serve();
    await using guarded = await serve({ writeToken: 'right' });
    const post = (url: string, more: Record<string, string> = {}) =>
      ask(`${url}/api/v1/pause`, { method: 'POST', headers: { ...proxied, ...more } });
    const off = await post(open.url);
    expect(off.status).toBe(403);
    expect(problem(off).detail).toContain('through a proxy');
    expect((await post(open.url, { authorization: 'Bearer x' })).status).toBe(403);
    expect((await post(guarded.url)).status).toBe(401);
    expect((await post(guarded.url, { authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await post(guarded.url, { authorization: 'Bearer right' })).status).toBe(200);
    expect((await ask(`${open.url}/api/v1/status`, { headers: proxied })).status).toBe(200);
    expect([open.orders, guarded.orders]).toEqual([[], ['pause']]);
  });
});

describe('an invalid request', () => {
  it('gets the mistake as problem+json', async () => {
    await using served = await serve();
    const get = async (path: string) => problem(await ask(served.url + path));
    expect(await get('/api/v1/samples?outcome=bad')).toEqual({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      detail: 'outcome: must be ok, failed or void',
      parameter: 'outcome',
    });
    expect(await get('/api/v1/samples?from=yesterday')).toMatchObject({
      status: 400,
      detail: 'from: is not a timestamp in ISO 8601 with a zone, such as 2026-11-23T07:10:00.000Z',
      parameter: 'from',
    });
    expect(await get('/api/v1/samples?formt=csv')).toMatchObject({
      detail: 'formt: no such parameter; did you mean format?',
      parameter: 'formt',
    });
    expect(await get('/api/v1/samples?colour=red')).toMatchObject({
      detail: 'colour: no such parameter; allowed: cloud, probe, connection, target, outcome, from, to, limit, format',
      parameter: 'colour',
    });
    expect(await get('/api/v1/samples?limit=0')).toMatchObject({ status: 400, detail: 'limit: must be at least 1' });
    expect(await get('/api/v1/samples?limit=1.5')).toMatchObject({ detail: 'limit: must be a whole number' });
    expect(await get('/api/v1/samples?limit=many')).toMatchObject({ detail: 'limit: must be a number' });
    expect(await get('/api/v1/samples?limit=1&limit=2')).toMatchObject({ detail: 'limit: must be a number' });
    expect(await get('/api/v1/samples?from=2026-11-23T08:00:00Z&to=2026-11-23T07:00:00Z')).toMatchObject({
      status: 400,
      parameter: 'to',
    });
    expect(await get('/api/v1/report?zone=Mars')).toMatchObject({
      detail: 'zone: is not an IANA time zone such as Europe/Berlin',
      parameter: 'zone',
    });
    for (const link of ['somewhere', 'javascript:alert(1)', 'ftp://host/'])
      expect(await get(`/api/v1/report?link=${link}`)).toMatchObject({
        detail: 'link: is not an http or https URL',
        parameter: 'link',
      });
    expect(await get('/api/v1/status?verbose')).toMatchObject({
      status: 400,
      detail: 'verbose: no such parameter; none are allowed here',
    });
    expect(await get('/nowhere?a=b')).toMatchObject({
      status: 404,
      detail: 'there is nothing at /nowhere; see /api/v1/openapi.json',
    });
    expect(await get('/%zz')).toMatchObject({ status: 400 });
  });

  it('gets the methods that the path allows', async () => {
    await using served = await serve();
    const wrong = await ask(`${served.url}/api/v1/status`, { method: 'DELETE' });
    expect([wrong.status, wrong.headers['allow']]).toEqual([405, 'GET, HEAD']);
    const read = await ask(`${served.url}/api/v1/pause`);
    expect([read.status, read.headers['allow'], problem(read).allow]).toEqual([405, 'POST', ['POST']]);
    expect(served.orders).toEqual([]);
  });

  it('is rejected if its body is too large or of an unsupported type', async () => {
    await using served = await serve();
    const post = (type: string, body: string) =>
      ask(`${served.url}/api/v1/pause`, { method: 'POST', headers: { 'content-type': type }, body });
    const large = await post('application/json', JSON.stringify({ a: 'x'.repeat(20_000) }));
    expect([large.status, problem(large).status]).toEqual([413, 413]);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml']) {
      const odd = await post(type, 'a=b');
      expect([odd.status, problem(odd).status], type).toEqual([415, 415]);
    }
    const broken = await post('application/json', '{');
    expect([broken.status, problem(broken).status]).toEqual([400, 400]);
    expect(served.orders).toEqual([]);
  });

  it('gets a problem even if it is not HTTP or too long', async () => {
    await using served = await serve();
    const long = await ask(`${served.url}/healthz`, { headers: { 'x-long': 'x'.repeat(30_000) } });
    expect([long.status, problem(long).status]).toEqual([431, 431]);
  });

  it('gets no internals if the server fails', async () => {
    await using served = await serve({
      run: readerOf(() => {
        throw new Error('secret at /etc/rollwatch');
      }),
    });
    const answer = await ask(`${served.url}/api/v1/status`);
    expect(answer.status).toBe(500);
    expect(problem(answer).detail).toBe('this is a bug in Rollwatch; see its log');
    expect(served.log.join()).toContain('GET /api/v1/status: Error: secret at /etc/rollwatch');
  });
});

describe('an address to listen on', () => {
  const refusal = async (host: string, port: number): Promise<unknown> => {
    try {
      await using _served = await serve({ listen: { host, port } });
    } catch (error) {
      return error instanceof UserError ? [error.exitCode, error.message] : error;
    }
    return null;
  };

  it('that is unusable is rejected with the reason', async () => {
    const taken = createTcpServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, '127.0.0.1', () => {
        const address = taken.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    try {
      expect(await refusal('127.0.0.1', port)).toEqual([
        3,
        `cannot listen on 127.0.0.1:${port}: the port is in use; port 0 selects a free one`,
      ]);
    } finally {
      await new Promise((resolve) => taken.close(resolve));
    }
    expect(await refusal('192.0.2.1', 0)).toEqual([
      2,
      'cannot listen on 192.0.2.1:0: this machine has no such address',
    ]);
    expect(await refusal('127.0.0.1', 70_000)).toEqual([
      2,
      'cannot listen on 127.0.0.1:70000: a port is a number from 0 to 65535',
    ]);
    expect(await refusal('no-such-host.invalid', 0)).toEqual([
      2,
      "cannot listen on 'no-such-host.invalid': the name cannot be resolved; it must be an address or a name of this machine",
    ]);
  });

  it('may be a name, or every address', async () => {
    await using local = await serve({ listen: { host: 'localhost', port: 0 } });
    expect(local.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await using all = await serve({ listen: { host: '0.0.0.0', port: 0 } });
    expect(all.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });
});
