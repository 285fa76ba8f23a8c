/** Debian's Prometheus scrapes a daemon every second through an outage, and Debian's Alertmanager is told of it. */

import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { EmbeddedCloud } from '../../src/cloud/cloud.ts';
import { startCloudThread } from '../../src/cloud/start-cloud-thread.ts';
import { discard, startWatch, type WatchProcess } from '../support/daemon.ts';
import { EXPRESSIONS, VARIABLES } from '../support/dashboards.ts';
import { hasPrometheus, type Monitoring, startMonitoring } from '../support/prometheus.ts';
import { filledIn, selectorsOf } from '../support/promql.ts';
import { rollwatch } from '../support/rollwatch.ts';

if (!hasPrometheus) {
  console.warn('skipped: no Prometheus and Alertmanager (Debian: apt-get install prometheus prometheus-alertmanager)');
}

const BEFORE = 12_000;
const DOWN = 25_000;
const AFTER = 12_000;

const notification = z.looseObject({
  alerts: z.array(z.looseObject({ status: z.string(), labels: z.record(z.string(), z.string()) })),
});

describe.skipIf(!hasPrometheus)('what Prometheus and Alertmanager make of an outage', { timeout: 120_000 }, () => {
  let cloud: EmbeddedCloud;
  let watch: WatchProcess;
  let monitoring: Monitoring;
  let receiver: Server;
  let folder: string;
  let from: number;
  const told: { readonly alert: string; readonly status: string }[] = [];

  beforeAll(async () => {
    cloud = await startCloudThread();
    folder = mkdtempSync(join(tmpdir(), 'rollwatch-prometheus-'));
    writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
    receiver = createServer(async (request, response) => {
      const { alerts } = notification.parse(JSON.parse(await text(request)));
      for (const { status, labels } of alerts) told.push({ alert: labels['alertname'] ?? '', status });
      response.end();
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    const webhook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    // it stands for a server that runs
    writeFileSync(
      join(folder, 'rollwatch.yaml'),
      `probes: {server-reach: {enabled: true, banner: false, targets: ['${new URL(webhook).host}']}}\n`,
    );
    watch = await startWatch({
      folder,
      env: { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' },
    });
    monitoring = await startMonitoring({ folder, daemon: watch.url, webhook });
    from = Date.now() / 1000;
    await delay(BEFORE);
    await rollwatch(['phase', 'maintenance'], { folder, env: { ROLLWATCH_URL: watch.url } });
    await cloud.kill('nova-api');
    await delay(DOWN);
    await cloud.start('nova-api');
    await delay(AFTER);
  });

  afterAll(async () => {
    await monitoring?.[Symbol.asyncDispose]();
    receiver?.close();
    await watch?.kill();
    await cloud?.close();
    discard(folder);
  });

  it('says that the API is down while it is', () => {
    expect(told).toContainEqual({ alert: 'RollwatchApiDown', status: 'firing' });
  });

  it('has data for every expression of every panel, annotation and recording rule', async () => {
    const empty = [];
    for (const { where, expr } of EXPRESSIONS.filter(({ where }) => !isAlert(where))) {
      if ((await monitoring.values(filledIn(expr), from)) === 0) empty.push(`${where}: ${expr}`);
    }
    expect(empty).toEqual([]);
  });

  it('can say every alert: what it looks at is there, whether it fires or not', async () => {
    const empty = [];
    for (const { where, expr } of EXPRESSIONS.filter(({ where }) => isAlert(where))) {
      await monitoring.values(expr, from);
      for (const selector of selectorsOf(expr)) {
        // the embedded cloud can't be made to refuse a token: another cause stands for it
        const met = selector.replace('unauthorized|forbidden', 'connection-refused');
        if ((await monitoring.values(met, from)) === 0) empty.push(`${where}: ${met}`);
      }
    }
    expect(empty).toEqual([]);
  });

  it('offers something for every variable', async () => {
    for (const { where, selector, label } of VARIABLES) {
      expect(await monitoring.labelValues(filledIn(selector), label), where).not.toEqual([]);
    }
  });

  it('marks the outage where no push is set up', async () => {
    const annotation = EXPRESSIONS.find(({ where }) => where.includes('annotation'));
    expect(await monitoring.values(`(${filledIn(annotation?.expr ?? '')}) > 0`, from)).toBeGreaterThan(15);
  });

  it('says once that it is over, and that nothing else was wrong', async () => {
    await expect
      .poll(() => told, { timeout: 90_000, interval: 500 })
      .toContainEqual({ alert: 'RollwatchApiDown', status: 'resolved' });
    const fired = new Set(told.filter(({ status }) => status === 'firing').map(({ alert }) => alert));
    // boots can't be told while the API is down: that is inhibited, and comes when it is not
    fired.delete('RollwatchBootsFailing');
    expect([...fired]).toEqual(['RollwatchApiDown']);
  });
});

const isAlert = (where: string): boolean => /^rule Rollwatch/.test(where);
