import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Variable } from './dashboards.ts';
import { freePort } from './free-port.ts';
import type { Answered } from './grafana-panel.ts';
import { tool } from './requirements.ts';

export const PROMETHEUS = tool('prometheus', 'prometheus');
export const ALERTMANAGER = tool('prometheus-alertmanager', 'prometheus-alertmanager');

const RULES = new URL('../../dashboards/prometheus/rollwatch.rules.yml', import.meta.url).pathname;
const PROMETHEUS_CONFIGURATION = new URL('../../deploy/compose/prometheus.yml', import.meta.url);
const ALERTMANAGER_CONFIGURATION = new URL('../../dashboards/alertmanager/alertmanager.yml', import.meta.url);

const answerSchema = z.looseObject({
  status: z.string(),
  error: z.string().optional(),
  data: z
    .looseObject({ result: z.array(z.looseObject({ values: z.array(z.tuple([z.number(), z.string()])) })) })
    .optional(),
});
const notificationSchema = z.looseObject({
  alerts: z.array(z.looseObject({ status: z.string(), labels: z.record(z.string(), z.string()) })),
});
const vectorSchema = z.looseObject({
  error: z.string().optional(),
  data: z
    .looseObject({
      result: z.array(
        z.looseObject({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) }),
      ),
    })
    .optional(),
});
const labelsSchema = z.looseObject({ status: z.literal('success'), data: z.array(z.string()) });

/** Debian's Prometheus and Alertmanager on free ports, with the configuration of docker compose. */
export type Monitoring = AsyncDisposable & {
  readonly url: string;
  /** Returns how many values an expression has from a time (seconds since 1970) to now; `NaN` does not count. */
  values(expr: string, from: number): Promise<number>;
  /** Returns the series of an instant query with their values; `at` is in seconds since 1970. */
  instant(expr: string, at?: number): Promise<readonly Answered[]>;
  /** Returns the values of a dashboard variable; `expr` is its query with the selected values inserted. */
  offered(variable: Variable, expr: string): Promise<readonly string[]>;
};

type Options = { readonly folder: string; readonly daemon: string; readonly webhook: string };

export async function startMonitoring({ folder, daemon, webhook }: Options): Promise<Monitoring> {
  const [port, alertPort] = [await freePort(), await freePort()];
  const adapt = (name: string, from: URL, places: Readonly<Record<string, string>>) => {
    let config = readFileSync(from, 'utf8');
    for (const [place, own] of Object.entries(places)) {
      if (!config.includes(place)) throw new Error(`${from.pathname} has no ${place} to replace`);
      config = config.replace(place, own);
    }
    writeFileSync(join(folder, name), config);
  };
  adapt('prometheus.yml', PROMETHEUS_CONFIGURATION, {
    '/etc/prometheus/rollwatch.rules.yml': RULES,
    'alertmanager:9093': `127.0.0.1:${alertPort}`,
    'rollwatch:9774': new URL(daemon).host,
  });
  adapt('alertmanager.yml', ALERTMANAGER_CONFIGURATION, { 'http://127.0.0.1:9094/': webhook });
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

  async function instant(query: string, at = Date.now() / 1000): Promise<readonly Answered[]> {
    const body = new URLSearchParams({ query, time: String(at) });
    const answer = await fetch(`${url}/api/v1/query`, { method: 'POST', body });
    const { data, error } = vectorSchema.parse(await answer.json());
    if (data === undefined) throw new Error(error ?? 'no data');
    return data.result.map(({ metric, value: [time, value] }) => ({ labels: metric, points: [[time, Number(value)]] }));
  }

  return {
    url,
    async values(query, from) {
      const body = new URLSearchParams({ query, start: String(from), end: String(Date.now() / 1000), step: '1' });
      const answer = await fetch(`${url}/api/v1/query_range`, { method: 'POST', body });
      const { data, error } = answerSchema.parse(await answer.json());
      if (data === undefined) throw new Error(error ?? 'no data');
      return data.result.flatMap(({ values }) => values).filter(([, value]) => value !== 'NaN').length;
    },
    instant,
    async offered({ offers }, expr) {
      if ('label' in offers) {
        const query = new URLSearchParams({ 'match[]': expr });
        return labelsSchema.parse(await (await fetch(`${url}/api/v1/label/${offers.label}/values?${query}`)).json())
          .data;
      }
      // The format of a series of query_result() to which Grafana applies the regular expression.
      const lines = (await instant(expr)).map(
        ({ labels }) =>
          `{${Object.entries(labels)
            .map(([label, value]) => `${label}="${value}"`)
            .join(',')}}`,
      );
      return lines.flatMap((line) => offers.regex.exec(line)?.[1] ?? []);
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

export type Notice = { readonly alert: string; readonly status: string; readonly at: number };

/** The webhook that receives the alerts of Alertmanager. */
export type Webhook = Disposable & {
  readonly url: string;
  /** The alerts in order of arrival, with the time of arrival in milliseconds. */
  readonly notices: readonly Notice[];
};

export async function startWebhook(): Promise<Webhook> {
  const notices: Notice[] = [];
  const server = createServer(async (request, response) => {
    const at = Date.now();
    const { alerts } = notificationSchema.parse(JSON.parse(await text(request)));
    for (const { status, labels } of alerts) notices.push({ alert: labels['alertname'] ?? '', status, at });
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    notices,
    [Symbol.dispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function run(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr?.on('data', (part: Buffer) => {
    output = (output + part.toString()).slice(-4000);
  });
  child.on('exit', (code) => {
    if (code !== 0 && code !== null) console.error(`${command} ended with ${code}: ${output}`);
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
