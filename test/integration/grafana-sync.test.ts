/** Pushing annotations to a Grafana that is up, unavailable or restarted, and across restarts of the daemon. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { secret } from '../../src/domain/redaction.ts';
import type { OnConnectionChange } from '../../src/domain/run/connection-status.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import type { DesiredAnnotation } from '../../src/grafana/desired-annotations.ts';
import { startGrafanaSync } from '../../src/grafana/sync.ts';
import type { PushTiming } from '../../src/http/push-loop.ts';
import { discard, startWatch } from '../support/daemon.ts';
import { type Grafana, standInForGrafana } from '../support/grafana.ts';

const TOKEN = 'a-token-of-grafana';
const FAST_TIMING: PushTiming = { interval: 5, minRetry: 5, maxRetry: 40 };
/** How long Grafana is unavailable in each of three ways, in seconds; with 200 the test takes ten minutes. */
const UNAVAILABLE_SECONDS = Number(process.env['ROLLWATCH_GRAFANA_AWAY'] ?? 2);

const annotation = (key: string, facts: Partial<DesiredAnnotation> = {}): DesiredAnnotation => ({
  key,
  tags: ['rollwatch', 'downtime', key, 'run:r'],
  time: 1000,
  timeEnd: null,
  text: key,
  ...facts,
});

function reportChange(state: Parameters<OnConnectionChange>[0], reports: string[]): void {
  if (state === 'recovered') reports.push('recovered');
  else if (!state.again) reports.push(`away: ${state.problem}`);
}

function push(
  grafana: Grafana,
  list: { desired: readonly DesiredAnnotation[] },
  { token = TOKEN, timing = FAST_TIMING } = {},
) {
  const reports: string[] = [];
  const sync = startGrafanaSync(
    {
      access: { url: grafana.url, token: secret(token) },
      desired: () => list.desired,
      runTag: 'run:r',
      onConnectionChange: (state) => reportChange(state, reports),
      onRejected: (key, reason) => reports.push(`refused: ${key}, ${reason}`),
    },
    timing,
  );
  return { reports, ...sync };
}

const shown = (grafana: Grafana) =>
  [...grafana.annotations.values()].map(({ text, time, timeEnd }) => [text, time, timeEnd]);

describe('annotations pushed to Grafana', () => {
  it('are created once at their start and updated with their end', async () => {
    await using grafana = await standInForGrafana();
    const list = { desired: [annotation('window:a')] };
    const { reports, stop } = push(grafana, list);
    await expect.poll(() => shown(grafana)).toEqual([['window:a', 1000, 1000]]);
    list.desired = [annotation('window:a', { timeEnd: 5000, text: 'over' }), annotation('task:b', { time: 2000 })];
    await expect
      .poll(() => shown(grafana))
      .toEqual([
        ['over', 1000, 5000],
        ['task:b', 2000, 2000],
      ]);
    expect(grafana.asked).toEqual(['GET', 'POST', 'PATCH', 'POST']);
    await stop();
    expect(reports).toEqual([]);
  });

  it('are removed when they are no longer desired', async () => {
    await using grafana = await standInForGrafana();
    const list = { desired: [annotation('window:a'), annotation('window:b')] };
    const { stop } = push(grafana, list);
    await expect.poll(() => shown(grafana).length).toBe(2);
    list.desired = [annotation('window:b')];
    await expect.poll(() => shown(grafana)).toEqual([['window:b', 1000, 1000]]);
    await stop();
  });

  it('are found again after a restart, and those of another run are left alone', async () => {
    await using grafana = await standInForGrafana();
    const first = push(grafana, { desired: [annotation('window:a'), annotation('window:gone')] });
    const other = push(grafana, {
      desired: [annotation('window:a', { tags: ['rollwatch', 'window:a', 'run:other'], text: 'other' })],
    });
    await other.stop();
    await first.stop();
    const second = push(grafana, { desired: [annotation('window:a', { timeEnd: 3000 })] });
    await expect
      .poll(() => shown(grafana).toSorted())
      .toEqual([
        ['other', 1000, 1000],
        ['window:a', 1000, 3000],
      ]);
    await second.stop();
  });

  it('are never created twice, even if every response is lost', async () => {
    await using grafana = await standInForGrafana();
    const all = Array.from({ length: 20 }, (_, index) => annotation(`task:${index}`, { time: index }));
    const { reports, stop } = push(grafana, { desired: all });
    grafana.behaviour = 'lost';
    await expect.poll(() => reports.length).toBe(1);
    for (let round = 0; round < 10; round++) {
      grafana.behaviour = 'normal';
      await delay(7);
      grafana.behaviour = 'lost';
      await delay(20);
    }
    grafana.behaviour = 'normal';
    await expect.poll(() => new Set(shown(grafana).map(([text]) => text)).size).toBe(20);
    await stop();
    expect(shown(grafana).length).toBe(20);
  });

  it(`are created once, in their current state, after a Grafana that refused, hung and failed for ${UNAVAILABLE_SECONDS} s each`, {
    timeout: (UNAVAILABLE_SECONDS * 3 + 60) * 1000,
  }, async () => {
    await using grafana = await standInForGrafana();
    const list = { desired: [annotation('window:before')] };
    const { reports, stop } = push(grafana, list, { timing: { interval: 50, minRetry: 100, maxRetry: 15_000 } });
    await expect.poll(() => shown(grafana).length).toBe(1);
    for (const behaviour of ['refuse', 'hang', 500] as const) {
      grafana.behaviour = behaviour;
      for (let second = 0; second < UNAVAILABLE_SECONDS; second++) {
        list.desired = [
          ...list.desired.map((one) => ({ ...one, timeEnd: 9000 })),
          annotation(`window:${behaviour}-${second}`),
        ];
        await delay(1000);
      }
    }
    const asked = grafana.asked.length;
    grafana.behaviour = 'normal';
    await expect
      .poll(() => shown(grafana).length, { timeout: 30_000, interval: 100 })
      .toBe(1 + 3 * UNAVAILABLE_SECONDS);
    await expect.poll(() => shown(grafana).filter(([, , end]) => end === 9000).length).toBe(3 * UNAVAILABLE_SECONDS);
    await stop();
    expect(new Set(shown(grafana).map(([text]) => text)).size).toBe(1 + 3 * UNAVAILABLE_SECONDS);
    expect(reports.at(-1)).toBe('recovered');
    expect(reports.filter((one) => one.startsWith('away')).length).toBe(1);
    // The delay between retries grows.
    expect(asked).toBeLessThan(20 + UNAVAILABLE_SECONDS);
  });

  it('are retried with a wrong token, which is reported once', async () => {
    await using grafana = await standInForGrafana();
    const { reports, stop } = push(grafana, { desired: [annotation('window:a')] }, { token: 'wrong' });
    await expect.poll(() => grafana.asked.length).toBeGreaterThan(3);
    await stop();
    expect(reports).toEqual(['away: HTTP 401']);
    expect(grafana.annotations.size).toBe(0);
  });

  it('are retried after an exception', async () => {
    await using grafana = await standInForGrafana();
    let calls = 0;
    const reports: string[] = [];
    const { stop } = startGrafanaSync(
      {
        access: { url: grafana.url, token: secret(TOKEN) },
        desired() {
          calls++;
          if (calls < 3) throw new TypeError('a bug');
          return [annotation('window:a')];
        },
        runTag: 'run:r',
        onConnectionChange: (state) => reportChange(state, reports),
        onRejected: () => {},
      },
      FAST_TIMING,
    );
    await expect.poll(() => shown(grafana)).toEqual([['window:a', 1000, 1000]]);
    await stop();
    expect(reports).toEqual(['away: a bug', 'recovered']);
  });

  it('are pushed even if Grafana rejects one of them', async () => {
    await using grafana = await standInForGrafana();
    const { reports, stop } = push(grafana, {
      desired: [annotation('window:a', { text: '' }), annotation('window:b')],
    });
    await expect.poll(() => shown(grafana)).toEqual([['window:b', 1000, 1000]]);
    await delay(50);
    await stop();
    expect(reports).toEqual(['refused: window:a, HTTP 400']);
    expect(grafana.asked.filter((one) => one === 'POST').length).toBe(2);
  });
});

const status = z.looseObject({ series: z.array(z.looseObject({ state: z.string() })) });

describe('a daemon that pushes to Grafana', { timeout: 90_000 }, () => {
  it('pushes windows, tasks, phases and received annotations, continues after a kill -9, and samples on time while Grafana hangs', async () => {
    await using grafana = await standInForGrafana();
    const cloud = await startCloudWorker();
    const folder = mkdtempSync(join(tmpdir(), 'rollwatch-grafana-'));
    writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
    writeFileSync(join(folder, 'token'), `${TOKEN}\n`);
    writeFileSync(
      join(folder, 'rollwatch.yaml'),
      `grafana: {url: '${grafana.url}', token_file: token}\nprobes: {server-boot: {enabled: false}, token: {enabled: false}}\n`,
    );
    const env = { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' };
    let watch = await startWatch({ env, folder });
    const post = (path: string, sent: object) =>
      fetch(watch.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(sent),
      });
    const texts = () => [...grafana.annotations.values()].map((one) => one.text.split('\n')[0] ?? '').toSorted();
    const ofWindows = () => [...grafana.annotations.values()].filter(({ tags }) => tags.includes('downtime'));
    try {
      await delay(2000);
      await post('/api/v1/phases', { name: 'maintenance' });
      await post('/api/v1/tasks', {
        tasks: [{ id: 't', name: 'stop <b>nova-api</b>', status: 'running', start: new Date().toISOString() }],
      });
      await post('/api/annotations', { text: 'deployed', tags: ['release'] });
      await cloud.kill('nova-api');
      await expect.poll(() => ofWindows().length, { timeout: 10_000 }).toBe(2);
      expect(ofWindows().every(({ time, timeEnd }) => time === timeEnd)).toBe(true);
      expect(texts()).toEqual([
        'DOWN server-list new',
        'DOWN server-list reused',
        expect.stringMatching(/^The API has been down since .* UTC/),
        'deployed',
        'phase maintenance',
        'task &#39;stop &lt;b&gt;nova-api&lt;/b&gt;&#39;',
      ]);

      await watch.kill();
      watch = await startWatch({ env, folder });
      grafana.behaviour = 'hang';
      await delay(4000);
      await cloud.start('nova-api');
      await delay(2500);
      grafana.behaviour = 'normal';
      await expect
        .poll(() => ofWindows().filter(({ time, timeEnd }) => timeEnd > time).length, { timeout: 30_000 })
        .toBe(2);
      expect(ofWindows().length).toBe(2);
      expect(texts().filter((one) => /^DOWN server-list \w+ for \d/.test(one)).length).toBe(2);
      const metrics = await (await fetch(`${watch.url}/metrics`)).text();
      expect(
        [...metrics.matchAll(/^rollwatch_probe_slots_missed_total\{.*probe="server-list".*\} (\d+)$/gm)].map(
          ([, count]) => count,
        ),
      ).toEqual(['0', '0']);
      expect(
        status.parse(await (await fetch(`${watch.url}/api/v1/status`)).json()).series.map(({ state }) => state),
      ).toEqual(['up', 'up']);
      const { code } = await watch.stop();
      expect(code).toBe(0);
      // The phase is still active when the daemon stops.
      const release = [...grafana.annotations.values()].find(({ text }) => text === 'deployed');
      expect(release?.tags).toEqual(expect.arrayContaining(['rollwatch', 'release']));
    } finally {
      await watch.kill();
      await cloud.close();
      discard(folder);
    }
  });
});
