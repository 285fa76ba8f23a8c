import { Agent, request } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { now } from '../../../src/fake-openstack/clock.ts';
import type { EmbeddedCloud } from '../../../src/fake-openstack/cloud.ts';
import { startEmbeddedCloud } from '../../../src/fake-openstack/embedded-cloud.ts';
import { type CloudUser, signIn } from '../../support/cloud-user.ts';

let cloud: EmbeddedCloud;
let user: CloudUser;
beforeAll(async () => {
  cloud = await startEmbeddedCloud({ speed: 50 });
  user = await signIn(cloud);
});
afterAll(() => cloud.close());

/** Lists servers on a new connection, or on one of `agent`. Returns status and body, or the error code. */
function list({ agent, wait = 300 }: { agent?: Agent; wait?: number } = {}): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const outgoing = request(
    {
      host: '127.0.0.1',
      port: cloud.ports['nova-api'],
      path: '/v2.1/servers/detail',
      headers: { 'X-Auth-Token': user.token },
      timeout: wait,
      agent: agent ?? false,
    },
    (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      response.on('end', () => resolve(`${response.statusCode} ${body}`));
      response.on('error', (error: NodeJS.ErrnoException) => resolve(`${response.statusCode} then ${error.code}`));
    },
  );
  outgoing.on('timeout', () => {
    resolve('no answer');
    outgoing.destroy();
  });
  outgoing.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  outgoing.end();
  return promise;
}

describe('an HTTP fault', () => {
  it.each([
    ['refuse', 'ECONNREFUSED'],
    ['reset', 'ECONNRESET'],
    ['hang', 'no answer'],
    ['truncated', '200 then ECONNRESET'],
    ['rubbish', '200 <html><body><h1>It works!</h1></body></html>\n'],
  ] as const)('%s: %s on new and reused connections until it is removed', async (kind, expected) => {
    const agent = new Agent({ keepAlive: true });
    const fine = '200 {"servers":[]}';
    expect(await list({ agent })).toBe(fine);
    await cloud.setFault('nova-api', { kind });
    await setTimeout(20);
    expect([await list(), await list({ agent })]).toEqual([expected, expected]);
    await cloud.setFault('nova-api', null);
    expect([await list(), await list({ agent })]).toEqual([fine, fine]);
    agent.destroy();
  });

  it("http-500: Nova's error body", async () => {
    await cloud.setFault('nova-api', { kind: 'http-500' });
    expect(await list()).toMatch(/^500 {"computeFault":{"code":500,"message":"Unexpected API Error/);
    await cloud.setFault('nova-api', null);
  });

  it("lb-503: HAProxy's page", async () => {
    await cloud.setFault('nova-api', { kind: 'lb-503' });
    expect(await list()).toMatch(
      /^503 <html><body><h1>503 Service Unavailable<\/h1>\nNo server is available to handle/,
    );
    await cloud.setFault('nova-api', null);
  });

  it('slow: the normal response after a delay', async () => {
    await cloud.setFault('nova-api', { kind: 'slow', ms: 150 });
    const sent = performance.now();
    expect(await list()).toBe('200 {"servers":[]}');
    expect(performance.now() - sent).toBeGreaterThan(149);
    await cloud.setFault('nova-api', null);
  });

  it('hang: hanging requests get no response even after the fault is removed', async () => {
    await cloud.setFault('nova-api', { kind: 'hang' });
    const timedOut = list();
    await setTimeout(50);
    await cloud.setFault('nova-api', null);
    expect(await list()).toBe('200 {"servers":[]}');
    expect(await timedOut).toBe('no answer');
  });

  it('of another service does not affect Nova', async () => {
    await cloud.setFault('keystone', { kind: 'refuse' });
    await expect(signIn(cloud)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
    expect(await list()).toBe('200 {"servers":[]}');
    await cloud.setFault('keystone', null);
    await signIn(cloud);
  });

  it('is in the outage log with its exact times, as API downtime unless it is slow', async () => {
    const earlier = (await cloud.injectedOutages()).length;
    const before = now();
    const from = await cloud.setFault('nova-api', { kind: 'reset' });
    const between = now();
    const next = await cloud.setFault('nova-api', { kind: 'slow', ms: 1 });
    const open = (await cloud.injectedOutages()).at(-1);
    const until = await cloud.setFault('nova-api', null);
    expect(before <= from && from <= between && between <= next && next <= until).toBe(true);
    const common = { service: 'nova-api' };
    expect(open).toEqual({ ...common, what: 'nova-api: slow', kind: 'slow', from: next, until: null, apiDown: false });
    expect((await cloud.injectedOutages()).slice(earlier)).toEqual([
      { ...common, what: 'nova-api: reset', kind: 'reset', from, until: next, apiDown: true },
      { ...common, what: 'nova-api: slow', kind: 'slow', from: next, until, apiDown: false },
    ]);
  });

  it('takes effect at the reported time: later requests fail until it is removed', async () => {
    const agent = new Agent({ keepAlive: true });
    for (let round = 0; round < 20; round++) {
      const from = await cloud.setFault('nova-api', { kind: 'refuse' });
      expect(now()).toBeGreaterThanOrEqual(from);
      // The cloud runs in this thread: let the reset of the reused connection arrive first.
      await setTimeout(20);
      expect(await Promise.all([list(), list({ agent })])).toEqual(['ECONNREFUSED', 'ECONNREFUSED']);
      await cloud.setFault('nova-api', null);
      expect(await Promise.all([list(), list({ agent })])).toEqual(['200 {"servers":[]}', '200 {"servers":[]}']);
    }
    agent.destroy();
  });
});

describe('nova-api', () => {
  it('stopped: finishes requests in progress, resets queued ones and refuses new ones', async () => {
    const slow = await startEmbeddedCloud({ speed: 0.002 });
    try {
      const requests = await burst(slow, 4);
      const stopped = slow.stop('nova-api', { scale: 0.002 });
      expect((await Promise.all(requests)).toSorted()).toEqual(['200', '200', 'ECONNRESET', 'ECONNRESET']);
      await stopped;
      expect((await Promise.all(await burst(slow, 1)))[0]).toBe('ECONNREFUSED');
    } finally {
      await slow.close();
    }
  });

  it('stopped: requests wait until it exits and are then reset, on new and reused connections', async () => {
    const agent = new Agent({ keepAlive: true });
    const fine = '200 {"servers":[]}';
    expect(await list({ agent })).toBe(fine);
    const began = now();
    const stopped = cloud.stop('nova-api', { drain: 0.4, scale: 50 });
    await setTimeout(20);
    const answers = [list({ wait: 5000 }), list({ wait: 5000, agent })].map(timed);
    const from = await stopped;
    expect([began <= from, from < began + 20]).toEqual([true, true]);
    for (const { result, at } of await Promise.all(answers)) {
      expect(result).toBe('ECONNRESET');
      expect(at - from).toBeGreaterThan(399);
    }
    expect(await list()).toBe('ECONNREFUSED');
    await cloud.start('nova-api');
    expect([await list(), await list({ agent })]).toEqual([fine, fine]);
    agent.destroy();
  });

  it('stopped without drain: refuses connections at once, like a server that closes its port first', async () => {
    const stopped = cloud.stop('nova-api', { drain: 0, scale: 5 });
    await setTimeout(20);
    expect(await list()).toBe('ECONNREFUSED');
    await stopped;
    await cloud.start('nova-api');
  });

  it('stopped during a slow request: resets waiting requests once that one is finished', async () => {
    const slow = await startEmbeddedCloud({ speed: 0.002 });
    try {
      const requests = (await burst(slow, 3)).map(timed);
      const stopped = slow.stop('nova-api', { drain: 0.00001 });
      const ended = (await Promise.all(requests)).toSorted((a, b) => a.at - b.at);
      // The version document takes half a second at this speed, the process 5 ms.
      expect(ended.map(({ result }) => result)).toEqual(['200', '200', 'ECONNRESET']);
      await stopped;
    } finally {
      await slow.close();
    }
  });

  it('killed: all connections are reset', async () => {
    const slow = await startEmbeddedCloud({ speed: 0.002 });
    try {
      const requests = await burst(slow, 3);
      await slow.kill('nova-api');
      expect(await Promise.all(requests)).toEqual(['ECONNRESET', 'ECONNRESET', 'ECONNRESET']);
    } finally {
      await slow.close();
    }
  });

  it('starting and reloading: requests wait and none is lost', async () => {
    await cloud.stop('nova-api');
    const started = cloud.start('nova-api', { scale: 5 });
    await setTimeout(50);
    const sent = performance.now();
    expect(await list()).toBe('200 {"servers":[]}');
    expect(performance.now() - sent).toBeGreaterThan(100);
    await started;
    const again = cloud.hup('nova-api', { scale: 2 });
    const asked = performance.now();
    expect(await list()).toBe('200 {"servers":[]}');
    expect(performance.now() - asked).toBeGreaterThan(150);
    await again;
  });

  it('is logged as stopped from SIGTERM until it accepts again', async () => {
    const earlier = (await cloud.injectedOutages()).length;
    const from = await cloud.stop('nova-api');
    const until = await cloud.start('nova-api');
    const logged = (await cloud.injectedOutages()).slice(earlier);
    expect(logged[0]).toEqual({
      what: 'nova-api stopped (SIGTERM)',
      service: 'nova-api',
      kind: 'stopped',
      from,
      until,
      apiDown: true,
    });
    expect(logged[1]).toMatchObject({ kind: 'loading', from: until, apiDown: false });
    // The process took 1.1 s to end, at 50 times the speed.
    expect(until - from).toBeGreaterThan(20);
  });

  it('stops and starts only once when asked twice', async () => {
    const [first, second] = await Promise.all([cloud.stop('nova-api'), cloud.stop('nova-api')]);
    expect(second).toBe(first);
    const [started, again] = await Promise.all([cloud.start('nova-api'), cloud.start('nova-api')]);
    expect(again).toBe(started);
  });
});

const timed = async (answer: Promise<string>) => ({ result: await answer, at: now() });

/** Requests the version document `count` times in parallel. Each request resolves to its status or error code. */
async function burst(slow: EmbeddedCloud, count: number): Promise<readonly Promise<string>[]> {
  const requests = Array.from({ length: count }, () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const outgoing = request({ host: '127.0.0.1', port: slow.ports['nova-api'], path: '/' }, (response) => {
      response.resume();
      response.on('end', () => resolve(String(response.statusCode)));
    });
    outgoing.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    outgoing.end();
    return promise;
  });
  await setTimeout(100);
  return requests;
}
