/**
 * Measures how accurate Rollwatch is when nova-api is stopped gracefully.
 *
 *   node test/real/graceful.ts [--stops 6] [--kill] [--pilot] [--slow SECONDS --clients N] [--checkout DIR]
 *     [--journal FILE] [--json FILE]
 *
 * The real cloud (test/real-cloud) must be up, and nothing else may use it. nova-api gets `--stops` SIGTERMs (with
 * `--kill`, its process group gets SIGKILL) at times spread evenly over an interval of the probes, and is started again
 * each time. Rollwatch watches with its default settings, with `--pilot` also with that probe. `--slow` makes each request slower by this many seconds, and
 * `--clients` clients list servers, one request after another, so that requests wait in the listen queue at the
 * signal, except while nova-api starts.
 *
 * The truth has two sources: the time of the signal, which this program sends, and a reference client. That client
 * requests the version document on a new connection every 25 ms (100 ms with `--slow`). Its last answered and its first
 * lost request bound the time from which requests are lost. With requests in the queue this is before the signal,
 * because requests that wait at the signal are lost too. Ends are not judged: while nova-api warms up, it answers the
 * version document sooner than lists. `--checkout` is the checkout whose Rollwatch watches (default: this one),
 * `--journal` keeps its journal, `--json` writes times and windows.
 *
 * Prints a row per stop and connection in seconds from the signal, and the means. Exits with code 1 if the signal or
 * the reference is outside a bracket.
 */
import { copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { discard, startWatch } from '../support/daemon.ts';
import { env, HOME, openstack, script } from '../support/real-cloud.ts';

const { values } = parseArgs({
  options: {
    stops: { type: 'string', default: '6' },
    kill: { type: 'boolean', default: false },
    pilot: { type: 'boolean', default: false },
    slow: { type: 'string', default: '0' },
    clients: { type: 'string', default: '0' },
    checkout: { type: 'string' },
    journal: { type: 'string' },
    json: { type: 'string' },
  },
});
const stops = Number(values.stops);
const { kill } = values;
const slow = Number(values.slow);
const clients = Number(values.clients);

const NOVA_API = 'http://127.0.0.1:8774/';
const REFERENCE_MS = slow > 0 ? 100 : 25;
/** How long before the signal the reference client starts: longer than requests wait in the queue. */
const LEAD_MS = slow > 0 ? 12_000 : 1500;
/** The time between two stops, and between the exit and the next start. */
const REST_MS = 7000;
const DOWN_MS = 2000;
const REQUEST_TIMEOUT_MS = 10_000;

/** Returns the time with fractions of a millisecond, like Rollwatch's clock. */
const now = () => performance.timeOrigin + performance.now();

type SentRequest = { readonly at: number; readonly ok: boolean };
type Range = { readonly from: number; readonly until: number };
type Stop = {
  readonly signal: number;
  readonly exit: number;
  /** The last answered and the first lost request of the reference client. */
  readonly start: Range;
};

/** Sends requests at a fixed rate, each on a new connection, whatever the results of earlier ones. */
function startReference() {
  const requests: Promise<SentRequest>[] = [];
  const ask = () => {
    const at = now();
    const { promise, resolve } = Promise.withResolvers<SentRequest>();
    requests.push(promise);
    const request = get(NOVA_API, { agent: false, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) }, (response) => {
      response.resume();
      response.once('end', () => resolve({ at, ok: response.statusCode === 200 }));
      response.once('error', () => resolve({ at, ok: false }));
    });
    request.once('error', () => resolve({ at, ok: false }));
  };
  const timer = setInterval(ask, REFERENCE_MS);
  return {
    async stop(): Promise<readonly SentRequest[]> {
      clearInterval(timer);
      return (await Promise.all(requests)).toSorted((a, b) => a.at - b.at);
    },
  };
}

/** Lists servers, one request after another, until the signal aborts. */
async function load(token: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const url = `${NOVA_API}v2.1/servers/detail`;
    const request = get(url, { agent: false, headers: { 'X-Auth-Token': token } }, (response) => {
      response.resume();
      response.once('close', () => resolve(true));
    });
    request.once('error', () => resolve(false));
    if (!(await promise)) await delay(50);
  }
}

const pidOfNovaApi = (): number => Number.parseInt(readFileSync(`${HOME}/run/nova-api.pid`, 'utf8'), 10);

function isRunning(pid: number): boolean {
  try {
    // A zombie has ended.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function stopOnce(index: number): Promise<Stop> {
  if (slow > 0) await script('slow', String(slow));
  await delay(REST_MS + 1000 * ((index * 0.618034) % 1));
  const reference = startReference();
  await delay(LEAD_MS);
  const pid = pidOfNovaApi();
  const signal = now();
  process.kill(kill ? -pid : pid, kill ? 'SIGKILL' : 'SIGTERM');
  while (isRunning(pid)) await delay(5);
  const exit = now();
  const requests = await reference.stop();
  await delay(DOWN_MS);
  await script('stop', 'nova-api');
  if (slow > 0) await script('slow', 'off');
  await script('start', 'nova-api');
  const first = requests.find(({ ok }) => !ok)?.at ?? exit;
  const before = requests.findLast(({ at, ok }) => ok && at < first)?.at ?? Number.NEGATIVE_INFINITY;
  return { signal, exit, start: { from: before, until: first } };
}

const timestamp = z.string().transform((text) => Date.parse(text));
const bracket = z.object({ earliest: timestamp, estimate: timestamp, latest: timestamp });
const reportSchema = z.object({
  windows: z.array(
    z.object({
      kind: z.string(),
      probe: z.string(),
      connection: z.string(),
      start: bracket,
      end: bracket.nullable(),
    }),
  ),
});

const folder = mkdtempSync(join(tmpdir(), 'rollwatch-graceful-'));
writeFileSync(join(folder, 'rollwatch.yaml'), `probes: {pilot: {enabled: ${values.pilot}}}\n`);
const watch = await startWatch({
  env,
  folder,
  ...(values.checkout === undefined ? {} : { checkout: values.checkout }),
});
const ending = new AbortController();
const measured: Stop[] = [];
let printed = '';
try {
  const token = clients > 0 ? await openstack('token', 'issue', '-f', 'value', '-c', 'id') : '';
  const loads = Array.from({ length: clients }, () => load(token, ending.signal));
  await delay(5000);
  for (let index = 0; index < stops; index++) {
    measured.push(await stopOnce(index));
    console.error(`stop ${index + 1} of ${stops}`);
  }
  await delay(5000);
  ending.abort();
  await Promise.all(loads);
  printed = (await watch.stop()).printed;
  if (values.journal !== undefined) copyFileSync(watch.journal, values.journal);
} finally {
  ending.abort();
  if (slow > 0) await script('slow', 'off');
  await watch.kill();
  discard(watch.folder);
}

const { windows } = reportSchema.parse(JSON.parse(printed));
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ measured, windows }, null, 2));

const seconds = (millis: number): string => `${millis < 0 ? '' : '+'}${(millis / 1000).toFixed(2)}`;

let outside = 0;
const errors: { readonly signal: number; readonly reference: number }[] = [];
console.log('| stop | exit | first lost | connection | earliest | estimate | latest | contains both |');
console.log('|---|---|---|---|---|---|---|---|');
for (const [index, { signal, exit, start: truth }] of measured.entries()) {
  for (const connection of ['reused', 'new']) {
    const window = windows.find(
      (candidate) =>
        candidate.kind === 'down' &&
        candidate.probe === 'server-list' &&
        candidate.connection === connection &&
        candidate.start.earliest <= exit &&
        (candidate.end?.latest ?? Number.POSITIVE_INFINITY) >= exit,
    );
    const cells = [index + 1, seconds(exit - signal), seconds(truth.until - signal), connection];
    if (window === undefined) {
      outside++;
      console.log(`| ${cells.join(' | ')} | no window | | | no |`);
      continue;
    }
    const { earliest, estimate, latest } = window.start;
    const holds = earliest <= Math.min(truth.until, signal) && latest >= Math.max(truth.from, signal);
    if (!holds) outside++;
    errors.push({ signal: estimate - signal, reference: estimate - truth.until });
    const edges = [earliest, estimate, latest].map((at) => seconds(at - signal));
    console.log(`| ${[...cells, ...edges, holds ? 'yes' : 'no'].join(' | ')} |`);
  }
}
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const errorText = (values: readonly number[]) =>
  `mean ${seconds(mean(values))} s, mean absolute ${(mean(values.map(Math.abs)) / 1000).toFixed(2)} s`;
console.log(
  `\nerror of the estimate from the first lost request: ${errorText(errors.map(({ reference }) => reference))}; ` +
    `from the signal: ${errorText(errors.map(({ signal }) => signal))}; ${outside} outside their brackets`,
);
process.exit(outside === 0 && measured.length === stops ? 0 : 1);
