import { readFile } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startCloudThread } from '../../src/cloud/start-cloud-thread.ts';
import { length, subtract } from '../../src/domain/interval.ts';
import { createObservation } from '../../src/domain/observation.ts';
import type { Probe, SamplerEvent } from '../../src/domain/ports.ts';
import { secret } from '../../src/domain/secret.ts';
import { openCloud } from '../../src/openstack/cloud.ts';
import { serverList } from '../../src/probes/server-list.ts';
import { createTimeline, machineClocks } from '../../src/sampler/clock.ts';
import { startRunner } from '../../src/sampler/runner.ts';

/** 100 by hand; a few are enough to notice what breaks. */
const STALLS = Number(process.env['ROLLWATCH_STALLS'] ?? 6);
const STALL = 1500;

function block(): void {
  const until = performance.now() + STALL;
  while (performance.now() < until) {
    // stands still on purpose
  }
}

const WAYS: readonly (() => Promise<void>)[] = [
  () => new Promise((resolve) => setTimeout(() => resolve(block()), 1)),
  () => new Promise((resolve) => readFile(import.meta.filename, () => resolve(block()))),
  () => new Promise((resolve) => setImmediate(() => resolve(block()))),
];

it('takes no stall of its own loop for a failure of the cloud, and counts the time as unobserved', {
  timeout: 20_000 + STALLS * 4500,
}, async () => {
  const cloud = await startCloudThread({ workers: 16 });
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
  // A time limit shorter than the stall: what came in time but was seen late must not count as late.
  const settings = {
    interval: 1000,
    slow: 900,
    timeout: 1000,
    fast: { interval: 100, limit: 60_000 },
    detail: true,
    limit: 100,
  };
  const place = { cloud: 'embedded', vantage: 'here' };
  const probes: readonly Probe[] = (['reused', 'new'] as const).map((connection) =>
    serverList(client, place, { settings, connection }),
  );
  const observation = createObservation({ run: 'stalls', version: 'test', overall: ['server-list'] });
  const startedAt = timeline.now();
  const session = { id: 1, startedAt, aliveAt: startedAt, ended: false, version: '', vantage: 'here', facts: {} };
  observation.openSession(
    session,
    probes.map((one) => one.series),
  );
  const emit = (event: SamplerEvent) => {
    if (event.type === 'sample' || event.type === 'mark') observation.accept(event);
  };
  const runner = startRunner({ probes, session: 1, timeline, emit, stall: 250, drain: 2000 });
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
  const stalled = report.marks.filter((one) => one.kind === 'stalled');
  expect(length(stalled)).toBeGreaterThanOrEqual(STALLS * STALL);
  for (const { samples, gaps } of report.probes) {
    expect(samples.failed).toBe(0);
    expect(length(subtract(stalled, gaps))).toBeCloseTo(0, 3);
  }
});
