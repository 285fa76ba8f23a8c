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
import { afterEach, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { type ApiReport, reportSchema } from '../../src/api/report.ts';
import type { Interval } from '../../src/domain/time.ts';
import { discard, startWatch, type WatchProcess } from '../support/daemon.ts';
import { freePort } from '../support/free-port.ts';
import { env } from '../support/real-cloud.ts';
import { rollwatch } from '../support/rollwatch.ts';

const OUTAGE_S = Number(process.env['SECONDS'] ?? 60);
/** By then a partial window is closed. */
const CLOSED_AFTER_MS = 65_000;

type Balancer = { readonly folder: string; readonly port: number; readonly process: ChildProcess };

const started: (Balancer | WatchProcess)[] = [];

afterEach(async () => {
  for (const { process, folder } of started.splice(0).toReversed()) {
    if (process.exitCode === null) {
      process.kill();
      await once(process, 'exit');
    }
    discard(folder);
  }
});

/** Starts HAProxy with living backends, and a dead one that gets no requests yet. */
async function startBalancer(living: number): Promise<Balancer> {
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-balancer-'));
  const [port, dead] = [await freePort(), await freePort()];
  const servers = Array.from({ length: living }, (_, index) => `  server nova${index} 127.0.0.1:8774`);
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
  const child = spawn('haproxy', ['-W', '-db', '-f', join(folder, 'haproxy.cfg')], { stdio: 'ignore' });
  const balancer = { folder, port, process: child };
  started.push(balancer);
  for (let tries = 0; ; tries++) {
    try {
      await command(balancer, 'show info');
      return balancer;
    } catch (error) {
      if (tries === 50) throw error;
      await delay(100);
    }
  }
}

/** Sends a command to HAProxy's administrative socket. */
async function command({ folder }: Balancer, line: string): Promise<string> {
  const socket = connect(join(folder, 'haproxy.sock'));
  await once(socket, 'connect');
  socket.end(`${line}\n`);
  return await text(socket);
}

/** Watches the API through a balancer, with the dead backend in it for `OUTAGE_S` seconds. */
async function rehearse(living: number): Promise<{ readonly truth: Interval; readonly report: ApiReport }> {
  const balancer = await startBalancer(living);
  const { folder } = balancer;
  const clouds = z.looseObject({ clouds: z.record(z.string(), z.looseObject({})) });
  const real = clouds.parse(parse(readFileSync(env.OS_CLIENT_CONFIG_FILE, 'utf8')));
  const endpoint = `http://127.0.0.1:${balancer.port}/v2.1`;
  const through = { clouds: { real: { ...real.clouds['real'], compute_endpoint_override: endpoint } } };
  writeFileSync(join(folder, 'clouds.yaml'), stringify(through));
  writeFileSync(join(folder, 'rollwatch.yaml'), 'probes: {server-boot: {enabled: false}}\n');
  const watch = await startWatch({
    env: { ...env, OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml') },
    folder,
    args: ['--config', join(folder, 'rollwatch.yaml')],
  });
  started.push(watch);
  await delay(10_000);
  await command(balancer, 'set server dead/dead state ready');
  const from = Date.now();
  await delay(OUTAGE_S * 1000);
  const open = z.looseObject({ series: z.array(z.looseObject({ probe: z.string(), state: z.string() })) });
  const { series } = open.parse(await (await fetch(`${watch.url}/api/v1/status`)).json());
  const lists = series.filter(({ probe }) => probe === 'server-list').map(({ state }) => state);
  expect(new Set(lists).has('partial'), lists.join(', ')).toBe(true);
  await command(balancer, 'set server dead/dead state maint');
  const until = Date.now();
  await delay(CLOSED_AFTER_MS);
  await watch.stop();
  const { out } = await rollwatch(['report', '--json'], { folder, env });
  return { truth: { from, until }, report: reportSchema.parse(JSON.parse(out)) };
}

describe('a dead backend behind HAProxy', () => {
  it('beside one or two living ones is one partial outage with its share', async () => {
    const rehearsals = await Promise.all([1, 2].map(async (living) => ({ living, ...(await rehearse(living)) })));
    for (const { living, truth, report } of rehearsals) {
      const share = 1 / (living + 1);
      const seconds = (truth.until - truth.from) / 1000;
      const lists = report.windows.filter(({ probe, kind }) => probe === 'server-list' && kind !== 'degraded');
      // One for each connection. A run of failures that is too long for chance splits one in a hundred.
      expect(lists.length, JSON.stringify(lists)).toBeLessThanOrEqual(4);
      for (const connection of ['new', 'reused']) {
        const [window] = lists
          .filter((found) => found.connection === connection && found.kind === 'partial')
          .toSorted((a, b) => b.slots - a.slots);
        if (window === undefined) throw new Error(`no partial window over ${connection} connections`);
        const spread = 4 * Math.sqrt((share * (1 - share)) / seconds);
        expect(Math.abs((window.failedShare?.estimate ?? 0) - share)).toBeLessThan(spread);
        // So many requests in a row succeed by chance once in a thousand runs.
        const farthest = 1000 * (Math.log(0.001) / Math.log(1 - share) + 1);
        expect(Math.abs(Date.parse(window.start.estimate) - truth.from)).toBeLessThan(farthest);
        expect(Math.abs(Date.parse(window.end?.estimate ?? '') - truth.until)).toBeLessThan(farthest);
      }
      const downtime = report.overall.probes['server-list']?.downtimeSeconds;
      // Two connections, so twice the samples; four standard deviations.
      const spread = 4 * Math.sqrt((seconds * share * (1 - share)) / 2);
      expect(Math.abs((downtime?.estimate ?? 0) - share * seconds), JSON.stringify(downtime)).toBeLessThan(spread);
      expect(report.incidents).toMatchObject([{ kind: 'partial' }]);
      console.log(
        `${share.toFixed(2)} of ${seconds.toFixed(1)} s = ${(share * seconds).toFixed(1)} s, measured ${JSON.stringify(downtime)}; ${report.incidents[0]?.sentence}`,
      );
    }
  });
});
