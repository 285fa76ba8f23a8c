import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { freePort } from './free-port.ts';

const has = (tool: string): boolean => spawnSync(tool, ['--version']).status === 0;
export const hasPrometheus = has('prometheus') && has('prometheus-alertmanager');

const RULES = new URL('../../dashboards/prometheus/rollwatch.rules.yml', import.meta.url).pathname;
const ALERTMANAGER = new URL('../../dashboards/alertmanager/alertmanager.yml', import.meta.url);

const answerSchema = z.looseObject({
  status: z.string(),
  error: z.string().optional(),
  data: z
    .looseObject({ result: z.array(z.looseObject({ values: z.array(z.tuple([z.number(), z.string()])) })) })
    .optional(),
});
const labelsSchema = z.looseObject({ status: z.literal('success'), data: z.array(z.string()) });

/** Debian's Prometheus and Alertmanager with our rules and our example, on free ports. */
export type Monitoring = AsyncDisposable & {
  readonly url: string;
  /** How many values an expression has from a moment to now, in seconds since 1970; `NaN` is none. */
  values(expr: string, from: number): Promise<number>;
  /** What a variable of a dashboard would offer. */
  labelValues(selector: string, label: string): Promise<readonly string[]>;
};

type Options = { readonly folder: string; readonly daemon: string; readonly webhook: string };

export async function startMonitoring({ folder, daemon, webhook }: Options): Promise<Monitoring> {
  const [port, alertPort] = [await freePort(), await freePort()];
  const scraped = { job_name: 'rollwatch', static_configs: [{ targets: [new URL(daemon).host] }] };
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [RULES],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${alertPort}`] }] }] },
    scrape_configs: [scraped],
  };
  // JSON is YAML
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const example = readFileSync(ALERTMANAGER, 'utf8').replace('http://127.0.0.1:9094/', webhook);
  if (!example.includes(webhook)) throw new Error('the example has no address to put ours in');
  writeFileSync(join(folder, 'alertmanager.yml'), example);
  const url = `http://127.0.0.1:${port}`;
  const children = [
    run('prometheus', [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'prometheus')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]),
    run('prometheus-alertmanager', [
      `--config.file=${join(folder, 'alertmanager.yml')}`,
      `--storage.path=${join(folder, 'alertmanager')}`,
      `--web.listen-address=127.0.0.1:${alertPort}`,
      '--cluster.listen-address=',
    ]),
  ];
  await Promise.all([ready(`${url}/-/ready`), ready(`http://127.0.0.1:${alertPort}/-/ready`)]);
  return {
    url,
    async values(query, from) {
      const body = new URLSearchParams({ query, start: String(from), end: String(Date.now() / 1000), step: '1' });
      const answer = await fetch(`${url}/api/v1/query_range`, { method: 'POST', body });
      const { data, error } = answerSchema.parse(await answer.json());
      if (data === undefined) throw new Error(error ?? 'no data');
      return data.result.flatMap(({ values }) => values).filter(([, value]) => value !== 'NaN').length;
    },
    async labelValues(selector, label) {
      const query = new URLSearchParams({ 'match[]': selector });
      return labelsSchema.parse(await (await fetch(`${url}/api/v1/label/${label}/values?${query}`)).json()).data;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(
        children.map(async (child) => {
          const ended = once(child, 'exit');
          if (child.exitCode === null && child.kill('SIGTERM')) await ended;
        }),
      );
    },
  };
}

function run(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let told = '';
  child.stderr?.on('data', (part: Buffer) => {
    told = (told + part.toString()).slice(-4000);
  });
  child.on('exit', (code) => {
    if (code !== 0 && code !== null) console.error(`${command} ended with ${code}: ${told}`);
  });
  return child;
}

async function ready(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return;
    await delay(100);
  }
  throw new Error(`${url} is not ready`);
}
