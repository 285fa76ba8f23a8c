import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFile, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpClient, type HttpClient, type HttpOptions } from '../../../src/openstack/http/http.ts';
import type { HttpRequest, HttpResult } from '../../../src/openstack/http/http-message.ts';
import { type ScriptedServer, selfSigned, serveHttp, serveTcp, serveTls } from '../../support/scripted-server.ts';

const clock = { now: () => performance.timeOrigin + performance.now() };
const NO_TLS = { ca: null, cert: null, key: null, verify: true };
const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const closeLater = <T extends { close(): unknown }>(one: T): T => {
  open.push(one);
  return one;
};

const client = (options: Partial<HttpOptions> = {}): HttpClient =>
  closeLater(createHttpClient({ clock, tls: NO_TLS, connection: 'new', ...options }));

const serve = async (server: Promise<ScriptedServer>): Promise<ScriptedServer> => closeLater(await server);

const get = (url: string, changes: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  url,
  headers: {},
  timeouts: { connect: 1000, response: 2000 },
  signal: new AbortController().signal,
  ...changes,
});

const brief = (result: HttpResult) =>
  result.type === 'response' ? [result.status, result.body] : [result.kind, result.message];

describe('one HTTP request', () => {
  it('returns status, headers, body and consecutive stages', async () => {
    const server = await serve(
      serveHttp(async (_request, response) => {
        await setTimeout(50);
        response.setHeader('X-Compute-Request-Id', 'req-1');
        response.write('{"servers"');
        await setTimeout(30);
        response.end(':[]}');
      }),
    );
    const result = await client().send(get(server.url));
    expect(result).toMatchObject({ type: 'response', status: 200, body: '{"servers":[]}' });
    expect(result.type === 'response' && result.headers['x-compute-request-id']).toBe('req-1');
    expect(Object.keys(result.stages)).toEqual(['connect', 'first_byte', 'body']);
    expect(result.stages['first_byte']).toBeGreaterThan(0.045);
    expect(result.stages['body']).toBeGreaterThan(0.025);
    const sum = Object.values(result.stages).reduce((all, one) => all + one, 0);
    expect(Math.abs(sum * 1000 - (result.endedAt - result.sentAt))).toBeLessThan(5);
  });

  it('resolves names', async () => {
    const server = await serve(serveHttp((_request, response) => response.end('x')));
    const result = await client().send(get(`http://localhost:${server.port}`));
    expect([brief(result), Object.keys(result.stages)]).toEqual([
      [200, 'x'],
      ['dns', 'connect', 'first_byte', 'body'],
    ]);
  });

  it('sends method, headers and body, and closes a new connection', async () => {
    const server = await serve(
      serveHttp((request, response) => {
        request.setEncoding('utf8');
        let body = '';
        request.on('data', (part: string) => {
          body += part;
        });
        request.on('end', () => response.end(`${request.method} ${request.headers.connection} ${body}`));
      }),
    );
    const headers = { 'Content-Type': 'application/json' };
    const answer = await client().send(get(server.url, { method: 'POST', body: '{"a":1}', headers }));
    expect(brief(answer)).toEqual([200, 'POST close {"a":1}']);
  });

  it('returns any status as an answer, also a redirect to another host', async () => {
    for (const status of [204, 302, 404, 500, 503]) {
      const server = await serve(
        serveHttp((_request, response) => {
          response.writeHead(status, { Location: 'http://elsewhere.example/' });
          response.end();
        }),
      );
      expect(brief(await client().send(get(server.url)))).toEqual([status, '']);
    }
  });

  it('reuses a connection if requested, else opens a new one each time', async () => {
    const ports: (number | undefined)[] = [];
    const server = await serve(
      serveHttp((request, response) => {
        ports.push(request.socket.remotePort);
        response.end('x');
      }),
    );
    const reusing = client({ connection: 'reused' });
    await reusing.send(get(server.url));
    await setTimeout(5);
    const second = await reusing.send(get(server.url));
    expect(new Set(ports.splice(0)).size).toBe(1);
    expect(Object.keys(second.stages)).toEqual(['first_byte', 'body']);
    const fresh = client();
    await fresh.send(get(server.url));
    await fresh.send(get(server.url));
    expect(new Set(ports).size).toBe(2);
  });
});

describe('a request that fails', () => {
  it('is refused', async () => {
    const server = await serveHttp(() => {});
    await server.close();
    const result = await client().send(get(server.url));
    expect(brief(result)).toEqual([
      'connection-refused',
      `ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:${server.port}`,
    ]);
  });

  it('is refused at all addresses of a name', async () => {
    const server = await serveHttp(() => {});
    await server.close();
    const [kind, message] = brief(await client().send(get(`http://localhost:${server.port}`)));
    expect(kind).toBe('connection-refused');
    expect(message).toMatch(/^ECONNREFUSED: connect ECONNREFUSED /);
  });

  it('is reset', async () => {
    const server = await serve(serveTcp((socket) => socket.once('data', () => socket.resetAndDestroy())));
    expect(brief(await client().send(get(server.url)))).toEqual(['connection-reset', 'ECONNRESET: read ECONNRESET']);
  });

  it('is closed without an answer', async () => {
    const server = await serve(serveTcp((socket) => socket.once('data', () => socket.end())));
    expect(brief(await client().send(get(server.url)))).toEqual(['connection-reset', 'ECONNRESET: socket hang up']);
  });

  it('cannot resolve the host', async () => {
    const [kind] = brief(await client().send(get('http://nowhere.invalid/')));
    expect(kind).toBe('dns');
  });

  it('gets no answer in time', async () => {
    const server = await serve(serveHttp(() => {}));
    const result = await client().send(get(server.url, { timeouts: { connect: 50, response: 100 } }));
    expect(brief(result)).toEqual(['response-timeout', 'no answer within 0.1 s']);
    expect(result.endedAt - result.sentAt).toBeGreaterThanOrEqual(99);
  });

  it('gets no complete body in time', async () => {
    const server = await serve(serveHttp((_request, response) => response.write('{')));
    const result = await client().send(get(server.url, { timeouts: { connect: 50, response: 100 } }));
    expect(brief(result)).toEqual(['response-timeout', 'HTTP 200, but no end of the body within 0.1 s']);
  });

  it('gets a truncated body, by length and by chunks', async () => {
    for (const headers of ['Content-Length: 100', 'Transfer-Encoding: chunked']) {
      const server = await serve(
        serveTcp((socket) =>
          socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${headers}\r\n\r\n5\r\n{"ser\r\n`)),
        ),
      );
      expect(brief(await client().send(get(server.url)))).toEqual([
        'truncated-body',
        'HTTP 200, but the connection was closed within the body',
      ]);
    }
  });

  it('gets an answer that is not HTTP', async () => {
    const server = await serve(serveTcp((socket) => socket.once('data', () => socket.end('SSH-2.0-OpenSSH\r\n'))));
    const [kind, message] = brief(await client().send(get(server.url)));
    expect([kind, message]).toEqual(['invalid-body', expect.stringMatching(/^HPE_/)]);
  });

  it('fails with TLS on a plain port', async () => {
    const server = await serve(serveTcp((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad\r\n\r\n'))));
    const [kind] = brief(await client().send(get(server.url.replace('http', 'https'))));
    expect(kind).toBe('tls');
  });

  it('waits for a TLS handshake no longer than the connect limit', async () => {
    const server = await serve(serveTcp(() => {}));
    const url = server.url.replace('http', 'https');
    const result = await client().send(get(url, { timeouts: { connect: 80, response: 500 } }));
    expect(brief(result)).toEqual(['connect-timeout', 'no TLS handshake within 0.08 s']);
  });

  it('trusts a self-signed certificate only without verification or with its CA', async () => {
    const certificate = selfSigned('127.0.0.1');
    const server = await serve(serveTls(certificate, (_request, response) => response.end('x')));
    const [kind, message] = brief(await client().send(get(server.url)));
    expect([kind, message]).toEqual(['tls', expect.stringMatching(/^DEPTH_ZERO_SELF_SIGNED_CERT: self-signed/)]);
    expect(brief(await client({ tls: { ...NO_TLS, verify: false } }).send(get(server.url)))).toEqual([200, 'x']);
    const trusting = client({ tls: { ...NO_TLS, ca: certificate.cert }, connection: 'reused' });
    const trusted = await trusting.send(get(server.url));
    expect(brief(trusted)).toEqual([200, 'x']);
    expect(Object.keys(trusted.stages)).toEqual(['connect', 'tls', 'first_byte', 'body']);
  });

  it('trusts the CA certificates of the system, as other clients do', async () => {
    const certificate = selfSigned('127.0.0.1');
    const server = await serve(serveTls(certificate, (_request, response) => response.end('x')));
    const folder = mkdtempSync(join(tmpdir(), 'rollwatch-ca-'));
    closeLater({ close: () => rmSync(folder, { recursive: true }) });
    writeFileSync(join(folder, 'system.pem'), certificate.cert);
    const program = `
      import { createHttpClient } from ${JSON.stringify(new URL('../../../src/openstack/http/http.ts', import.meta.url).href)};
      const tls = ${JSON.stringify(NO_TLS)};
      const http = createHttpClient({ clock: { now: () => performance.now() }, tls, connection: 'new' });
      const request = ${JSON.stringify(get(server.url))};
      const result = await http.send({ ...request, signal: new AbortController().signal });
      console.log(result.type === 'failure' ? result.message : result.body);
    `;
    const ask = async (env: NodeJS.ProcessEnv) => {
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
        env: { ...process.env, ...env },
      });
      return stdout.trim();
    };
    expect(await ask({ SSL_CERT_FILE: join(folder, 'system.pem') })).toBe('x');
    expect(await ask({})).toMatch(/^DEPTH_ZERO_SELF_SIGNED_CERT/);
  });

  it('does not trust a certificate for another name', async () => {
    const certificate = selfSigned('elsewhere.example');
    const server = await serve(serveTls(certificate, (_request, response) => response.end('x')));
    const [kind, message] = brief(await client({ tls: { ...NO_TLS, ca: certificate.cert } }).send(get(server.url)));
    expect([kind, message]).toEqual(['tls', expect.stringMatching(/^ERR_TLS_CERT_ALTNAME_INVALID: /)]);
  });

  it('is stale if a reused connection was closed during the write, and the next one opens a connection', async () => {
    // Answers the first request of each connection, and closes it when the second one comes.
    const server = await serve(
      serveTcp((socket) => {
        let requests = 0;
        socket.on('data', () => {
          requests++;
          if (requests === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx');
          else socket.destroy();
        });
      }),
    );
    const reusing = client({ connection: 'reused' });
    const seen = [];
    for (let index = 0; index < 3; index++) {
      seen.push(brief(await reusing.send(get(server.url)))[0]);
      await setTimeout(5);
    }
    expect(seen).toEqual([200, 'stale-connection', 200]);
  });

  it('is reset, not stale, if a reused connection breaks while the service is processing the request', async () => {
    const server = await serve(
      serveTcp((socket) => {
        let requests = 0;
        socket.on('data', () => {
          requests++;
          if (requests === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx');
          else globalThis.setTimeout(() => socket.destroy(), 600);
        });
      }),
    );
    const reusing = client({ connection: 'reused' });
    await reusing.send(get(server.url));
    await setTimeout(5);
    expect(brief(await reusing.send(get(server.url)))).toEqual(['connection-reset', 'ECONNRESET: socket hang up']);
  });

  it('is distinguished from a shutdown, before and during the request', async () => {
    const server = await serve(serveHttp(() => {}));
    const shutdown = new AbortController();
    const sending = client().send(get(server.url, { signal: shutdown.signal }));
    await setTimeout(30);
    shutdown.abort();
    expect(brief(await sending)).toEqual(['shutdown', 'Rollwatch is shutting down']);
    expect(brief(await client().send(get(server.url, { signal: shutdown.signal })))).toEqual([
      'shutdown',
      'Rollwatch is shutting down',
    ]);
  });
});

describe('a stall of the event loop', () => {
  const block = (millis: number) => {
    const end = performance.now() + millis;
    while (performance.now() < end);
  };

  /** Runs in its own thread: answers 50 ms after the request, even while this thread stalls. */
  async function otherThread(): Promise<string> {
    const code = `
      const { parentPort } = require('node:worker_threads');
      const server = require('node:http').createServer((_request, response) => setTimeout(() => response.end('here'), 50));
      server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;
    const worker = new Worker(code, { eval: true });
    open.push({ close: () => worker.terminate() });
    const [port] = await once(worker, 'message');
    return `http://127.0.0.1:${port}`;
  }

  it.each([
    ['a timer', (work: () => void) => void globalThis.setTimeout(work, 0)],
    ['setImmediate', (work: () => void) => void setImmediate(work)],
    ['I/O', (work: () => void) => void readFile(import.meta.filename, work)],
  ])('in %s does not turn an answer that is in the socket into a timeout', async (_where, within) => {
    const url = await otherThread();
    const reusing = client({ connection: 'reused' });
    await reusing.send(get(url));
    for (let round = 0; round < 5; round++) {
      const sending = reusing.send(get(url, { timeouts: { connect: 150, response: 150 } }));
      await setTimeout(10);
      within(() => block(300));
      expect(brief(await sending)).toEqual([200, 'here']);
    }
  });
});
