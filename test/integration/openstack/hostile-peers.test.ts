import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createBodyBudget } from '../../../src/http/read-body.ts';
import { createHttpClient, type HttpClient, type HttpOptions } from '../../../src/openstack/http/http.ts';
import type { HttpRequest, HttpResult } from '../../../src/openstack/http/http-message.ts';
import { ERROR_BODY_LIMIT } from '../../../src/openstack/http/http-message.ts';
import { serveFlood } from '../../support/flood-server.ts';
import { type ScriptedServer, serveHttp, serveTcp } from '../../support/scripted-server.ts';

const clock = { now: () => performance.timeOrigin + performance.now() };
const NO_TLS = { ca: null, cert: null, key: null, verify: true };
const MIB = 1024 * 1024;
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

const get = (url: string, changes: Partial<HttpRequest> = {}): HttpRequest => ({
  method: 'GET',
  url,
  headers: {},
  timeouts: { connect: 1000, response: 1500 },
  signal: new AbortController().signal,
  ...changes,
});

const brief = (result: HttpResult) =>
  result.type === 'response' ? [result.status, result.body] : [result.kind, result.message];

/** One and a half requests, for a busy machine; without a bound these took a minute and more. */
const IN_TIME = 5000;

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const chunk = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n`;

const FLOODS = [
  {
    name: '100 Continue without end',
    flood: { piece: 'HTTP/1.1 100 Continue\r\n\r\n' },
    kind: 'invalid-body',
    message: 'endless interim responses (1xx)',
  },
  {
    name: '103 Early Hints without end',
    flood: { piece: 'HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n' },
    kind: 'invalid-body',
    message: 'endless interim responses (1xx)',
  },
  {
    name: 'chunks of one byte without end',
    flood: { head: CHUNKED, piece: '1\r\nA\r\n' },
    kind: 'invalid-body',
    message: 'HTTP 200 with a body in pieces of a few bytes',
  },
  {
    name: 'chunks of 64 KiB without end',
    flood: { head: CHUNKED, piece: chunk('A'.repeat(65_536)) },
    kind: 'invalid-body',
    message: 'HTTP 200 with a body of more than 8 MiB',
  },
  {
    name: 'JSON that opens arrays without end',
    flood: { head: CHUNKED, piece: chunk('['.repeat(65_536)) },
    kind: 'invalid-body',
    message: 'HTTP 200 with a body of more than 8 MiB',
  },
  {
    name: 'a body that ends with the connection, without end',
    flood: { head: 'HTTP/1.1 200 OK\r\n\r\n', piece: 'A' },
    kind: 'invalid-body',
    message: 'HTTP 200 with a body of more than 8 MiB',
  },
  {
    name: 'a Content-Length of 1 TiB',
    flood: { head: 'HTTP/1.1 200 OK\r\nContent-Length: 1099511627776\r\n\r\n', piece: 'A' },
    kind: 'invalid-body',
    message: 'HTTP 200 with a body of more than 8 MiB',
  },
  {
    name: 'one header without end',
    flood: { head: 'HTTP/1.1 200 OK\r\nX: ', piece: 'a' },
    kind: 'invalid-body',
    message: /^HPE_HEADER_OVERFLOW/,
  },
  {
    name: 'headers without end',
    flood: { head: 'HTTP/1.1 200 OK\r\n', piece: 'X-H: 1\r\n' },
    kind: 'invalid-body',
    message: /^HPE_HEADER_OVERFLOW/,
  },
  {
    name: 'a reason without end',
    flood: { head: 'HTTP/1.1 200 ', piece: 'K' },
    kind: 'invalid-body',
    message: /^HPE_HEADER_OVERFLOW/,
  },
  {
    name: 'a chunk extension without end',
    flood: { head: `${CHUNKED}1;`, piece: 'a=b;' },
    kind: 'truncated-body',
    message: 'HTTP 200, but the connection was closed within the body',
  },
  {
    name: 'trailers without end',
    flood: { head: `${CHUNKED}0\r\n`, piece: 'X-T: 1\r\n' },
    kind: 'truncated-body',
    message: 'HTTP 200, but the connection was closed within the body',
  },
  {
    name: 'another protocol without end',
    flood: { head: 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n', piece: 'A' },
    kind: 'invalid-body',
    message: 'HTTP 101: unexpected switch to another protocol',
  },
  {
    name: 'empty lines without end',
    flood: { piece: '\r\n' },
    kind: 'response-timeout',
    message: 'no answer within 1.5 s',
  },
] as const;

describe('a server that never pauses', () => {
  it.each(FLOODS)('and sends $name is cut off in time and does not affect others', async ({ flood, kind, message }) => {
    const bad = closeLater(await serveFlood(flood));
    const good = closeLater(await serveHttp((_request, response) => response.end('good')));
    const began = performance.now();
    const sending = client().send(get(bad.url));
    const other = client();
    const seen: unknown[] = [];
    while (performance.now() - began < 400) {
      seen.push(brief(await other.send(get(good.url, { timeouts: { connect: 3000, response: 3000 } }))));
      await setTimeout(20);
    }
    const result = await sending;
    expect(brief(result)).toEqual([kind, typeof message === 'string' ? message : expect.stringMatching(message)]);
    expect(result.endedAt - result.sentAt).toBeLessThan(IN_TIME);
    expect(seen.every((one) => JSON.stringify(one) === '[200,"good"]')).toBe(true);
  });

  it('is cut off at the deadline while allowed data is still arriving', async () => {
    const bad = closeLater(await serveFlood({ head: CHUNKED, piece: chunk('A'.repeat(100)) }));
    const bodies = createBodyBudget(1024 * MIB);
    const given = { bodyLimit: 1024 * MIB, timeouts: { connect: 300, response: 300 } };
    const result = await client({ bodies }).send(get(bad.url, given));
    expect(result.endedAt - result.sentAt).toBeLessThan(IN_TIME);
    // Reading without a pause may stall the event loop, which makes the result void.
    expect(['response-timeout', 'stalled']).toContain(brief(result)[0]);
  });
});

describe('a body', () => {
  const serve = async (status: number, body: string): Promise<ScriptedServer> =>
    closeLater(
      await serveHttp((_request, response) => {
        response.writeHead(status, { 'Content-Type': 'text/plain' });
        response.end(body);
      }),
    );

  it('of exactly the limit is complete, and one byte more is invalid', async () => {
    for (const [size, seen] of [
      [MIB, [200, 'A'.repeat(MIB)]],
      [MIB + 1, ['invalid-body', 'HTTP 200 with a body of more than 1 MiB']],
    ] as const) {
      const server = await serve(200, 'A'.repeat(size));
      expect(brief(await client().send(get(server.url, { bodyLimit: MIB })))).toEqual(seen);
    }
  });

  it.each([302, 404, 500, 503])('of an error (%d) is read up to 64 KiB and reported as that error', async (status) => {
    const server = await serve(status, 'A'.repeat(MIB));
    expect(brief(await client({ connection: 'reused' }).send(get(server.url)))).toEqual([
      status,
      'A'.repeat(ERROR_BODY_LIMIT),
    ]);
  });

  it('is complete however it is split', async () => {
    const server = closeLater(
      await serveTcp((socket) =>
        socket.once('data', () => socket.end(`${CHUNKED}${chunk('é'.slice(0, 1)).repeat(5000)}0\r\n\r\n`, 'latin1')),
      ),
    );
    const result = await client().send(get(server.url));
    expect(result).toMatchObject({ type: 'response', status: 200 });
    expect(result.type === 'response' && result.body.length).toBe(5000);
  });

  it('that exceeds the shared memory makes the largest one void, not the others', async () => {
    const bodies = createBodyBudget(3 * MIB);
    const server = closeLater(
      await serveHttp((request, response) => {
        response.write('A'.repeat(request.url === '/small' ? MIB / 4 : 1.9 * MIB));
        if (request.url === '/small') globalThis.setTimeout(() => response.end('A'), 700);
      }),
    );
    const given = { bodyLimit: 2 * MIB, timeouts: { connect: 1000, response: 5000 } };
    const small = client({ bodies }).send(get(`${server.url}/small`, given));
    await setTimeout(50);
    const first = client({ bodies }).send(get(server.url, given));
    await setTimeout(200);
    const second = client({ bodies }).send(get(server.url, { ...given, timeouts: { connect: 1000, response: 900 } }));
    const seen = await Promise.all([small, first, second]);
    const kinds = seen.map((one) => (one.type === 'response' ? one.status : one.kind));
    expect(kinds).toEqual([200, 'internal', 'response-timeout']);
  });
});
