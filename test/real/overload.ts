/**
 * Measures how long an overloaded nova-api takes to recover, with Rollwatch watching and without it.
 *
 *   node test/real/overload.ts [--runs 10] [--checkout DIR] [--json FILE] [--limit 180] [--clients 30]
 *     [--client-timeout 7.5]
 *
 * The real cloud (test/real-cloud) must be up, and nothing else may use it. `--checkout` names the checkout whose
 * Rollwatch is measured (default: this one); `--json` writes the runs in full. Progress goes to stderr, the table to
 * stdout; limit and client timeout are in seconds. Exit code 1 if the API did not recover in every run, or took longer
 * with Rollwatch than without it (see `tolerance`).
 *
 * One run:
 *
 *   before    10 s   the API has its normal latency; `rollwatch watch` runs with its default settings, or does not run
 *   overload  15 s   each authenticated request holds its worker for 1 s more, from here until the end of the run;
 *                    30 clients list servers, time out after 7.5 s and retry; at the end they disconnect
 *   after            until the API has recovered, or the limit has passed
 *   stable    10 s   shows that the API stays recovered
 *
 * Runs with and without Rollwatch alternate. nova-api has two workers, so from the overload on it completes at most 2
 * requests per second. It also executes requests in its listen queue whose clients have timed out: the overload leaves
 * about 40 of those, which take most of a minute, with Rollwatch or without. `--clients 40 --client-timeout 5` fills
 * the queue of 100, so that the kernel drops further connections; that takes one and a half to two minutes.
 *
 * A light client, which is not part of the overload, measures the recovery. It sends one list every 2 s, whatever the
 * results of earlier ones, and waits for each without a limit. The API has recovered at the time at which this client
 * sent the first list that was answered within `FAST_ANSWER_MS`, if all that it sent in the next 10 s were answered
 * within it too. The figure is the time from the end of the overload to that time; its resolution is 2 s. The light
 * client is part of the load: it represents users who are still there.
 *
 * Why 6 s? Two requests per second is little: the two lists per second that Rollwatch sends to a healthy cloud are all
 * of it, and the polls of a boot come on top. A Rollwatch that continued like that would overload this API permanently
 * by itself. This program must detect that. A Rollwatch within its limit of 4 outstanding requests can still occupy
 * both workers and leave two requests waiting. A new request then waits for two rounds and is served in the third. A
 * round takes 1 s and what Nova itself needs, 0.1 s to 0.5 s on a busy machine: 3 to 4.5 s. So an answer within 6 s
 * means that hardly anything is queued beyond that limit. It does not mean that the API is as fast as an idle one: the
 * table also has the latency after recovery, which shows the cost of being watched.
 *
 * A request whose client has timed out is outstanding for the cloud until a worker has processed it. A client with a
 * timeout of 10 s and a limit of 4 that does not back off adds 0.4 requests per second to the queue. The light client
 * and nova-api leave about 1.2 per second for the queue, so this alone would make the recovery 50 % longer.
 *
 * The light client and the overload list a project that has no servers: a list of Rollwatch's own server takes Nova
 * longer, and only runs with Rollwatch have one.
 *
 * Requests from Rollwatch are counted when nova-api's workers start them, after authentication (by User-Agent, in the
 * log of `real-cloud slow`). A request in the listen queue is counted when it is started, whether Rollwatch still waits
 * for it or not. Connections are those to nova-api that Rollwatch's process has open or is opening, polled four times
 * per second, including those without a token (for the version document). Servers left are those of creates that
 * nova-api executed after Rollwatch had ended; this program deletes them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { readdir, readFile, readlink, rm } from 'node:fs/promises';
import { type ClientRequest, get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { z } from 'zod';
import { type CloudUser, signIn } from '../support/cloud-user.ts';
import { discard, startWatch, type WatchProcess } from '../support/daemon.ts';
import { env, HOME, script } from '../support/real-cloud.ts';

export type Scenario = {
  /** The extra duration of each authenticated request, in seconds. */
  readonly added: number;
  readonly clients: number;
  /** The client timeout and the durations of the stages, in milliseconds. */
  readonly clientTimeout: number;
  readonly before: number;
  readonly overload: number;
  readonly stable: number;
  /** The time limit of the recovery after the overload. */
  readonly limit: number;
};

const SCENARIO: Scenario = {
  added: 1,
  clients: 30,
  clientTimeout: 7500,
  before: 10_000,
  overload: 15_000,
  stable: 10_000,
  limit: 180_000,
};

/** A list answered within this time shows that the API has no backlog. */
const FAST_ANSWER_MS = 6000;
const ASK_EVERY_MS = 2000;
/** The allowed difference of two medians: twice the light client's interval, or a tenth, as between equal runs. */
const tolerance = (alone: number) => Math.max(2 * ASK_EVERY_MS, alone / 10);
const SLOW_LOG = `${HOME}/log/nova-api-slow.log`;

type Phase = 'before' | 'overload' | 'after' | 'stable';

export type Run = {
  readonly watched: boolean;
  /** The time from the end of the overload until recovery, in milliseconds; null if not within the limit. */
  readonly recovery: number | null;
  /** Requests per second that the workers started, from Rollwatch and from all clients. */
  readonly rates: { readonly [phase in Phase]: { readonly rollwatch: number; readonly all: number } };
  /** The median of the light client's latency after recovery, in milliseconds; null without recovery. */
  readonly latency: number | null;
  /** Connections in nova-api's listen queue when the overload ended. */
  readonly backlog: number;
  /** The most connections that Rollwatch had to nova-api at once, from the start of the overload. */
  readonly connections: number;
  readonly workers: number;
  /** Servers that Rollwatch left: creates that were executed after it had ended. */
  readonly left: number;
  /** The light client's lists: when each was sent, from the end of the overload, and how long it took, in seconds. */
  readonly lists: readonly { readonly at: number; readonly took: number | null }[];
};

type RunOptions = {
  readonly watched: boolean;
  readonly checkout?: string;
  readonly scenario?: Scenario;
  readonly signal?: AbortSignal;
};

/** Measures one run. The cloud is idle before and after it. */
export async function measure(options: RunOptions): Promise<Run> {
  const user = await userNamed('probe');
  const lists = listsOf(await userNamed('admin'));
  const cloud = { user, lists, sockets: createSocketTable(lists.port) };
  await waitForIdle(cloud);
  const run = await observe(cloud, options);
  return { ...run, left: await waitForIdle(cloud) };
}

async function observe(
  { lists, sockets }: MeasuredCloud,
  { watched, checkout, scenario = SCENARIO, signal }: RunOptions,
): Promise<Omit<Run, 'left'>> {
  let watch: WatchProcess | null = null;
  let light: LightClient | null = null;
  try {
    await rm(SLOW_LOG, { force: true });
    // Adds nothing yet, but makes nova-api log its requests.
    await script('slow', '0');
    if (watched) watch = await startWatch({ env, ...(checkout === undefined ? {} : { checkout }) });
    sockets.follow(watch?.process.pid ?? null);
    const beganAt = Date.now();
    light = startLightClient(lists);
    await delay(scenario.before, undefined, { signal });

    await script('slow', String(scenario.added));
    const overloadAt = Date.now();
    sockets.reset();
    await overload(lists, scenario, signal);
    const endedAt = Date.now();
    const backlog = await sockets.listenQueue();

    const { asked } = light;
    const findRecovery = () => recoveredSince(asked(), { from: endedAt, length: scenario.stable, now: Date.now() });
    let recoveredAt = findRecovery();
    while (recoveredAt === null && Date.now() < endedAt + scenario.limit + scenario.stable) {
      await delay(250, undefined, { signal });
      recoveredAt = findRecovery();
    }
    const stoppedAt = Date.now();
    const from = { before: beganAt, overload: overloadAt, after: endedAt, stable: recoveredAt ?? stoppedAt };
    const taken = await requestsTaken();
    const rate = (since: number, until: number) => {
      const there = taken.filter(({ at }) => at * 1000 >= since && at * 1000 < until);
      const perSecond = (count: number) => (until > since ? (count * 1000) / (until - since) : 0);
      return {
        rollwatch: perSecond(there.filter(({ agent }) => agent.startsWith('rollwatch')).length),
        all: perSecond(there.length),
      };
    };
    return {
      watched,
      recovery: recoveredAt === null ? null : recoveredAt - endedAt,
      rates: {
        before: rate(from.before, from.overload),
        overload: rate(from.overload, from.after),
        after: rate(from.after, from.stable),
        stable: rate(from.stable, stoppedAt),
      },
      latency:
        recoveredAt === null
          ? null
          : median(asked().flatMap(({ sentAt, took }) => (sentAt >= recoveredAt ? (took ?? []) : []))),
      backlog,
      connections: sockets.most(),
      workers: new Set(taken.map(({ worker }) => worker)).size,
      lists: asked().map(({ sentAt, took }) => ({
        at: (sentAt - endedAt) / 1000,
        took: typeof took === 'number' ? took / 1000 : null,
      })),
    };
  } finally {
    light?.stop();
    sockets.stop();
    await script('slow', 'off');
    if (watch !== null) {
      await stopWatch(watch);
      discard(watch.folder);
    }
  }
}

/** Sends SIGTERM, and SIGKILL if the process has not ended a minute later. */
async function stopWatch(watch: WatchProcess): Promise<void> {
  const late = setTimeout(() => void watch.kill(), 60_000);
  await watch.stop();
  clearTimeout(late);
}

type MeasuredCloud = { readonly user: CloudUser; readonly lists: Lists; readonly sockets: SocketTable };

type Lists = {
  readonly port: number;
  /** Sends one list on a new connection; `took` is null unless it was answered with 200. */
  send(agent: string): { readonly took: Promise<number | null>; giveUp(): void };
};

async function userNamed(name: 'probe' | 'admin'): Promise<CloudUser> {
  const file = z
    .object({
      clouds: z.object({ real: z.object({ auth: z.object({ auth_url: z.string(), password: z.string() }) }) }),
    })
    .parse(parse(readFileSync(env.OS_CLIENT_CONFIG_FILE, 'utf8'), { merge: true }));
  const { auth_url: authUrl, password } = file.clouds.real.auth;
  return signIn({ authUrl, password, close: async () => {} }, name);
}

function listsOf({ token, endpoint }: CloudUser): Lists {
  const url = new URL(`${endpoint('compute')}/servers/detail?limit=100`);
  return {
    port: Number(url.port),
    send(agent) {
      const sentAt = Date.now();
      const { promise: took, resolve } = Promise.withResolvers<number | null>();
      const request: ClientRequest = get(
        url,
        { agent: false, headers: { 'X-Auth-Token': token, 'User-Agent': agent } },
        (response) => {
          response.resume();
          response.once('end', () => resolve(response.statusCode === 200 ? Date.now() - sentAt : null));
          response.once('close', () => resolve(null));
        },
      );
      request.once('error', () => resolve(null));
      return { took, giveUp: () => request.destroy() };
    },
  };
}

/**
 * Waits until nova-api has processed its queue, and deletes the servers that it created for Rollwatch: a create is
 * executed even if its client has timed out or ended. Returns their number. A list takes longer with more servers.
 */
async function waitForIdle({ user, lists, sockets }: MeasuredCloud): Promise<number> {
  await script('slow', 'off');
  const until = Date.now() + 120_000;
  const removed = new Set<string>();
  for (let calm = 0; calm < 3; ) {
    if (Date.now() > until) throw new Error('nova-api is not idle after 120 s without added time');
    const took = await lists.send('overload-rig-idle').took;
    const isCalm = took !== null && took < 2000 && (await sockets.listenQueue()) === 0;
    const left = isCalm ? await serversOfRollwatch(user) : [];
    for (const id of left) {
      await user.remove(id);
      removed.add(id);
    }
    calm = isCalm && left.length === 0 ? calm + 1 : 0;
    await delay(200);
  }
  return removed.size;
}

const serversSchema = z.object({ servers: z.array(z.object({ id: z.string(), name: z.string() })) });

async function serversOfRollwatch(user: CloudUser): Promise<readonly string[]> {
  const { body } = await user.ask('compute', 'GET /servers');
  return serversSchema.parse(body).servers.flatMap(({ id, name }) => (name.startsWith('rollwatch-') ? id : []));
}

async function overload(
  lists: Lists,
  { clients, clientTimeout, overload }: Scenario,
  signal?: AbortSignal,
): Promise<void> {
  const until = Date.now() + overload;
  const client = async () => {
    while (Date.now() < until) {
      const list = lists.send('overload-rig-load');
      const giveUp = setTimeout(list.giveUp, Math.min(clientTimeout, until - Date.now()));
      const took = await list.took;
      clearTimeout(giveUp);
      signal?.throwIfAborted();
      // The request was refused or cut off, so it is not retried at once.
      if (took === null) await delay(20);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
}

type Asked = { readonly sentAt: number; took: number | null | undefined };

type LightClient = { asked(): readonly Asked[]; stop(): void };

function startLightClient(lists: Lists): LightClient {
  const asked: Asked[] = [];
  const open = new Set<() => void>();
  const ask = () => {
    const list = lists.send('overload-rig-light');
    const request: Asked = { sentAt: Date.now(), took: undefined };
    asked.push(request);
    open.add(list.giveUp);
    void list.took.then((took) => {
      open.delete(list.giveUp);
      request.took = took;
    });
  };
  ask();
  const timer = setInterval(ask, ASK_EVERY_MS);
  return {
    asked: () => asked,
    stop() {
      clearInterval(timer);
      for (const giveUp of open) giveUp();
    },
  };
}

/**
 * Returns when the first list after `from` was sent that starts a period of `length` with fast answers only; else null.
 */
function recoveredSince(
  asked: readonly Asked[],
  { from, length, now }: { readonly from: number; readonly length: number; readonly now: number },
): number | null {
  let since: number | null = null;
  for (const { sentAt, took } of asked) {
    if (sentAt < from) continue;
    if (took === undefined && now - sentAt <= FAST_ANSWER_MS) return null;
    // The request was not answered in time, or not with 200.
    if (took === undefined || took === null || took > FAST_ANSWER_MS) since = null;
    else since ??= sentAt;
    if (since !== null && sentAt - since >= length) return since;
  }
  return null;
}

const takenSchema = z.object({ at: z.number(), worker: z.number(), agent: z.string() });

async function requestsTaken(): Promise<readonly z.infer<typeof takenSchema>[]> {
  const text = await readFile(SLOW_LOG, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [takenSchema.parse(JSON.parse(line))]));
}

type SocketTable = {
  /** Connections that the kernel has accepted and nova-api has not. */
  listenQueue(): Promise<number>;
  follow(pid: number | null): void;
  reset(): void;
  /** The maximum of concurrent connections of the process to nova-api since `reset`. */
  most(): number;
  stop(): void;
};

const ESTABLISHED = '01';
const SYN_SENT = '02';
const LISTEN = '0A';

/** Parses /proc/net/tcp (see the kernel's documentation): addresses and queues are hexadecimal. */
function createSocketTable(port: number): SocketTable {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = async () =>
    (await readFile('/proc/net/tcp', 'utf8'))
      .split('\n')
      .slice(1, -1)
      .map((line) => {
        const [, local = '', remote = '', state = '', queues = '', , , , , inode = ''] = line.trim().split(/\s+/);
        return { local, remote, state, waiting: Number.parseInt(queues.split(':')[1] ?? '0', 16), inode };
      });
  let most = 0;
  let timer: NodeJS.Timeout | undefined;

  async function countConnections(pid: number): Promise<void> {
    const files = await readdir(`/proc/${pid}/fd`);
    const links = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')));
    const own = new Set(links);
    const open = (await rows()).filter(
      ({ remote, state, inode }) =>
        remote.endsWith(suffix) && [ESTABLISHED, SYN_SENT].includes(state) && own.has(`socket:[${inode}]`),
    );
    most = Math.max(most, open.length);
  }

  return {
    listenQueue: async () =>
      (await rows()).find(({ local, state }) => state === LISTEN && local.endsWith(suffix))?.waiting ?? 0,
    follow(pid) {
      // It may have ended, and then has no connections.
      if (pid !== null) timer = setInterval(() => void countConnections(pid).catch(() => {}), 250);
    },
    reset() {
      most = 0;
    },
    most: () => most,
    stop: () => clearInterval(timer),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

/** Returns the recovery of each run; infinity if the API has not recovered. */
export const recoveries = (runs: readonly Run[]): readonly number[] =>
  runs.map(({ recovery }) => recovery ?? Number.POSITIVE_INFINITY);

const seconds = (millis: number | null) =>
  millis === null || !Number.isFinite(millis) ? 'never' : fixed(millis / 1000);
const fixed = (value: number) => value.toFixed(1);

function tableRow(name: string, runs: readonly Run[]): string {
  const took = recoveries(runs);
  const rate = (phase: Phase) => fixed(median(runs.map(({ rates }) => rates[phase].rollwatch)));
  const cells = [
    name,
    String(runs.length),
    String(runs.filter(({ recovery }) => recovery !== null).length),
    seconds(median(took)),
    seconds(Math.min(...took)),
    seconds(Math.max(...took)),
    seconds(median(runs.flatMap(({ latency }) => latency ?? []))),
    rate('before'),
    rate('overload'),
    rate('after'),
    rate('stable'),
    String(Math.max(...runs.map(({ connections }) => connections))),
    String(median(runs.map(({ backlog }) => backlog))),
    String(Math.max(...runs.map(({ left }) => left))),
  ];
  return `| ${cells.join(' | ')} |`;
}

const COLUMNS = [
  'Rollwatch',
  'runs',
  'recovered',
  'median s',
  'min s',
  'max s',
  'latency after s',
  '/s before',
  '/s overload',
  '/s after',
  '/s stable',
  'connections',
  'backlog',
  'servers left',
];
const HEAD = `| ${COLUMNS.join(' | ')} |\n|${'---|'.repeat(COLUMNS.length)}`;

const log = (text: string) => process.stderr.write(`${new Date().toISOString()} ${text}\n`);

function logRun(number: number, { watched, recovery, latency, rates, connections, backlog, left }: Run): void {
  const phases = Object.entries(rates).map(
    ([phase, { rollwatch, all }]) => `${phase} ${fixed(rollwatch)}/${fixed(all)}`,
  );
  log(
    `run ${number} ${watched ? 'watched' : 'alone'}: recovered after ${seconds(recovery)} s, then answers in ` +
      `${seconds(latency)} s; requests per second of Rollwatch/of all: ${phases.join(', ')}; at most ${connections} ` +
      `connections of Rollwatch; ${backlog} in the listen queue at the end of the overload; ${left} servers left`,
  );
}

async function main(stopping: AbortSignal): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '10' },
      checkout: { type: 'string' },
      json: { type: 'string' },
      limit: { type: 'string', default: String(SCENARIO.limit / 1000) },
      clients: { type: 'string', default: String(SCENARIO.clients) },
      'client-timeout': { type: 'string', default: String(SCENARIO.clientTimeout / 1000) },
    },
  });
  const { checkout } = values;
  const scenario = {
    ...SCENARIO,
    limit: Number(values.limit) * 1000,
    clients: Number(values.clients),
    clientTimeout: Number(values['client-timeout']) * 1000,
  };
  const runs: Run[] = [];
  for (let number = 1; number <= Number(values.runs); number++) {
    for (const watched of [false, true]) {
      const run = await measure({
        watched,
        scenario,
        signal: stopping,
        ...(checkout === undefined ? {} : { checkout }),
      });
      if (run.workers !== 2) throw new Error(`${run.workers} workers of nova-api were seen; REAL_CLOUD_API_WORKERS=2`);
      runs.push(run);
      if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(runs, null, 2));
      logRun(number, run);
    }
  }
  const alone = runs.filter(({ watched }) => !watched);
  const watched = runs.filter((run) => run.watched);
  console.log([HEAD, tableRow('not running', alone), tableRow('watching', watched)].join('\n'));
  const usual = median(recoveries(alone));
  const isAsFast = median(recoveries(watched)) <= usual + tolerance(usual);
  process.exitCode = isAsFast && runs.every(({ recovery }) => recovery !== null) ? 0 : 1;
}

if (import.meta.main) {
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort());
  try {
    await main(stopping.signal);
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    log('stopped; the cloud is restored');
    process.exitCode = 130;
  }
}
