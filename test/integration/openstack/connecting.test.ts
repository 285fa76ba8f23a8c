import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { preflight } from '../../../src/openstack/diagnosis/preflight.ts';
import { createHttpClient, type HttpOptions } from '../../../src/openstack/http/http.ts';
import type { HttpRequest } from '../../../src/openstack/http/http-message.ts';
import { proxyFor } from '../../../src/openstack/http/proxy.ts';
import {
  options,
  type Script,
  type ScriptedCloud,
  serveScriptedCloud,
  tokenAnswer,
} from '../../support/scripted-cloud.ts';
import { selfSigned, serveHttp, serveTls } from '../../support/scripted-server.ts';

const clock = { now: () => performance.timeOrigin + performance.now() };
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
function closeLater<T extends { close(): unknown }>(one: T): T {
  closing.push(() => one.close());
  return one;
}
const NO_TLS = { ca: null, cert: null, key: null, verify: true };
const client = (given: Partial<HttpOptions> = {}) =>
  closeLater(createHttpClient({ clock, tls: NO_TLS, connection: 'new', ...given }));
const get = (url: string, changes: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  url,
  headers: {},
  ...options(),
  ...changes,
});

describe('the proxy of a URL', () => {
  const P = 'http://proxy:3128';
  it.each([
    ['http://cloud:5000/v3', { http_proxy: P }, P],
    ['https://cloud/v3', { http_proxy: P }, null],
    ['https://cloud/v3', { https_proxy: P }, P],
    ['https://cloud/v3', { all_proxy: P }, P],
    ['https://cloud/v3', { HTTPS_PROXY: P }, P],
    ['https://cloud/v3', { HTTPS_PROXY: P, https_proxy: '' }, null],
    ['https://cloud/v3', { https_proxy: 'proxy:3128' }, P],
    ['https://api.cloud.example/v3', { https_proxy: P, no_proxy: 'cloud.example' }, null],
    ['https://api.cloud.example/v3', { https_proxy: P, no_proxy: ' .cloud.example , x' }, null],
    ['https://api.cloud.example/v3', { https_proxy: P, no_proxy: '*.cloud.example' }, null],
    ['https://mycloud.example/v3', { https_proxy: P, no_proxy: 'cloud.example' }, P],
    ['https://api.cloud.example/v3', { https_proxy: P, NO_PROXY: '*' }, null],
    ['https://cloud:5000/v3', { https_proxy: P, no_proxy: 'cloud:5000' }, null],
    ['https://cloud:5001/v3', { https_proxy: P, no_proxy: 'cloud:5000' }, P],
    ['http://10.1.2.3:5000/v3', { http_proxy: P, no_proxy: '10.0.0.0/8' }, null],
    ['http://11.1.2.3:5000/v3', { http_proxy: P, no_proxy: '10.0.0.0/8' }, P],
    ['http://10.1.2.3:5000/v3', { http_proxy: P, no_proxy: '10.1.2.3' }, null],
    ['http://[fd00::5]:5000/v3', { http_proxy: P, no_proxy: 'fd00::/8' }, null],
    ['http://10.1.2.3:5000/v3', { http_proxy: P, no_proxy: 'rubbish/99' }, P],
    ['http://127.0.0.1:5000/v3', { http_proxy: P }, null],
    ['http://localhost:5000/v3', { http_proxy: P }, null],
  ])('%s with %j is %s', (url, env, proxy) => {
    expect(proxyFor(new URL(url), env)).toBe(proxy);
  });
});

/** A proxy on loopback that connects every name to one port. */
async function serveProxy(to: () => number) {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
    response.end('{"by": "proxy"}');
  });
  server.on('connect', (request, socket) => {
    seen.push(`CONNECT ${request.url}`);
    const onward = connect(to(), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    for (const one of [socket, onward]) one.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  closeLater({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return { seen, port: address.port };
}

describe('through a proxy of the environment', () => {
  it.each(['new', 'reused'] as const)('plain HTTP is requested with the absolute URL (%s)', async (connection) => {
    const { seen, port } = await serveProxy(() => 0);
    const http = client({ connection, env: { http_proxy: `http://ada:secret@127.0.0.1:${port}` } });
    for (let count = 0; count < 2; count++) {
      expect(await http.send(get('http://cloud.corp.example:5000/v3'))).toMatchObject({
        status: 200,
        body: '{"by": "proxy"}',
      });
    }
    expect(seen).toEqual(Array(2).fill(`GET http://cloud.corp.example:5000/v3 Basic ${btoa('ada:secret')}`));
  });

  it('HTTPS uses a tunnel, and the certificate is checked', async () => {
    const certificate = selfSigned('cloud.corp.example');
    const cloud = closeLater(await serveTls(certificate, (_request, response) => response.end('{}')));
    const { seen, port } = await serveProxy(() => cloud.port);
    const env = { https_proxy: `http://127.0.0.1:${port}` };
    const url = 'https://cloud.corp.example:5000/v3';
    const trusted = client({ env, tls: { ...NO_TLS, ca: certificate.cert } });
    const late = get(url, { timeouts: { connect: 300, response: 5000 } });
    expect(await trusted.send(late)).toMatchObject({ type: 'response', status: 200 });
    expect(seen).toEqual(['CONNECT cloud.corp.example:5000']);
    expect(await client({ env }).send(get(url))).toMatchObject({ type: 'failure', kind: 'tls' });
  });

  it('a failure names the proxy', async () => {
    const gone = await serveHttp(() => {});
    await gone.close();
    const env = { http_proxy: gone.url, https_proxy: gone.url };
    for (const url of ['http://cloud.corp.example/', 'https://cloud.corp.example/']) {
      const result = await client({ env }).send(get(url));
      expect(result).toMatchObject({
        type: 'failure',
        kind: 'unreachable',
        message: expect.stringContaining(`127.0.0.1:${gone.port}`),
      });
    }
  });

  it('an unsupported proxy type is rejected by name', async () => {
    const result = await client({ env: { all_proxy: 'socks5://ada:secret@proxy' } }).send(get('http://cloud/'));
    expect(result).toMatchObject({ type: 'failure', kind: 'internal', message: expect.stringContaining('socks5') });
    expect(JSON.stringify(result)).not.toContain('secret');
  });
});

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])('with status %d is followed with the same method and body', async (status) => {
    const scripted: ScriptedCloud = closeLater(
      await serveScriptedCloud(({ path }) =>
        path.startsWith('/identity')
          ? { status, headers: { Location: path.replace('/identity', '/keystone') } }
          : path.startsWith('/keystone')
            ? tokenAnswer(scripted.url)
            : path.startsWith('/compute/v2.1/servers/detail')
              ? { status, headers: { Location: `${scripted.url}/moved` } }
              : path === '/moved'
                ? { status: 200, body: { servers: [] } }
                : null,
      ),
    );
    const listed = await scripted.cloud.compute(scripted.cloud.http).list({ detail: true, limit: 1, ...options() });
    expect(listed).toMatchObject({ type: 'ok', value: 0 });
    const tokens = scripted.asked.filter(({ path }) => path.includes('/auth/tokens'));
    expect(tokens.map(({ method, body }) => [method, body.includes('lovelace')])).toEqual([
      ['POST', true],
      ['POST', true],
    ]);
  });

  it('to another host is not followed with token or password', async () => {
    const asked: string[] = [];
    const other = closeLater(
      await serveHttp((request, response) => response.end(String(asked.push(request.url ?? '')))),
    );
    const elsewhere = `http://localhost:${other.port}/here`;
    const scripted = closeLater(
      await serveScriptedCloud(({ path }) =>
        path.includes('/servers') ? { status: 302, headers: { Location: `${elsewhere}?key=secret` } } : null,
      ),
    );
    const listed = await scripted.cloud.compute(scripted.cloud.http).list({ detail: true, limit: 1, ...options() });
    expect(listed).toMatchObject({ type: 'failed', cause: { kind: 'unexpected-status', service: 'load-balancer' } });
    expect(listed.type === 'failed' && listed.cause.message).toBe(
      `HTTP 302: redirect to ${elsewhere} not followed (no credentials sent)`,
    );
    expect(asked).toEqual([]);
  });

  it('loop ends after a limit', async () => {
    let asked = 0;
    const server = closeLater(
      await serveHttp((request, response) => {
        asked++;
        response.writeHead(302, { Location: request.url ?? '' });
        response.end();
      }),
    );
    expect(await client().send(get(`${server.url}/x`))).toMatchObject({ type: 'response', status: 302 });
    expect(asked).toBe(6);
  });

  it.each(['javascript:alert(1)', 'http://[', 'http://ada:secret@127.0.0.1/', ''])(
    'to %j is not followed',
    async (location) => {
      const server = closeLater(
        await serveHttp((request, response) => {
          response.writeHead(request.url === '/x' ? 302 : 200, { Location: location });
          response.end();
        }),
      );
      const result = await client().send(get(`${server.url}/x`));
      expect(result).toMatchObject({ type: 'response', status: 302 });
    },
  );
});

describe('an answer of Keystone to the password', () => {
  const ask = async (script: Script) => {
    const scripted = closeLater(await serveScriptedCloud(script));
    const result = await preflight(scripted.cloud, null, options().signal);
    return result.type === 'ready' ? [0, ''] : [result.userError.exitCode, result.userError.message];
  };
  it.each([
    [404, 'default backend - 404'],
    [
      404,
      '<!doctype html><title>404 Not Found</title><h1>Not Found</h1><p>The requested URL was not found on the server. If you entered the URL manually please check</p>',
    ],
    [
      401,
      '<html><head><title>401 Authorization Required</title></head><body><center><h1>401 Authorization Required</h1></center><hr><center>nginx</center></body></html>',
    ],
    [403, '<html><body><h1>403 Forbidden</h1>\nRequest forbidden by administrative rules.\n</body></html>'],
  ])('with status %d and a page does not reject the credentials', async (status, body) => {
    const [code, message] = await ask(() => ({ status, body }));
    expect([code, String(message).includes('rejects')]).toEqual([3, false]);
  });

  it('rejects the credentials if Keystone itself does', async () => {
    const error = { code: 401, message: 'The request you have made requires authentication.', title: 'Unauthorized' };
    const [code, message] = await ask(() => ({ status: 401, body: { error } }));
    expect([code, String(message).includes('rejects the credentials')]).toEqual([2, true]);
  });

  it('with a receipt reports that a second factor is required', async () => {
    const body = { receipt: { methods: ['password'] }, required_auth_methods: [['password', 'totp']] };
    const [code, message] = await ask(() => ({ status: 401, body, headers: { 'Openstack-Auth-Receipt': 'r' } }));
    expect([code, message]).toEqual([
      2,
      'cloud cloud: HTTP 401: Keystone requires multi-factor authentication (password and totp), which Rollwatch does not support; use an application credential',
    ]);
  });
});
