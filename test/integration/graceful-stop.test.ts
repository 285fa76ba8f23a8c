import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { downtimeOfProbe } from '../../src/domain/downtime/overall.ts';
import { createRunState } from '../../src/domain/run/run-state.ts';
import type { SamplerEvent } from '../../src/domain/sampler-event.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { openCloud } from '../../src/openstack/cloud.ts';
import { describeProbes } from '../../src/probes/registry.ts';
import { serverList } from '../../src/probes/server-list.ts';
import { createTimeline, machineClocks } from '../../src/sampler/clock.ts';
import { startRunner } from '../../src/sampler/runner.ts';
import { accessTo } from '../support/cloud-access.ts';

const SETTINGS = {
  // At most four requests, the limit, are sent before the stop is noticed (0.8 s).
  interval: 700,
  slow: 2000,
  timeout: 10_000,
  afterFailure: { interval: 100, limit: 60_000 },
  detail: true,
  limit: 100,
};
/** From SIGTERM to the exit, in seconds: long enough that later samples share the result of the first one. */
const DRAIN = 5;

it('a graceful stop starts with the requests that were lost in the queue, and is observed completely', {
  timeout: 60_000,
}, async () => {
  const cloud = await startCloudWorker({ workers: 16 });
  const timeline = createTimeline(machineClocks, 500);
  const client = openCloud({ clock: timeline, access: accessTo(cloud) });
  const place = { cloud: 'embedded', vantage: 'here' };
  const probes = (['reused', 'new'] as const).map((connection) =>
    serverList(client, place, { settings: SETTINGS, connection }),
  );
  const observation = createRunState({
    run: 'graceful',
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
  const runner = startRunner({ probes, session: 1, timeline, emit, stallLimit: 2000, drainTimeout: 2000 });
  let from: number;
  let until: number;
  try {
    await delay(4000);
    from = await cloud.stop('nova-api', { drain: DRAIN });
    until = await cloud.start('nova-api', { scale: 0.1 });
    await delay(3000);
  } finally {
    await runner.stop();
    client.close();
    await cloud.close();
  }
  const { windows, probes: series, overall } = observation.report(timeline.now());
  for (const connection of ['reused', 'new']) {
    const [window, ...more] = windows.filter((one) => one.kind === 'down' && one.connection === connection);
    expect(more).toEqual([]);
    expect(window?.start.earliest).toBeLessThanOrEqual(from);
    expect(window?.start.latest).toBeGreaterThanOrEqual(from);
    // Not at the reset.
    expect(window?.start.estimate).toBeLessThan(from + 2000);
    expect(window?.start.latest).toBeLessThan(from + 4000);
    expect(window?.end?.earliest).toBeLessThanOrEqual(until);
    expect(window?.end?.latest).toBeGreaterThanOrEqual(until);
  }
  for (const { voids } of series) expect(voids.filter(({ kind }) => kind === 'throttled')).toEqual([]);
  expect(downtimeOfProbe(overall, 'server-list').downtime.min).toBeLessThanOrEqual((until - from) / 1000);
  expect(downtimeOfProbe(overall, 'server-list').downtime.max).toBeGreaterThanOrEqual((until - from) / 1000);
});
