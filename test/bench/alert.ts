/**
 * Measures how long after the start of an outage of nova-api the webhook is notified, through Debian's Prometheus and
 * Alertmanager with the configuration that is shipped.
 *
 *   npm run bench -- alert [OUTAGES_OF_EACH_KIND]
 *
 * Each outage begins at a different fraction of a second, after the previous alert was resolved. Another critical alert
 * of the same cloud, for an unreachable server, fires all the time: Alertmanager adds a new alert later to a group that
 * it has already sent. Exits with code 1 if a notification took longer than 15 s.
 * dashboards/prometheus/rollwatch.test.yml tests what must not fire: a lost sample.
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

const LIMIT_SECONDS = 15;
const SETTLE_MS = 5000;
const NOTICE_TIMEOUT_MS = 120_000;

type Outage = {
  readonly name: string;
  /** Starts the outage. Resolves with the time at which it began. */
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
  faulty('503 from a load balancer', 'lb-503'),
  faulty('hanging (no answer in 10 s)', 'hang'),
];

type Notice = Pick<Webhook['notices'][number], 'alert' | 'status'>;

/** Waits for a notification and returns the time of its arrival. */
async function waitForNotice(webhook: Webhook, { alert, status }: Notice, since = 0): Promise<number> {
  const deadline = Date.now() + NOTICE_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const found = webhook.notices.find(
      (notice) => notice.alert === alert && notice.status === status && notice.at >= since,
    );
    if (found !== undefined) return found.at;
    await delay(50);
  }
  throw new Error(`${alert} was not ${status} within ${NOTICE_TIMEOUT_MS / 1000} s`);
}

const [rounds = 5] = process.argv.slice(2).map(Number);
const cloud = await startCloudWorker();
const folder = mkdtempSync(join(tmpdir(), 'rollwatch-alert-'));
writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
const closedPort = `127.0.0.1:${await freePort()}`;
writeFileSync(
  join(folder, 'rollwatch.yaml'),
  `probes: {server-reach: {enabled: true, banner: false, targets: ['${closedPort}']}}\n`,
);
using webhook = await startWebhook();
const watch = await startWatch({
  folder,
  env: { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' },
});
try {
  await using _monitoring = await startMonitoring({ folder, daemon: watch.url, webhook: webhook.url });
  await waitForNotice(webhook, { alert: 'RollwatchServerUnreachable', status: 'firing' });
  for (const { name, begin, end } of OUTAGES) {
    const took: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await delay(SETTLE_MS + (round / rounds) * 1000);
      const began = await begin(cloud);
      took.push(
        ((await waitForNotice(webhook, { alert: 'RollwatchIncident', status: 'firing' }, began)) - began) / 1000,
      );
      const ended = Date.now();
      await end(cloud);
      await waitForNotice(webhook, { alert: 'RollwatchIncident', status: 'resolved' }, ended);
    }
    console.log(`${name}: ${took.map((seconds) => seconds.toFixed(1)).join(' ')} s`);
    if (Math.max(...took) > LIMIT_SECONDS) process.exitCode = 1;
  }
} finally {
  await watch.kill();
  await cloud.close();
  discard(folder);
}
