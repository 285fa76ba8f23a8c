/**
 * How long after the start of an outage of nova-api the webhook hears of it, through Debian's Prometheus and
 * Alertmanager with the configuration that is shipped.
 *
 *   npm run bench -- alert [OUTAGES_OF_EACH_KIND]
 *
 * Each outage begins at another moment of the second, and after the alert for the one before was resolved. Another
 * critical alert of the same cloud, of a server out of reach, has been sent before and goes on: to a group of alerts
 * that was sent Alertmanager adds a new one later. Exit code 1 where one took longer than 15 s. What must not fire, a
 * lost sample, is in dashboards/prometheus/rollwatch.test.yml.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EmbeddedCloud } from '../../src/fake-openstack/cloud.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { discard, startWatch } from '../support/daemon.ts';
import { freePort } from '../support/free-port.ts';
import { startMonitoring, startWebhook, type Webhook } from '../support/prometheus.ts';

const LIMIT = 15;
const SETTLE_MS = 5000;
const LONGEST_MS = 120_000;

type Outage = {
  readonly name: string;
  /** Resolves with the moment at which it began. */
  readonly begin: (cloud: EmbeddedCloud) => Promise<number>;
  readonly end: (cloud: EmbeddedCloud) => Promise<unknown>;
};

const faulty = (name: string, kind: 'hang' | 'lb-503'): Outage => ({
  name,
  begin: (cloud) => cloud.setFault('nova-api', { kind }),
  end: (cloud) => cloud.setFault('nova-api', null),
});

const OUTAGES: readonly Outage[] = [
  {
    name: 'killed (connections refused)',
    begin: (cloud) => cloud.kill('nova-api'),
    end: (cloud) => cloud.start('nova-api'),
  },
  faulty('503 of a load balancer', 'lb-503'),
  faulty('hung (no answer in 10 s)', 'hang'),
];

type Notice = Pick<Webhook['notices'][number], 'alert' | 'status'>;

async function heard(webhook: Webhook, { alert, status }: Notice, since = 0): Promise<number> {
  const giveUp = Date.now() + LONGEST_MS;
  while (Date.now() < giveUp) {
    const found = webhook.notices.find((one) => one.alert === alert && one.status === status && one.at >= since);
    if (found !== undefined) return found.at;
    await delay(50);
  }
  throw new Error(`${alert} was not ${status} within ${LONGEST_MS / 1000} s`);
}

const [rounds = 5] = process.argv.slice(2).map(Number);
const cloud = await startCloudWorker();
const folder = mkdtempSync(join(tmpdir(), 'rollwatch-alert-'));
writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
const nobody = `127.0.0.1:${await freePort()}`;
writeFileSync(
  join(folder, 'rollwatch.yaml'),
  `probes: {server-reach: {enabled: true, banner: false, targets: ['${nobody}']}}\n`,
);
using webhook = await startWebhook();
const watch = await startWatch({
  folder,
  env: { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' },
});
try {
  await using _monitoring = await startMonitoring({ folder, daemon: watch.url, webhook: webhook.url });
  await heard(webhook, { alert: 'RollwatchServerUnreachable', status: 'firing' });
  for (const { name, begin, end } of OUTAGES) {
    const took: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await delay(SETTLE_MS + (round / rounds) * 1000);
      const began = await begin(cloud);
      took.push(((await heard(webhook, { alert: 'RollwatchApiDown', status: 'firing' }, began)) - began) / 1000);
      const ended = Date.now();
      await end(cloud);
      await heard(webhook, { alert: 'RollwatchApiDown', status: 'resolved' }, ended);
    }
    console.log(`${name}: ${took.map((seconds) => seconds.toFixed(1)).join(' ')} s`);
    if (Math.max(...took) > LIMIT) process.exitCode = 1;
  }
} finally {
  await watch.kill();
  await cloud.close();
  discard(folder);
}
