import { afterEach, describe, expect, it } from 'vitest';
import { secret } from '../../src/domain/redaction.ts';
import { createJsonClient, HttpError } from '../../src/http/json-client.ts';
import { serveFlood } from '../support/flood-server.ts';
import { serveHttp } from '../support/scripted-server.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});
const kept = <T extends { close(): unknown }>(one: T): T => {
  open.push(one);
  return one;
};

const SECRET = 'PLANTED-TOKEN-5e7f0a';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

/** The result of a request: status and length of the body, or the error. */
async function ask(url: string, timeout = 1500) {
  const client = kept(
    createJsonClient({ url, token: secret(SECRET) }, { signal: new AbortController().signal, timeout }),
  );
  const began = performance.now();
  const seen = await client.request('GET', '/').then(
    ({ status, body }) => [status, body.length] as const,
    (error: unknown) => error,
  );
  return { seen, took: performance.now() - began };
}

describe('an ARA or a Grafana that never pauses', () => {
  it.each([
    ['interim answers', { piece: 'HTTP/1.1 100 Continue\r\n\r\n' }, 'endless interim responses (1xx)'],
    ['chunks of one byte', { head: CHUNKED, piece: '1\r\nA\r\n' }, 'the response arrives in chunks of a few bytes'],
    ['a body', { head: 'HTTP/1.1 200 OK\r\n\r\n', piece: 'A' }, 'the response is larger than 16 MiB'],
    [
      'another protocol',
      { head: 'HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n', piece: 'A' },
      /^HTTP 101/,
    ],
    ['headers', { head: 'HTTP/1.1 200 OK\r\n', piece: 'X-H: 1\r\n' }, /Header overflow/],
    ['empty lines', { piece: '\r\n' }, 'no answer within 1.5 s'],
  ])('and sends %s is away, in one line', async (_what, flood, reason) => {
    const { seen, took } = await ask(kept(await serveFlood(flood)).url);
    expect(seen).toBeInstanceOf(HttpError);
    expect(seen).toMatchObject({ message: typeof reason === 'string' ? reason : expect.stringMatching(reason) });
    expect(Object.keys(seen as object)).toEqual([]);
    expect(took).toBeLessThan(5000);
  });
});

it('returns a large answer completely', async () => {
  const server = kept(await serveHttp((_request, response) => response.end('é'.repeat(1_000_000))));
  expect((await ask(server.url)).seen).toEqual([200, 1_000_000]);
});

it.each(['ftp://127.0.0.1:1', 'file:///etc', 'http://127.0.0.1:1'])(
  'an error does not contain what was sent to %s',
  async (url) => {
    const { seen } = await ask(url);
    expect(seen).toBeInstanceOf(HttpError);
    expect(`${(seen as Error).stack} ${JSON.stringify(seen)}`).not.toContain(SECRET);
  },
);
