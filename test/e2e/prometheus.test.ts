/**
 * Debian's Prometheus scrapes a daemon every second through an outage, and Debian's Alertmanager receives the alert.
 */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { EmbeddedCloud } from '../../src/fake-openstack/cloud.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { discard, startWatch, type WatchProcess } from '../support/daemon.ts';
import { DASHBOARDS, EXPRESSIONS, type Panel, VARIABLES } from '../support/dashboards.ts';
import { type Grafana, standInForGrafana } from '../support/grafana.ts';
import { type Answers, tablesOf, tilesOf } from '../support/grafana-panel.ts';
import {
  ALERTMANAGER,
  type Monitoring,
  PROMETHEUS,
  startMonitoring,
  startWebhook,
  type Webhook,
} from '../support/prometheus.ts';
import { filledIn, selectorsOf } from '../support/promql.ts';
import { isMissing } from '../support/requirements.ts';
import { rollwatch } from '../support/rollwatch.ts';

const TOKEN = 'a-token-of-grafana';
const BEFORE = 12_000;
const DOWN = 25_000;
const AFTER = 12_000;

describe.skipIf(isMissing(PROMETHEUS, ALERTMANAGER))(
  'an outage in Prometheus and Alertmanager',
  { timeout: 120_000 },
  () => {
    let cloud: EmbeddedCloud;
    let watch: WatchProcess;
    let monitoring: Monitoring;
    let webhook: Webhook;
    let grafana: Grafana;
    let folder: string;
    let from: number;
    let wentDown: number;

    beforeAll(async () => {
      cloud = await startCloudWorker();
      folder = mkdtempSync(join(tmpdir(), 'rollwatch-prometheus-'));
      writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
      webhook = await startWebhook();
      grafana = await standInForGrafana({ token: TOKEN });
      writeFileSync(join(folder, 'grafana-token'), TOKEN);
      // The webhook is used as a running server.
      const reach = { enabled: true, banner: false, targets: [new URL(webhook.url).host] };
      const settings = {
        vantage: 'here',
        probes: { 'server-reach': reach },
        grafana: { url: grafana.url, token_file: 'grafana-token' },
      };
      // JSON is valid YAML.
      writeFileSync(join(folder, 'rollwatch.yaml'), JSON.stringify(settings));
      watch = await startWatch({
        folder,
        env: { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' },
      });
      monitoring = await startMonitoring({ folder, daemon: watch.url, webhook: webhook.url });
      from = Date.now() / 1000;
      await delay(BEFORE);
      await rollwatch(['phase', 'maintenance'], { folder, env: { ROLLWATCH_URL: watch.url } });
      wentDown = await cloud.kill('nova-api');
      await delay(DOWN);
      await cloud.start('nova-api');
      await delay(AFTER);
    });

    afterAll(async () => {
      await monitoring?.[Symbol.asyncDispose]();
      webhook?.[Symbol.dispose]();
      await watch?.kill();
      await grafana?.[Symbol.asyncDispose]();
      await cloud?.close();
      discard(folder);
    });

    it('reaches the webhook within 15 s', () => {
      const first = webhook.notices.find(({ alert, status }) => alert === 'RollwatchIncident' && status === 'firing');
      expect(first).toBeDefined();
      const seconds = ((first?.at ?? 0) - wentDown) / 1000;
      expect(seconds).toBeGreaterThan(4);
      expect(seconds).toBeLessThan(15);
    });

    it('has data for every expression of every panel, annotation and recording rule', async () => {
      const empty = [];
      for (const { where, expr } of EXPRESSIONS.filter(({ where }) => !isAlert(where))) {
        if ((await monitoring.values(filledIn(expr), from)) === 0) empty.push(`${where}: ${expr}`);
      }
      expect(empty).toEqual([]);
    });

    it('has the metrics of every alert, whether it fires or not', async () => {
      const empty = [];
      for (const { where, expr } of EXPRESSIONS.filter(({ where }) => isAlert(where))) {
        await monitoring.values(expr, from);
        for (const selector of selectorsOf(expr)) {
          // The embedded cloud cannot reject a token, so another cause is used.
          const met = selector.replace('unauthorized|forbidden', 'connection-refused');
          if ((await monitoring.values(met, from)) === 0) empty.push(`${where}: ${met}`);
        }
      }
      expect(empty).toEqual([]);
    });

    it('has values for every variable', async () => {
      for (const variable of VARIABLES) {
        expect(await monitoring.offered(variable, filledIn(variable.expr)), variable.where).not.toEqual([]);
      }
    });

    it('is annotated from metrics if nothing is pushed', async () => {
      const annotation = EXPRESSIONS.find(({ where }) => where.includes('annotation'));
      expect(await monitoring.values(`(${filledIn(annotation?.expr ?? '')}) > 0`, from)).toBeGreaterThan(15);
    });

    /** Returns what Grafana shows in a panel with instant queries. */
    async function answersOf(panel: Panel): Promise<Answers> {
      // All queries of a panel have the same time, the end of the range.
      const now = Date.now() / 1000;
      const answers = panel.targets.map(
        async ({ refId, expr }) => [refId, await monitoring.instant(filledIn(expr), now)] as const,
      );
      return Object.fromEntries(await Promise.all(answers));
    }
    const tiles = async (title: string) => tilesOf(panelCalled(title), await answersOf(panelCalled(title)));

    it('has one row per series in the table of windows', async () => {
      const panel = panelCalled('Windows');
      const [rows = [], ...others] = await tablesOf(panel, await answersOf(panel));
      expect(others).toEqual([]);
      const series = rows.map(({ probe, connection }) => `${probe} ${connection}`.trim()).sort();
      expect(series).toEqual(['server-boot', 'server-list new', 'server-list reused', 'server-reach', 'token']);
      expect(rows.find(({ connection }) => connection === 'new')).toMatchObject({
        Windows: 1,
        Down: expect.closeTo(DOWN / 1000, -1),
        'Last started': expect.closeTo(wentDown, -4),
      });
    });

    it('is among the pushed windows of the selected cloud', async () => {
      const variable = VARIABLES.find(({ name }) => name === 'downtime_tags');
      if (variable === undefined) throw new Error('no such variable');
      const foundOn = async (cloud: string) => {
        const tags = await monitoring.offered(variable, filledIn(variable.expr.replaceAll('$cloud', cloud)));
        // The queries of Grafana for the dashboards.
        const query = new URLSearchParams({ matchAny: 'true', limit: '1000' });
        for (const tag of [...(tags.length === 0 ? [''] : tags), 'rollwatch:none']) query.append('tags', tag);
        const headers = { Authorization: `Bearer ${TOKEN}` };
        const answer = await fetch(`${grafana.url}/api/annotations?${query}`, { headers });
        return z.array(z.looseObject({ tags: z.array(z.string()) })).parse(await answer.json());
      };
      const [one, ...more] = (await foundOn('embedded')).filter(({ tags }) => tags.includes('server-list'));
      expect(one?.tags).toContain('downtime:embedded/here/server-list');
      expect(more).toHaveLength(1);
      expect(await foundOn('.*')).toEqual(await foundOn('embedded'));
      expect(grafana.annotations.size).toBeGreaterThan((await foundOn('.*')).length);
      expect(await foundOn('another')).toEqual([]);
    });

    it('is resolved once, and no other alert fired', async () => {
      await expect
        .poll(() => webhook.notices, { timeout: 90_000, interval: 500 })
        .toContainEqual(expect.objectContaining({ alert: 'RollwatchIncident', status: 'resolved' }));
      const fired = new Set(webhook.notices.filter(({ status }) => status === 'firing').map(({ alert }) => alert));
      // The alerts of the API and of boots are inhibited.
      expect([...fired]).toEqual(['RollwatchIncident']);
    });

    it('is followed by up, paused, and not known once the daemon is frozen or dead', async () => {
      const texts = async (title: string) => (await tiles(title)).map(({ text }) => text);
      const probes = ['server-boot', 'server-list', 'server-reach', 'token'];
      await expect.poll(() => texts('State'), { timeout: 30_000 }).toEqual(probes.map(() => 'up'));
      expect((await tiles('State')).map(({ title }) => title).sort()).toEqual(probes.map((one) => `embedded ${one}`));
      expect(await texts('Health')).toEqual(['yes', 'yes', 'yes']);
      await rollwatch(['pause'], { folder, env: { ROLLWATCH_URL: watch.url } });
      await expect.poll(() => texts('State'), { timeout: 30_000 }).toEqual(probes.map(() => 'paused'));
      expect(await texts('Health')).toEqual(['yes', 'NO', 'yes']);
      // Frozen, then killed.
      watch.process.kill('SIGSTOP');
      await expect.poll(() => texts('State'), { timeout: 30_000 }).toEqual(probes.map(() => 'not known'));
      expect(await texts('Health')).toEqual(['NO', 'NO', 'NO']);
      await watch.kill();
      await expect.poll(() => texts('State'), { timeout: 30_000 }).toEqual(probes.map(() => 'not known'));
      expect(await texts('Health')).toEqual(['NO', 'NO', 'NO']);
      expect(await texts('Down for')).toEqual(['not known']);
      expect(await texts('Phase')).toEqual(['not known']);
    });
  },
);

function panelCalled(title: string): Panel {
  const found = DASHBOARDS.flatMap(({ panels }) => panels).find((panel) => panel.title === title);
  if (found === undefined) throw new Error(`no panel is called ${title}`);
  return found;
}

const isAlert = (where: string): boolean => /^rule Rollwatch/.test(where);
