/** What a Grafana is told, whatever state it is in, and whatever becomes of us. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { secret } from '../../src/domain/secret.ts';
import { startCloudThread } from '../../src/fake-openstack/start-worker.ts';
import type { Wanted } from '../../src/grafana/desired-annotations.ts';
import { startPush } from '../../src/grafana/sync.ts';
import { discard, startWatch } from '../support/daemon.ts';
import { type Grafana, standInForGrafana } from '../support/grafana.ts';

const TOKEN = 'a-token-of-grafana';
const QUICK = { look: 5, least: 5, most: 40 };
/** How long Grafana is away in each of three ways, in seconds; 200 makes it ten minutes. */
const AWAY = Number(process.env['ROLLWATCH_GRAFANA_AWAY'] ?? 2);

const wanted = (key: string, facts: Partial<Wanted> = {}): Wanted => ({
  key,
  tags: ['rollwatch', 'downtime', key, 'run:r'],
  time: 1000,
  timeEnd: null,
  text: key,
  ...facts,
});

function push(grafana: Grafana, list: { now: readonly Wanted[] }, { token = TOKEN, rhythm = QUICK } = {}) {
  const told: string[] = [];
  const pushing = startPush(
    {
      access: { url: grafana.url, token: secret(token) },
      wanted: () => list.now,
      run: 'run:r',
      onPresence: (state) => told.push(state === 'back' ? 'back' : `away: ${state.away}`),
      onRefused: (key, reason) => told.push(`refused: ${key}, ${reason}`),
    },
    rhythm,
  );
  return { told, ...pushing };
}

const shown = (grafana: Grafana) =>
  [...grafana.annotations.values()].map(({ text, time, timeEnd }) => [text, time, timeEnd]);

describe('what is pushed to Grafana', () => {
  it('is made once when it begins, and gets its end by a patch of the same', async () => {
    await using grafana = await standInForGrafana();
    const list = { now: [wanted('window:a')] };
    const { told, stop } = push(grafana, list);
    await expect.poll(() => shown(grafana)).toEqual([['window:a', 1000, 1000]]);
    list.now = [wanted('window:a', { timeEnd: 5000, text: 'over' }), wanted('task:b', { time: 2000 })];
    await expect
      .poll(() => shown(grafana))
      .toEqual([
        ['over', 1000, 5000],
        ['task:b', 2000, 2000],
      ]);
    expect(grafana.asked).toEqual(['GET', 'POST', 'PATCH', 'POST']);
    await stop();
    expect(told).toEqual([]);
  });

  it('is taken back when it turns out not to have been', async () => {
    await using grafana = await standInForGrafana();
    const list = { now: [wanted('window:a'), wanted('window:b')] };
    const { stop } = push(grafana, list);
    await expect.poll(() => shown(grafana).length).toBe(2);
    list.now = [wanted('window:b')];
    await expect.poll(() => shown(grafana)).toEqual([['window:b', 1000, 1000]]);
    await stop();
  });

  it('is found again after a restart, and nobody else is touched', async () => {
    await using grafana = await standInForGrafana();
    const first = push(grafana, { now: [wanted('window:a'), wanted('window:gone')] });
    const other = push(grafana, {
      now: [wanted('window:a', { tags: ['rollwatch', 'window:a', 'run:other'], text: 'other' })],
    });
    await other.stop();
    await first.stop();
    const second = push(grafana, { now: [wanted('window:a', { timeEnd: 3000 })] });
    await expect
      .poll(() => shown(grafana).toSorted())
      .toEqual([
        ['other', 1000, 1000],
        ['window:a', 1000, 3000],
      ]);
    await second.stop();
  });

  it('is never there twice, though every answer is lost on its way', async () => {
    await using grafana = await standInForGrafana();
    const all = Array.from({ length: 20 }, (_, index) => wanted(`task:${index}`, { time: index }));
    const { told, stop } = push(grafana, { now: all });
    grafana.mood = 'lost';
    await expect.poll(() => told.length).toBe(1);
    for (let round = 0; round < 10; round++) {
      grafana.mood = 'well';
      await delay(7);
      grafana.mood = 'lost';
      await delay(20);
    }
    grafana.mood = 'well';
    await expect.poll(() => new Set(shown(grafana).map(([text]) => text)).size).toBe(20);
    await stop();
    expect(shown(grafana).length).toBe(20);
  });

  it(`is there once, as it is by then, after a Grafana that refused, hung and failed for ${AWAY} s each`, {
    timeout: (AWAY * 3 + 60) * 1000,
  }, async () => {
    await using grafana = await standInForGrafana();
    const list = { now: [wanted('window:before')] };
    const { told, stop } = push(grafana, list, { rhythm: { look: 50, least: 100, most: 15_000 } });
    await expect.poll(() => shown(grafana).length).toBe(1);
    for (const mood of ['refuse', 'hang', 500] as const) {
      grafana.mood = mood;
      for (let second = 0; second < AWAY; second++) {
        list.now = [...list.now.map((one) => ({ ...one, timeEnd: 9000 })), wanted(`window:${mood}-${second}`)];
        await delay(1000);
      }
    }
    const asked = grafana.asked.length;
    grafana.mood = 'well';
    await expect.poll(() => shown(grafana).length, { timeout: 30_000, interval: 100 }).toBe(1 + 3 * AWAY);
    await expect.poll(() => shown(grafana).filter(([, , end]) => end === 9000).length).toBe(3 * AWAY);
    await stop();
    expect(new Set(shown(grafana).map(([text]) => text)).size).toBe(1 + 3 * AWAY);
    expect(told.at(-1)).toBe('back');
    expect(told.filter((one) => one.startsWith('away')).length).toBe(1);
    // backing off: not once a second
    expect(asked).toBeLessThan(20 + AWAY);
  });

  it('waits for a token that is put right, and says once that it is wrong', async () => {
    await using grafana = await standInForGrafana();
    const { told, stop } = push(grafana, { now: [wanted('window:a')] }, { token: 'wrong' });
    await expect.poll(() => grafana.asked.length).toBeGreaterThan(3);
    await stop();
    expect(told).toEqual(['away: answered with HTTP 401']);
    expect(grafana.annotations.size).toBe(0);
  });

  it('survives a bug of ours: nothing else may ever end because of it', async () => {
    await using grafana = await standInForGrafana();
    let calls = 0;
    const told: string[] = [];
    const { stop } = startPush(
      {
        access: { url: grafana.url, token: secret(TOKEN) },
        wanted() {
          calls++;
          if (calls < 3) throw new TypeError('a bug');
          return [wanted('window:a')];
        },
        run: 'run:r',
        onPresence: (state) => told.push(state === 'back' ? 'back' : `away: ${state.away}`),
        onRefused: () => {},
      },
      QUICK,
    );
    await expect.poll(() => shown(grafana)).toEqual([['window:a', 1000, 1000]]);
    await stop();
    expect(told).toEqual(['away: a bug', 'back']);
  });

  it('goes on with the others where Grafana will not take one', async () => {
    await using grafana = await standInForGrafana();
    const { told, stop } = push(grafana, { now: [wanted('window:a', { text: '' }), wanted('window:b')] });
    await expect.poll(() => shown(grafana)).toEqual([['window:b', 1000, 1000]]);
    await delay(50);
    await stop();
    expect(told).toEqual(['refused: window:a, answered with HTTP 400']);
    expect(grafana.asked.filter((one) => one === 'POST').length).toBe(2);
  });
});

const status = z.looseObject({ series: z.array(z.looseObject({ state: z.string() })) });

describe('a daemon that pushes to Grafana', { timeout: 90_000 }, () => {
  it('tells windows, tasks, phases and what others told it, goes on after a kill -9, and samples on time while Grafana hangs', async () => {
    await using grafana = await standInForGrafana();
    const cloud = await startCloudThread();
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
      expect(texts()).toEqual(
        [
          'DOWN server-list new',
          'DOWN server-list reused',
          'deployed',
          'phase maintenance',
          'task &#39;stop &lt;b&gt;nova-api&lt;/b&gt;&#39;',
        ].toSorted(),
      );

      await watch.kill();
      watch = await startWatch({ env, folder });
      grafana.mood = 'hang';
      await delay(4000);
      await cloud.start('nova-api');
      await delay(2500);
      grafana.mood = 'well';
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
      // the phase goes on when the watching ends: what is known then is its end
      const release = [...grafana.annotations.values()].find(({ text }) => text === 'deployed');
      expect(release?.tags).toEqual(expect.arrayContaining(['rollwatch', 'release']));
    } finally {
      await watch.kill();
      await cloud.close();
      discard(folder);
    }
  });
});
