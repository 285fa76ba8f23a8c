/**
 * Measures the cost of watching: server-list of 100 clouds at 1 Hz over both connections in one process, 200 requests
 * per second, compared with a bare loop of the same requests (node:http, setTimeout at absolute times, JSON.parse) in
 * the same run.
 *
 *   npm run bench -- cost [CLOUDS] [SECONDS]
 *
 * All clouds are one embedded cloud in its own process. Exits with code 1 if a slot was missed, or if one in a hundred
 * samples was sent more than 10 ms late.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { SamplerWorkerData } from '../../src/daemon/sampler-worker.ts';
import { startSampler } from '../../src/sampler/client.ts';
import { benchClouds } from './bench-clouds.ts';

const [clouds = 100, seconds = 30] = process.argv.slice(2).map(Number);

const child = fork(new URL('./cost-cloud.ts', import.meta.url));
const [message] = await once(child, 'message');
const cloud = z
  .object({ authUrl: z.string(), password: z.string(), list: z.string(), token: z.string() })
  .parse(message);

type Measured = {
  readonly samples: number;
  readonly late: readonly number[];
  readonly missed: number;
  readonly cpu: number;
};

/** Returns the processor time of this process alone, in seconds. */
const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

async function measureRollwatch(): Promise<Measured> {
  const late: number[] = [];
  let missed = 0;
  let failed = 0;
  let counting = false;
  const data: SamplerWorkerData = {
    session: 1,
    paused: false,
    run: 'bench',
    vantage: 'bench',
    stall: 250,
    clockStep: 500,
    preflight: false,
    clouds: benchClouds(cloud, { count: clouds }),
  };
  const sampler = startSampler({
    thread: new URL('../../src/daemon/sampler-worker.ts', import.meta.url),
    data,
    onEvent(event) {
      if (event.type !== 'sample' || !counting) return;
      const { sample } = event;
      if (sample.outcome === 'void') missed += sample.cause.kind === 'missed' ? sample.slots : 0;
      else late.push(sample.startedAt - sample.dueAt);
      if (sample.outcome === 'failed') failed++;
    },
    onExit(reason) {
      if (reason !== null) throw new Error(reason);
    },
  });
  // Each cloud gets its token first.
  await delay(8000);
  counting = true;
  const before = cpuSeconds();
  await delay(seconds * 1000);
  const spent = cpuSeconds() - before;
  counting = false;
  await sampler.stop();
  if (failed > 0) throw new Error(`${failed} samples failed: the bench's cloud is too slow here`);
  return { samples: late.length, late, missed, cpu: spent };
}

async function measureBareLoop(): Promise<Measured> {
  const late: number[] = [];
  const started = performance.now() + 1000;
  const end = started + seconds * 1000;
  let missed = 0;
  const list = (agent: Agent) =>
    new Promise<void>((resolve, reject) => {
      get(cloud.list, { agent, headers: { 'X-Auth-Token': cloud.token } }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          body += part;
        });
        response.on('end', () => {
          JSON.parse(body);
          resolve();
        });
      }).on('error', reject);
    });
  async function loop(index: number): Promise<void> {
    const agent = new Agent({ keepAlive: index % 2 === 0 });
    const inFlight: Promise<void>[] = [];
    for (let due = started + (index * 1000) / (2 * clouds); due < end; due += 1000) {
      await delay(Math.max(0, due - performance.now()));
      if (performance.now() - due > 1000) missed++;
      late.push(performance.now() - due);
      inFlight.push(list(agent));
    }
    await Promise.all(inFlight);
    agent.destroy();
  }
  await delay(1000);
  const before = cpuSeconds();
  await Promise.all(Array.from({ length: 2 * clouds }, (_, index) => loop(index)));
  return { samples: late.length, late, missed, cpu: cpuSeconds() - before };
}

function print(name: string, { samples, late, missed, cpu: spent }: Measured): number {
  const sorted = late.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  console.log(
    `${name}: ${samples} samples in ${seconds} s, ${missed} slots missed; late by ${at(0.5).toFixed(1)} ms (p50), ` +
      `${at(0.99).toFixed(1)} ms (p99), ${at(1).toFixed(1)} ms (max); ${((spent / samples) * 1000).toFixed(2)} ms of processor time per sample`,
  );
  return at(0.99);
}

try {
  const plain = await measureBareLoop();
  const rollwatch = await measureRollwatch();
  print('bare loop', plain);
  const p99 = print('Rollwatch', rollwatch);
  const ratio = rollwatch.cpu / rollwatch.samples / (plain.cpu / plain.samples);
  console.log(`processor time per sample: ${ratio.toFixed(2)} times that of the bare loop`);
  process.exitCode = p99 < 10 && rollwatch.missed === 0 ? 0 : 1;
} finally {
  child.kill();
}
