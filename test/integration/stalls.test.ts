import { mkdtempSync, readFile, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PEER_TIMEOUT_MS } from '../../src/domain/downtime/stalls.ts';
import { length, subtract } from '../../src/domain/interval.ts';
import type { Probe, ProbeResult } from '../../src/domain/probe.ts';
import { secret } from '../../src/domain/redaction.ts';
import { createRunState } from '../../src/domain/run/run-state.ts';
import type { SamplerEvent } from '../../src/domain/sampler-event.ts';
import type { ServiceName } from '../../src/fake-openstack/services.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { openCloud } from '../../src/openstack/cloud.ts';
import { createHttpClient } from '../../src/openstack/http/http.ts';
import { createJanitor } from '../../src/probes/janitor.ts';
import { describeProbes } from '../../src/probes/registry.ts';
import { serverBoot } from '../../src/probes/server-boot.ts';
import { serverList } from '../../src/probes/server-list.ts';
import { reach } from '../../src/probes/server-reach.ts';
import { createTimeline, machineClocks } from '../../src/sampler/clock.ts';
import { startRunner } from '../../src/sampler/runner.ts';
import { accessTo } from '../support/cloud-access.ts';
import { discard, startWatch, type WatchProcess } from '../support/daemon.ts';

/** Use 100 by hand; a few are enough to notice a regression. */
const STALLS = Number(process.env['ROLLWATCH_STALLS'] ?? 6);
const STALL = 1500;

function block(millis = STALL): void {
  const until = performance.now() + millis;
  while (performance.now() < until) {
    // Stalls on purpose.
  }
}

const WAYS: readonly (() => Promise<void>)[] = [
  () => new Promise((resolve) => setTimeout(() => resolve(block()), 1)),
  () => new Promise((resolve) => readFile(import.meta.filename, () => resolve(block()))),
  () => new Promise((resolve) => setImmediate(() => resolve(block()))),
];

it('a stall of the event loop is not a failure of the cloud, and its time is unobserved', {
  timeout: 20_000 + STALLS * 4500,
}, async () => {
  const cloud = await startCloudWorker({ workers: 16 });
  const timeline = createTimeline(machineClocks, 500);
  const who = { name: 'probe', domain: { name: 'Default' } };
  const client = openCloud({
    clock: timeline,
    access: {
      name: 'embedded',
      authUrl: cloud.authUrl,
      auth: { type: 'password', user: who, password: secret(cloud.password), project: who },
      regionName: null,
      interface: 'public',
      interfaces: {},
      tls: { ca: null, cert: null, key: null, verify: true },
      overrides: {},
      computeMicroversion: null,
      apiTimeout: null,
    },
  });
  // A time limit shorter than the stall: an answer that arrived in time but was read late must not count as late.
  const settings = {
    interval: 1000,
    slow: 900,
    timeout: 1000,
    afterFailure: { interval: 100, limit: 60_000 },
    detail: true,
    limit: 100,
  };
  const place = { cloud: 'embedded', vantage: 'here' };
  const probes: readonly Probe[] = (['reused', 'new'] as const).map((connection) =>
    serverList(client, place, { settings, connection }),
  );
  const observation = createRunState({
    run: 'stalls',
    version: 'test',
    overall: ['server-list'],
    probes: describeProbes(),
  });
  const startedAt = timeline.now();
  const session = { id: 1, startedAt, aliveAt: startedAt, ended: false, version: '', vantage: 'here', facts: {} };
  observation.openSession(
    session,
    probes.map((one) => one.series),
  );
  const emit = (event: SamplerEvent) => {
    if (event.type === 'sample' || event.type === 'gap') observation.accept(event);
  };
  const runner = startRunner({ probes, session: 1, timeline, emit, stallLimit: 250, drainTimeout: 2000 });
  try {
    await delay(2500);
    for (let count = 0; count < STALLS; count++) {
      await WAYS[count % WAYS.length]?.();
      await delay(2200 + Math.random() * 300);
    }
  } finally {
    await runner.stop();
    client.close();
    await cloud.close();
  }
  const report = observation.report(timeline.now());
  expect(report.windows.filter((one) => one.kind === 'down')).toEqual([]);
  const stalled = report.observationGaps.filter((one) => one.kind === 'stalled');
  expect(length(stalled)).toBeGreaterThanOrEqual(STALLS * STALL);
  for (const { samples, gaps } of report.probes) {
    expect(samples.failed).toBe(0);
    expect(length(subtract(stalled, gaps))).toBeCloseTo(0, 3);
  }
});

/** Answers in its own thread, so that it serves while this one stalls. */
const SLOW_SERVER = `
const { parentPort, workerData: { after } } = require('node:worker_threads');
const server = require('node:http').createServer((_request, response) => {
  setTimeout(() => response.end('late'), after);
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;

const SLOW_BANNER = `
const { parentPort, workerData: { after } } = require('node:worker_threads');
const server = require('node:net').createServer((socket) => {
  socket.on('error', () => {});
  setTimeout(() => socket.write('SSH-2.0-x\\r\\n'), after);
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;

/** Closes every connection. */
const HANGING_UP = `
const { parentPort, workerData: { after } } = require('node:worker_threads');
const server = require('node:net').createServer((socket) => {
  socket.on('error', () => {});
  setTimeout(() => socket.destroy(), after);
});
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;

async function serveSlowly(code: string, after: number) {
  const worker = new Worker(code, { eval: true, workerData: { after } });
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  return { port, [Symbol.asyncDispose]: async () => void (await worker.terminate()) };
}

describe('a timeout of 1 s with a stall of 0.9 s', () => {
  const clock = { now: () => performance.timeOrigin + performance.now() };
  const signal = new AbortController().signal;
  const tls = { ca: null, cert: null, key: null, verify: true };
  const NEVER_MS = 600_000;

  async function get(port: number) {
    const http = createHttpClient({ clock, tls, connection: 'new' });
    try {
      const timeouts = { connect: 1000, response: 1000 };
      const url = `http://127.0.0.1:${port}/`;
      const sent = http.send({ method: 'GET', url, headers: {}, timeouts, signal });
      block(900);
      return await sent;
    } finally {
      http.close();
    }
  }

  function touch(port: number) {
    const answer = reach({ host: '127.0.0.1', port, timeout: 1000, banner: true, clock, signal });
    block(900);
    return answer;
  }

  it('accepts an answer that takes 0.5 s', async () => {
    await using slow = await serveSlowly(SLOW_SERVER, 500);
    expect(await get(slow.port)).toMatchObject({ type: 'response', status: 200, body: 'late' });
  });

  it('accepts a banner that takes 0.5 s', async () => {
    await using slow = await serveSlowly(SLOW_BANNER, 500);
    expect(await touch(slow.port)).toMatchObject({ outcome: 'ok' });
  });

  it('is exceeded by a request that hangs, which is certain', async () => {
    await using hanging = await serveSlowly(SLOW_SERVER, NEVER_MS);
    const result = await get(hanging.port);
    expect(result).toMatchObject({ type: 'failure', kind: 'response-timeout' });
    expect(result.endedAt - result.sentAt).toBeGreaterThan(1850);
  });

  it('is exceeded by a banner that does not arrive, which is certain', async () => {
    await using silent = await serveSlowly(SLOW_BANNER, NEVER_MS);
    expect(await touch(silent.port)).toMatchObject({ outcome: 'failed', cause: { kind: 'response-timeout' } });
  });
});

describe('a connection that was closed', () => {
  const clock = { now: () => performance.timeOrigin + performance.now() };
  const signal = new AbortController().signal;

  it.each([
    { millis: 400, http: 'connection-reset', tcp: 'failed connection-reset' },
    { millis: PEER_TIMEOUT_MS + 200, http: 'stalled', tcp: 'void stalled' },
  ])('during a stall of $millis ms is $http', { timeout: 20_000 }, async (expected) => {
    await using server = await serveSlowly(HANGING_UP, 50);
    const http = createHttpClient({ clock, tls: { ca: null, cert: null, key: null, verify: true }, connection: 'new' });
    const timeouts = { connect: 20_000, response: 20_000 };
    const url = `http://127.0.0.1:${server.port}/`;
    const sent = http.send({ method: 'GET', url, headers: {}, timeouts, signal });
    const touched = reach({ host: '127.0.0.1', port: server.port, timeout: 20_000, banner: true, clock, signal });
    block(expected.millis);
    const [result, { outcome, cause }] = await Promise.all([sent, touched]);
    http.close();
    expect([result.type === 'failure' && result.kind, `${outcome} ${cause?.kind}`]).toEqual([
      expected.http,
      expected.tcp,
    ]);
  });
});

describe('a boot with a timeout of 2 s, and a stall until after it', () => {
  async function boot(stopped: readonly ServiceName[]): Promise<ProbeResult> {
    const embedded = await startCloudWorker({ speed: 4 });
    for (const service of stopped) await embedded.stop(service);
    const clock = { now: () => performance.timeOrigin + performance.now() };
    const cloud = openCloud({ access: accessTo(embedded, 'probe'), clock });
    const mark = { prefix: 'rollwatch-', vantage: 'here', run: 'stalls', cloud: 'here' };
    const janitor = createJanitor({
      ...{ cloud, creator: mark, deleteTimeout: 5000, maxStuck: 5 },
      emit: () => {},
      log: () => {},
    });
    const settings = {
      ...{
        interval: 1000,
        slow: 1000,
        afterFailure: { interval: 100, limit: 60_000 },
        activeTimeout: 2000,
        deleteTimeout: 5000,
        poll: 50,
      },
      ...{ requestTimeout: 5000, flavor: null, image: null, network: null, volume: null, availabilityZone: null },
      ...{ namePrefix: 'rollwatch-', maxStuck: 5 },
    };
    const place = { cloud: 'embedded', vantage: 'here' };
    const probe = serverBoot(cloud, place, {
      settings,
      session: 1,
      creator: mark,
      janitor,
      admin: null,
      onFacts: () => {},
    });
    try {
      const building = Promise.withResolvers<void>();
      const ended = probe.run({ signal: new AbortController().signal, clock, progress: () => building.resolve() });
      await building.promise;
      block(2500);
      return await ended;
    } finally {
      for (const service of stopped) await embedded.start(service);
      probe.close();
      await janitor.stop(5000);
      cloud.close();
      await embedded.close();
    }
  }

  it('is ok if the server is ACTIVE at the next poll', { timeout: 30_000 }, async () => {
    expect(await boot([])).toMatchObject({ outcome: 'ok' });
  });

  it('has failed if the server is not ACTIVE then either', { timeout: 30_000 }, async () => {
    expect(await boot(['nova-conductor'])).toMatchObject({ outcome: 'failed', cause: { kind: 'spin-up-timeout' } });
  });
});

const reportSchema = z.object({
  observationGaps: z.array(z.object({ kind: z.string() })),
  windows: z.array(z.object({ kind: z.string(), probe: z.string() })),
  probes: z.array(
    z.object({
      probe: z.string(),
      samples: z.object({ ok: z.number(), failed: z.number(), void: z.number() }),
      voids: z.array(z.object({ kind: z.string(), count: z.number(), message: z.string() })),
    }),
  ),
});

/** Stops the process for 0.4 s repeatedly until `done`. */
async function stopAgainAndAgain({ process }: WatchProcess, done: () => Promise<boolean>): Promise<void> {
  for (let count = 0; count < 60; count++) {
    process.kill('SIGSTOP');
    await delay(400);
    process.kill('SIGCONT');
    await delay(900);
    if (await done()) return;
  }
  throw new Error('not done after 60 stops');
}

it('a process that is stopped repeatedly voids no ok list, no ok boot and no ERROR of Nova', {
  timeout: 120_000,
}, async () => {
  const cloud = await startCloudWorker({ speed: 4 });
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-stalls-'));
  writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
  const watch = await startWatch({
    env: { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' },
    folder,
  });
  const read = async () => reportSchema.parse(await (await fetch(`${watch.url}/api/v1/report`)).json());
  const boots = async () => (await read()).probes.find(({ probe }) => probe === 'server-boot');
  try {
    await stopAgainAndAgain(watch, async () => ((await boots())?.samples.ok ?? 0) >= 4);
    const well = await read();
    expect(well.observationGaps.filter(({ kind }) => kind === 'stalled').length).toBeGreaterThanOrEqual(3);
    expect(well.windows.filter(({ kind }) => kind === 'down')).toEqual([]);
    for (const { samples, voids } of well.probes) {
      expect(samples.failed).toBe(0);
      expect(samples.ok).toBeGreaterThan(0);
      expect(voids.filter(({ kind, count }) => kind === 'stalled' && count > 0)).toEqual([]);
    }
    await cloud.stop('placement');
    await stopAgainAndAgain(watch, async () => ((await boots())?.samples.failed ?? 0) >= 2);
    const ill = await boots();
    expect(ill?.voids.filter(({ kind, count }) => kind === 'stalled' && count > 0)).toEqual([]);
  } finally {
    watch.process.kill('SIGCONT');
    await watch.stop();
    await cloud.close();
    discard(folder);
  }
});
