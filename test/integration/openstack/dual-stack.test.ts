import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { type AddressInfo, connect, type LookupFunction, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { createBodyBudget } from '../../../src/http/read-body.ts';
import { exchange } from '../../../src/openstack/http/exchange.ts';
import { serveHttp } from '../../support/scripted-server.ts';

/**
 * A listener that accepts nothing until `accept()`: its listen queue is full, so the kernel drops what comes on top, as
 * a firewall does. Then it answers each request with 200.
 */
async function startFullListener(host: string, atPort = 0) {
  const state = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(
    `const { workerData: { state, host, atPort }, parentPort } = require('node:worker_threads');
    const server = require('node:http').createServer((_, response) => response.end('late'));
    server.listen({ port: atPort, host, backlog: 1 }, () => {
      parentPort.postMessage(server.address());
      Atomics.wait(state, 0, 0);
    });`,
    { eval: true, workerData: { state, host, atPort } },
  );
  const { promise: listening, resolve } = Promise.withResolvers<AddressInfo>();
  worker.once('message', resolve);
  const { port } = await listening;
  const fillers: Socket[] = [];
  for (let index = 0; index < 6; index++) {
    const socket = connect({ port, host });
    socket.on('error', () => {});
    fillers.push(socket);
  }
  await delay(50);
  const accept = () => {
    for (const socket of fillers) socket.destroy();
    Atomics.store(state, 0, 1);
    Atomics.notify(state, 0);
  };
  return {
    port,
    accept,
    async close() {
      accept();
      await worker.terminate();
    },
  };
}

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});
const closeLater = <T extends { close(): unknown }>(one: T): T => {
  opened.push(one);
  return one;
};

const clock = { now: () => performance.timeOrigin + performance.now() };

/** Sends a GET to a name that resolves to these addresses. */
function get(port: number, addresses: readonly { address: string; family: 4 | 6 }[], connectLimit: number) {
  const lookup: LookupFunction = (_host, _options, callback) => callback(null, [...addresses]);
  const agents = { http: new Agent({ lookup }), https: new TlsAgent({ lookup }) };
  return exchange(
    {
      method: 'GET',
      url: `http://nova.example:${port}/`,
      headers: {},
      timeouts: { connect: connectLimit, response: 10_000 },
      signal: new AbortController().signal,
    },
    { agents, clock, bodies: createBodyBudget(1e6) },
  );
}

describe('a name with several addresses', { timeout: 20_000 }, () => {
  it('waits for a slow first address longer than 250 ms, as the second may drop everything', async () => {
    const slow = closeLater(await startFullListener('127.0.0.1'));
    closeLater(await startFullListener('127.0.0.2', slow.port));
    const accepted = delay(500).then(slow.accept);
    const result = await get(
      slow.port,
      [
        { address: '127.0.0.1', family: 4 },
        { address: '127.0.0.2', family: 4 },
      ],
      8000,
    );
    expect(result).toMatchObject({ type: 'response', status: 200, body: 'late' });
    await accepted;
    expect(result.stages['connect']).toBeGreaterThan(0.25);
  });

  it('connects to the second address within the limit when the first drops everything', async () => {
    const second = closeLater(await serveHttp((_request, response) => response.end('second')));
    const port = Number(new URL(second.url).port);
    closeLater(await startFullListener('127.0.0.2', port));
    const result = await get(
      port,
      [
        { address: '127.0.0.2', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
      2000,
    );
    expect(result).toMatchObject({ type: 'response', status: 200, body: 'second' });
  });

  it('fails as connect-timeout at the limit when every address drops everything', async () => {
    const dead = closeLater(await startFullListener('127.0.0.2'));
    const result = await get(
      dead.port,
      [
        { address: '127.0.0.2', family: 4 },
        { address: '127.0.0.2', family: 4 },
      ],
      1000,
    );
    expect(result).toMatchObject({ kind: 'connect-timeout', message: 'no connection within 1 s' });
  });
});
