/** Clients that download endlessly, never read or never finish must not affect others. */

import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { BEGAN } from '../../support/live.ts';
import { okSample } from '../../support/samples.ts';
import { ask, type Served, serve } from '../../support/served.ts';

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

type Client = { readonly socket: Socket; readonly text: () => string; readonly closed: Promise<void> };

/** A raw connection from a loopback address; it reads until it is paused. */
async function client(served: Served, text: string, { from = '127.0.0.1', reads = true } = {}): Promise<Client> {
  const { port } = new URL(served.url);
  const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress: from });
  sockets.push(socket);
  let got = '';
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.on('error', () => {});
  if (reads) socket.on('data', (piece: Buffer) => (got += piece.toString()));
  else socket.pause();
  await new Promise((resolve) => socket.on('connect', resolve));
  socket.write(text);
  return { socket, text: () => got, closed };
}

const EVENTS = 'GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n';
const SAMPLES = 'GET /api/v1/samples HTTP/1.1\r\nHost: localhost\r\n\r\n';

describe('the event stream', () => {
  it('accepts a new client even if all streams are in use, by the same address or by others', async () => {
    await using served = await serve({ limits: { events: { total: 4, perAddress: 2 } } });
    const deaf = [];
    for (const from of ['127.0.0.2', '127.0.0.2', '127.0.0.2', '127.0.0.3', '127.0.0.3', '127.0.0.4'])
      deaf.push(await client(served, EVENTS, { from, reads: false }));
    const reader = await client(served, EVENTS);
    await expect.poll(reader.text).toContain('event: status');
    // The first three were dropped: one because of its address, two as the oldest.
    for (const client of [deaf[0], deaf[1]]) client?.socket.resume();
    await deaf[0]?.closed;
    await deaf[1]?.closed;
    served.sample(okSample({ seq: 0, at: BEGAN }, 42));
    await expect.poll(reader.text).toContain('event: samples');
    expect((await ask(`${served.url}/healthz`)).status).toBe(200);
  });
});

describe('a download', () => {
  it('that nobody reads is ended for a new client, and the journal is no longer read', async () => {
    let open = 0;
    let read = 0;
    async function* stored() {
      open += 1;
      try {
        for (let seq = 0; seq < 1_000_000; seq++) {
          read += 1;
          yield okSample({ seq, at: BEGAN + seq }, 1);
          if (seq % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
      } finally {
        open -= 1;
      }
    }
    await using served = await serve({ stored, limits: { downloads: { total: 2, perAddress: 2 } } });
    for (let count = 0; count < 5; count++) await client(served, SAMPLES, { reads: false });
    await expect.poll(() => open).toBe(2);
    const reader = await client(served, SAMPLES);
    await expect.poll(() => reader.text().length).toBeGreaterThan(1_000_000);
    expect(read).toBeLessThan(500_000);
    reader.socket.destroy();
    await expect.poll(() => open).toBe(1);
  });
});

describe('a connection', () => {
  it('that is idle is closed for a new connection; one that is being answered is not', async () => {
    await using served = await serve({ limits: { connections: { total: 4, perAddress: 4 } } });
    const busy = await client(served, EVENTS);
    await expect.poll(busy.text).toContain('event: status');
    const idle = [];
    for (let count = 0; count < 20; count++) idle.push(await client(served, ''));
    await Promise.all(idle.slice(0, 16).map(({ closed }) => closed));
    expect((await ask(`${served.url}/healthz`)).status).toBe(200);
    served.sample(okSample({ seq: 0, at: BEGAN }, 42));
    await expect.poll(busy.text).toContain('event: samples');
  });

  const limits = { headers: 150, request: 300, stall: 600 };
  it.each([
    ['that sends nothing', ''],
    ['that never ends its headers', 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: b'],
    [
      'that never ends its body',
      'POST /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
    ],
    [
      'that never ends its body in chunks',
      'POST /api/v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n',
    ],
  ])('%s is closed', async (_, text) => {
    await using served = await serve({ limits });
    const { closed, text: got } = await client(served, text);
    await closed;
    if (got() !== '') expect(got()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect((await ask(`${served.url}/healthz`)).status).toBe(200);
  });

  it('that no longer reads its download is closed', async () => {
    let open = 0;
    async function* stored() {
      open += 1;
      try {
        for (let seq = 0; ; seq++) yield okSample({ seq, at: BEGAN + seq }, 1);
      } finally {
        open -= 1;
      }
    }
    await using served = await serve({ stored, limits });
    await client(served, SAMPLES, { reads: false });
    await expect.poll(() => open).toBe(1);
    await expect.poll(() => open, { timeout: 10_000 }).toBe(0);
  });
});
