/**
 * A real HAProxy spreads requests over real nova-api, and one of its backends is dead: a partial outage is one window
 * with the right share, downtime and edges. `SECONDS=600` makes it as long as the simulated ones of the coverage bench.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { reportSchema } from '../../src/api/report.ts';
import { discard, startWatch, type WatchProcess } from '../support/daemon.ts';
import { freePort } from '../support/free-port.ts';
import { env } from '../support/real-cloud.ts';
import { rollwatch } from '../support/rollwatch.ts';

const OUTAGE_S = Number(process.env['SECONDS'] ?? 60);
const NOVA = 'server nova 127.0.0.1:8774';

let folder: string;
let balancer: ChildProcess | null = null;
let watch: WatchProcess | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollwatch-balancer-'));
});

afterEach(async () => {
  if (watch !== null && watch.process.exitCode === null) await watch.stop();
  if (balancer !== null && balancer.exitCode === null) {
    balancer.kill();
    await once(balancer, 'exit');
  }
  discard(folder);
});

/** Starts HAProxy with living backends and a dead one that gets no requests yet. Returns its port. */
async function startBalancer(living: number): Promise<number> {
  const [port, dead] = [await freePort(), await freePort()];
  const servers = Array.from({ length: living }, (_, index) => `  ${NOVA.replace('nova ', `nova${index} `)}`);
  const config = `
global
  stats socket ${folder}/haproxy.sock mode 600 level admin
defaults
  mode http
  retries 0
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend api
  bind 127.0.0.1:${port}
  # Not balance random: it hashes, so that backends get unequal shares.
  use_backend dead if { nbsrv(dead) gt 0 } { rand(${living + 1}) eq 0 }
  default_backend nova
backend nova
${servers.join('\n')}
backend dead
  server dead 127.0.0.1:${dead} disabled
`;
  writeFileSync(join(folder, 'haproxy.cfg'), config);
  balancer = spawn('haproxy', ['-W', '-db', '-f', join(folder, 'haproxy.cfg')], { stdio: 'ignore' });
  for (let tries = 0; ; tries++) {
    try {
      await command('show info');
      return port;
    } catch (error) {
      if (tries === 50) throw error;
      await delay(100);
    }
  }
}

/** Sends a command to HAProxy's administrative socket. */
async function command(line: string): Promise<string> {
  const socket = connect(join(folder, 'haproxy.sock'));
  await once(socket, 'connect');
  socket.end(`${line}\n`);
  return await text(socket);
}

/** Watches the API through the balancer, with the dead backend in it for `OUTAGE_S` seconds. Returns the truth. */
async function rehearse(living: number): Promise<{ readonly from: number; readonly until: number }> {
  const port = await startBalancer(living);
  const clouds = z.looseObject({ clouds: z.record(z.string(), z.looseObject({})) });
  const real = clouds.parse(parse(readFileSync(env.OS_CLIENT_CONFIG_FILE, 'utf8')));
  const endpoint = `http://127.0.0.1:${port}/v2.1`;
  const through = { clouds: { real: { ...real.clouds['real'], compute_endpoint_override: endpoint } } };
  writeFileSync(join(folder, 'clouds.yaml'), stringify(through));
  writeFileSync(join(folder, 'rollwatch.yaml'), 'probes: {server-boot: {enabled: false}}\n');
  watch = await startWatch({
    env: { ...env, OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml') },
    folder,
    args: ['--config', join(folder, 'rollwatch.yaml')],
  });
  await delay(10_000);
  await command('set server dead/dead state ready');
  const from = Date.now();
  await delay(OUTAGE_S * 1000);
  const open = z.looseObject({ series: z.array(z.looseObject({ probe: z.string(), state: z.string() })) });
  const { series } = open.parse(await (await fetch(`${watch.url}/api/v1/status`)).json());
  const lists = series.filter(({ probe }) => probe === 'server-list').map(({ state }) => state);
  expect(new Set(lists).has('partial'), lists.join(', ')).toBe(true);
  await command('set server dead/dead state maint');
  const until = Date.now();
  await delay(65_000);
  await watch.stop();
  return { from, until };
}

describe('a dead backend behind HAProxy', () => {
  it.each([1, 2])('beside %d living ones is one partial outage with its share', async (living) => {
    const truth = await rehearse(living);
    const { out } = await rollwatch(['report', '--json'], { folder, env });
    const report = reportSchema.parse(JSON.parse(out));
    const share = 1 / (living + 1);
    const seconds = (truth.until - truth.from) / 1000;
    const lists = report.windows.filter(({ probe, kind }) => probe === 'server-list' && kind !== 'degraded');
    expect(lists.map(({ connection, kind }) => `${connection} ${kind}`).toSorted()).toEqual([
      'new partial',
      'reused partial',
    ]);
    for (const window of lists) {
      const spread = 3 * Math.sqrt((share * (1 - share)) / seconds);
      expect(Math.abs((window.failedShare?.estimate ?? 0) - share)).toBeLessThan(spread);
      expect(Date.parse(window.start.earliest)).toBeLessThanOrEqual(truth.from + 50);
      expect(Date.parse(window.start.latest)).toBeGreaterThanOrEqual(truth.from);
      expect(Date.parse(window.end?.latest ?? '')).toBeGreaterThanOrEqual(truth.until - 50);
    }
    const downtime = report.overall.probes['server-list']?.downtimeSeconds;
    // Two connections, so twice the samples; four standard deviations.
    const spread = 4 * Math.sqrt((seconds * share * (1 - share)) / 2);
    expect(Math.abs((downtime?.estimate ?? 0) - share * seconds), JSON.stringify(downtime)).toBeLessThan(spread);
    expect(report.incidents).toHaveLength(1);
    expect(report.incidents[0]).toMatchObject({ kind: 'partial', windows: expect.any(Array) });
    console.log(
      `${share.toFixed(2)} of ${seconds.toFixed(1)} s = ${(share * seconds).toFixed(1)} s; ${report.incidents[0]?.sentence}`,
    );
    expect((downtime?.min ?? 0) > 0 && (downtime?.max ?? 0) < seconds).toBe(true);
  });
});
