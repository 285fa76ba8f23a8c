/**
 * Measures the cost of the Ansible callback plugin: ansible-playbook with 300 tasks, with and without the plugin, and
 * with a daemon that is up, absent (a closed port), slow (answers after 2 s) or silent (accepts connections, never
 * answers).
 *
 *   npm run bench -- callback [DEBUG_ROUNDS] [COMMAND_ROUNDS]
 *
 * Two playbooks: only `debug` tasks, the worst case, and `command` tasks with pipelining, the shortest tasks of real
 * upgrades. In each round every case runs once; each round starts with a different case, and a case is compared with
 * the run without the plugin in the same round. ANSIBLE_PLAYBOOK overrides the ansible-playbook in the PATH. The time
 * inside the plugin is the sum of the wall time of its methods; on a busy machine it includes time in which other
 * processes ran. The number of waits is the number of voluntary context switches.
 *
 * Exits with code 1 if the median time inside is over 1 % of the run, or over 50 ms without a healthy daemon, if the
 * plugin waited more than once in a hundred tasks, or if the run is shown to take over 1 % longer (the whole 95 %
 * interval is above).
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { startWatch } from '../support/daemon.ts';

const PLAYBOOK = process.env['ANSIBLE_PLAYBOOK'] ?? 'ansible-playbook';
const PLUGIN = new URL('../../ansible/callback_plugins/rollwatch.py', import.meta.url).pathname;
const TIMED = new URL('./callback-timed.py', import.meta.url).pathname;
const TASKS = 300;
const SLOW_MS = 2000;

const [debugRounds = 15, commandRounds = 3] = process.argv.slice(2).map(Number);

const CASES = ['without', 'up', 'absent', 'slow', 'silent'] as const;
type Case = (typeof CASES)[number];

const PLAYBOOKS = [
  { kind: 'debug', task: 'ansible.builtin.debug: {msg: done}', rounds: debugRounds, cases: CASES },
  {
    kind: 'command',
    task: 'ansible.builtin.command: "true"',
    rounds: commandRounds,
    cases: CASES.filter((daemon) => daemon !== 'slow'),
  },
] as const;

/** Runs a program, and prints its wall time and the processor time of it and all its children, in seconds. */
const WAIT = `
import json, os, sys, time
begun = time.perf_counter()
pid = os.spawnvp(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
wall = time.perf_counter() - begun
sys.stderr.write(json.dumps({'status': status, 'wall': wall, 'cpu': usage.ru_utime + usage.ru_stime}))
`;
const runSchema = z.object({ status: z.literal(0), wall: z.number(), cpu: z.number() });

const callsSchema = z.object({ calls: z.number(), wall: z.number(), waits: z.number() });
const timedSchema = z.object({
  spent: z.record(z.string(), callsSchema),
  sender: z.number(),
  senderSeconds: z.number().nullable(),
});

type Ran = z.infer<typeof runSchema> & { readonly timed: z.infer<typeof timedSchema> | null };

const folder = mkdtempSync(join(tmpdir(), 'rollwatch-bench-'));
const plugins = join(folder, 'plugins');
const figures = join(folder, 'figures.json');

function writePlaybooks(): void {
  mkdirSync(plugins);
  copyFileSync(TIMED, join(plugins, 'rollwatch.py'));
  for (const { kind, task } of PLAYBOOKS) {
    const tasks = Array.from({ length: TASKS }, (_, index) => `    - name: Task ${index}\n      ${task}\n`);
    const play = '- name: Bench\n  hosts: localhost\n  connection: local\n  gather_facts: false\n  tasks:\n';
    writeFileSync(join(folder, `${kind}.yml`), play + tasks.join(''));
  }
}

async function run(kind: string, url: string | null): Promise<Ran> {
  rmSync(figures, { force: true });
  const pluginEnv = {
    ANSIBLE_CALLBACKS_ENABLED: 'rollwatch',
    ANSIBLE_CALLBACK_PLUGINS: plugins,
    ROLLWATCH_BENCH_PLUGIN: PLUGIN,
    ROLLWATCH_BENCH_FILE: figures,
    ROLLWATCH_URL: url ?? '',
  };
  const child = spawn('python3', ['-c', WAIT, PLAYBOOK, '-i', 'localhost,', `${kind}.yml`], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      LC_ALL: 'C.UTF-8',
      ANSIBLE_PIPELINING: '1',
      ...(url === null ? {} : pluginEnv),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const output = await text(child.stderr);
  const ran = runSchema.parse(JSON.parse(output.slice(output.lastIndexOf('{'))));
  const timed = url === null ? null : timedSchema.parse(JSON.parse(readFileSync(figures, 'utf8')));
  return { ...ran, timed };
}

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Waits until a sender has ended, and kills it after the timeout: it would disturb the next run. */
async function waitForSender(pid: number, timeoutMs: number): Promise<void> {
  const until = performance.now() + timeoutMs;
  while (isRunning(pid) && performance.now() < until) await delay(50);
  if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  while (isRunning(pid)) await delay(50);
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const tasksSchema = z.object({ tasks: z.array(z.object({ source: z.string(), end: z.string().nullable() })) });

async function endedTasks(url: string): Promise<number> {
  const { tasks } = tasksSchema.parse(await (await fetch(`${url}/api/v1/tasks?source=callback`)).json());
  return tasks.filter(({ end }) => end !== null).length;
}

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.floor(half)] ?? Number.NaN) + (sorted[Math.ceil(half) - 1] ?? Number.NaN)) / 2;
};

/** Returns the median and its 95 % interval from 5000 bootstrap samples, with a fixed seed. */
function withInterval(values: readonly number[]): {
  readonly middle: number;
  readonly low: number;
  readonly high: number;
} {
  let seed = 1;
  const random = (): number => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
  };
  const medians = Array.from({ length: 5000 }, () =>
    median(values.map(() => values[Math.floor(random() * values.length)] ?? Number.NaN)),
  ).toSorted((a, b) => a - b);
  return { middle: median(values), low: medians[125] ?? Number.NaN, high: medians[4874] ?? Number.NaN };
}

const percent = (share: number): string => `${share >= 0 ? '+' : '-'}${Math.abs(100 * share).toFixed(1)}`;

const sum = (timed: z.infer<typeof timedSchema>, what: 'wall' | 'waits'): number =>
  Object.values(timed.spent).reduce((total, calls) => total + calls[what], 0);

const sockets = new Set<Socket>();
const silent = createServer((socket) => {
  sockets.add(socket);
  socket.on('error', () => {});
});
const slow = createHttpServer((request, response) => {
  request.resume();
  setTimeout(() => response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}'), SLOW_MS);
});
const closed = createServer();

const cloud = await startCloudWorker();
writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
const watch = await startWatch({
  env: { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' },
  folder,
});
try {
  writePlaybooks();
  const absent = await listening(closed);
  await new Promise((resolve) => closed.close(resolve));
  const urls: Readonly<Record<Case, string | null>> = {
    without: null,
    up: watch.url,
    absent,
    slow: await listening(slow),
    silent: await listening(silent),
  };
  let good = true;
  let reported = 0;
  console.log(
    `| ${TASKS} tasks | daemon | rounds | run time | run time compared | processor time compared | inside the plugin (max) | share of the run | waits (max) | sender's processor time |`,
  );
  console.log('|---|---|---|---|---|---|---|---|---|---|');
  for (const { kind, rounds, cases } of PLAYBOOKS) {
    const runs = new Map<Case, Ran[]>(cases.map((daemon) => [daemon, []]));
    if (rounds > 0) await run(kind, null);
    for (let round = 0; round < rounds; round++) {
      for (let place = 0; place < cases.length; place++) {
        const daemon = cases[(round + place) % cases.length] ?? 'without';
        const ran = await run(kind, urls[daemon]);
        runs.get(daemon)?.push(ran);
        if (ran.timed !== null) await waitForSender(ran.timed.sender, daemon === 'up' ? 30_000 : 0);
        if (daemon === 'up') reported += TASKS;
      }
    }
    const without = runs.get('without') ?? [];
    for (const daemon of rounds > 0 ? cases : []) {
      const caseRuns = runs.get(daemon) ?? [];
      const wall = median(caseRuns.map((ran) => ran.wall));
      const row = [kind, daemon, rounds, `${wall.toFixed(2)} s`];
      const timed = caseRuns.flatMap((ran) => ran.timed ?? []);
      if (timed.length > 0) {
        const compare = (pick: (ran: Ran) => number) => {
          const ratios = caseRuns.map((ran, round) => pick(ran) / pick(without[round] ?? ran) - 1);
          const { middle, low, high } = withInterval(ratios);
          return { low, text: `${percent(middle)} % (${percent(low)} to ${percent(high)})` };
        };
        const [walls, processor] = [compare((ran) => ran.wall), compare((ran) => ran.cpu)];
        const inside = timed.map((figures) => sum(figures, 'wall'));
        const waits = Math.max(...timed.map((figures) => sum(figures, 'waits')));
        const share = median(inside) / median(without.map((ran) => ran.wall));
        const sender = median(timed.flatMap(({ senderSeconds }) => senderSeconds ?? []));
        row.push(walls.text, processor.text);
        row.push(`${(1000 * median(inside)).toFixed(0)} ms (${(1000 * Math.max(...inside)).toFixed(0)})`);
        row.push(`${(100 * share).toFixed(2)} %`, waits, `${sender.toFixed(2)} s`);
        if (share > 0.01 || waits > TASKS / 100 || walls.low > 0.01 || (daemon !== 'up' && median(inside) > 0.05))
          good = false;
        if (process.env['ROLLWATCH_BENCH_DETAIL'] !== undefined) console.error(JSON.stringify(timed.at(-1), null, 1));
      } else row.push('', '', '', '', '', '');
      console.log(`| ${row.join(' | ')} |`);
    }
  }
  const arrived = await endedTasks(watch.url);
  console.log(`\n${arrived} of the ${reported} tasks arrived while the daemon was up.`);
  process.exitCode = good && arrived === reported ? 0 : 1;
} finally {
  for (const socket of sockets) socket.destroy();
  silent.close();
  slow.closeAllConnections();
  slow.close();
  await watch.stop();
  await cloud.close();
  rmSync(folder, { recursive: true, force: true });
}
