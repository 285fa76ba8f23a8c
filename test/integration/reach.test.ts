import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { reach } from '../../src/probes/server-reach.ts';
import { freePort } from '../support/free-port.ts';

const clock = { now: () => performance.timeOrigin + performance.now() };
const never = new AbortController().signal;
const open: { server: Server; sockets: Set<Socket> }[] = [];

afterEach(async () => {
  for (const { server, sockets } of open.splice(0)) {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  }
});

async function listening(answer: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    answer(socket);
  }).listen(0, '127.0.0.1');
  open.push({ server, sockets });
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

const call = (port: number, { banner = true, timeout = 2000, host = '127.0.0.1', signal = never } = {}) =>
  reach({ host, port, timeout, banner, clock, signal });

describe('reach', () => {
  it('is ok after the SSH banner, with other lines before it and in any chunks', async () => {
    const port = await listening((socket) => {
      socket.write('Welcome\r\nSSH-2.');
      setTimeout(() => socket.write('0-OpenSSH_9.2\r\n'), 20);
    });
    const before = clock.now();
    const result = await call(port);
    expect(result).toMatchObject({
      outcome: 'ok',
      stages: { connect: expect.any(Number), banner: expect.any(Number) },
    });
    // The sample proves the service up when it was sent.
    const { lastKnownUpAt = 0, settledAt = 0 } = result.outcome === 'ok' ? result : {};
    expect(lastKnownUpAt).toBeGreaterThanOrEqual(before);
    expect(settledAt).toBeGreaterThan(lastKnownUpAt);
  });

  it('is ok after the connection if no banner is wanted', async () => {
    const port = await listening(() => {});
    expect(await call(port, { banner: false })).toMatchObject({
      outcome: 'ok',
      stages: { connect: expect.any(Number) },
    });
  });

  it('times the look-up of a host name', async () => {
    const port = await listening((socket) => void socket.write('SSH-2.0-x\r\n'));
    const { stages, outcome } = await call(port, { host: 'localhost' });
    expect({ outcome, stages: Object.keys(stages) }).toEqual({ outcome: 'ok', stages: ['dns', 'connect', 'banner'] });
  });

  it('fails if nothing listens', async () => {
    const result = await call(await freePort());
    expect(result).toMatchObject({
      outcome: 'failed',
      timedOut: false,
      cause: { kind: 'connection-refused', service: 'server' },
    });
  });

  it('times out without a banner', async () => {
    const port = await listening(() => {});
    const result = await call(port, { timeout: 200 });
    expect(result).toMatchObject({
      outcome: 'failed',
      timedOut: true,
      cause: { kind: 'response-timeout', service: 'server', message: 'no SSH banner within 0.2 s' },
    });
  });

  it('fails if the server closes the connection or does not speak SSH', async () => {
    const cut = await listening((socket) => void socket.end());
    expect(await call(cut)).toMatchObject({ outcome: 'failed', cause: { kind: 'connection-reset' } });
    const web = await listening((socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n'.repeat(1000)));
    expect(await call(web)).toMatchObject({ outcome: 'failed', cause: { kind: 'invalid-body' } });
  });

  it('is void at shutdown', async () => {
    const port = await listening(() => {});
    const stop = new AbortController();
    const result = call(port, { timeout: 60_000, signal: stop.signal });
    stop.abort();
    expect(await result).toMatchObject({ outcome: 'void', cause: { kind: 'shutdown', service: 'rollwatch' } });
  });
});
