/** The daemon carries out the effects of the session lifecycle, on a scripted sampler thread. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Daemon, startDaemon } from '../../src/daemon/daemon.ts';
import type { Journal } from '../../src/domain/journal.ts';
import type { LogLevel } from '../../src/domain/log.ts';
import type { Sample } from '../../src/domain/sample.ts';
import type { Plan } from '../../src/domain/upgrade/plan.ts';
import { openJournal } from '../../src/journal/open-journal.ts';
import { describeProbes } from '../../src/probes/registry.ts';
import { discard } from '../support/daemon.ts';
import { okSample, SERIES, voidSample } from '../support/samples.ts';
import { selector, task } from '../support/tasks.ts';

/** Logs its start, each command and its end. Reports the clock offset every 10 ms, even while it stops. */
const THREAD = `
import { parentPort, workerData } from 'node:worker_threads';
const log = (message) => parentPort.postMessage({ type: 'log', level: 'info', message: workerData.session + ' ' + message });
log(workerData.paused ? 'begins paused' : 'begins');
if (workerData.dies) throw new Error('a bug');
for (const sample of workerData.samples) parentPort.postMessage({ type: 'sample', sample });
const clockOffset = workerData.offset;
const health = () => parentPort.postMessage({ type: 'health', health: { at: 0, lag: 0, inFlight: 0, suspended: {}, clockOffset } });
const timer = setInterval(health, 10);
parentPort.on('message', ({ type }) => {
  if (type === 'clean-up') return;
  log(type);
  if (type === 'stop') setTimeout(() => { clearInterval(timer); log('ends'); parentPort.close(); }, 300);
});
`;

const PLAN: Plan = {
  name: 'our',
  description: '',
  phases: [{ name: 'a', promise: '', begins: [selector({ task: ['stop'] })], ends: [], budget: {} }],
};

let folder: string;
let journal: Journal;
let daemon: Daemon | null = null;
let logged: string[];
/** By message. */
const levels = new Map<string, LogLevel>();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rollwatch-sessions-'));
  journal = await openJournal({ file: join(folder, 'journal.sqlite'), vantage: 'here', now: () => Date.now() });
  logged = [];
});

afterEach(async () => {
  await daemon?.stop();
  daemon = null;
  await journal.close();
  discard(folder);
});

type Session = { readonly offset?: number; readonly dies?: boolean; readonly samples?: readonly Sample[] };

async function start(sessionOf: (session: number) => Session): Promise<Daemon> {
  const thread = join(folder, 'thread.mjs');
  writeFileSync(thread, THREAD);
  daemon = await startDaemon({
    journal,
    version: 'test',
    vantage: 'here',
    overall: ['server-list'],
    probes: describeProbes(),
    plan: PLAN,
    series: [SERIES],
    clockStep: 500,
    samplerModule: pathToFileURL(thread),
    samplerData: ({ session, paused }) => ({
      session,
      paused,
      offset: 0,
      dies: false,
      samples: [],
      ...sessionOf(session),
    }),
    onPreflight: () => {},
    onSample: () => {},
    log(level, message) {
      logged.push(message);
      levels.set(message, level);
    },
  });
  return daemon;
}

async function untilLogged(message: string): Promise<void> {
  for (let tries = 0; !logged.includes(message); tries++) {
    if (tries === 500) throw new Error(`not logged within 10 s: ${message}\n${logged.join('\n')}`);
    await delay(20);
  }
}

const threadLog = () => logged.filter((message) => /^\d+ /.test(message));
const endedFlags = async () => (await journal.sessions()).map(({ ended }) => ended);

it('stops the old sampler before it starts the new one, even if the old one reports the clock until it ends', async () => {
  const { stop } = await start(() => ({ offset: 5000 }));
  await untilLogged('2 begins');
  await delay(500);
  await stop();
  expect(threadLog()).toEqual(['1 begins', '1 stop', '1 ends', '2 begins', '2 stop', '2 ends']);
  expect(await endedFlags()).toEqual([true, true]);
});

it('starts the next sampler paused after a pause while the session changes', async () => {
  const { pause, live, resume } = await start((session) => ({ offset: session === 1 ? 5000 : 0 }));
  await untilLogged('1 stop');
  await pause();
  expect(live().paused).toBe(true);
  await untilLogged('2 begins paused');
  await resume();
  await untilLogged('2 resume');
});

it('stops while the session changes, even if requested twice', async () => {
  const { stop } = await start(() => ({ offset: -5000 }));
  await untilLogged('1 stop');
  await Promise.all([stop(), stop()]);
  expect(threadLog()).toEqual(['1 begins', '1 stop', '1 ends']);
  expect(await endedFlags()).toEqual([true]);
});

it('continues in a new session after the sampler crashed, and leaves the old session open as a kill does', async () => {
  const { stop, live } = await start((session) => ({ dies: session === 1 }));
  await untilLogged('2 begins');
  expect(live().report.run.running).toBe(true);
  await stop();
  expect(logged).toContain('the sampler crashed (Error: a bug)');
  expect(await endedFlags()).toEqual([false, true]);
});

it('records phases while no session is open', async () => {
  const { upgrade, stop, live } = await start(() => ({ dies: true }));
  await untilLogged('the session has ended; starting a new session in 1 s');
  upgrade.phase({ name: 'maintenance', at: 1000 });
  expect(live().phases).toContain('maintenance');
  await stop();
  expect((await journal.phases()).map(({ name }) => name)).toEqual(['maintenance']);
});

it('logs a void sample with its reason at debug', async () => {
  const { stop } = await start(() => ({ samples: [okSample({ seq: 0, at: 1000 }), voidSample({ seq: 1, at: 2000 })] }));
  const message = 'server-list (new) of cloud is void (stalled): stalled';
  await untilLogged(message);
  await stop();
  expect(levels.get(message)).toBe('debug');
  expect(logged.filter((line) => line.includes('server-list'))).toEqual([message]);
});

it('warns once of an upgrade that is well under way without having begun a phase', async () => {
  const { upgrade, replayed } = await start(() => ({}));
  await replayed;
  const begin = Date.now();
  for (let second = 0; second <= 360; second += 6) {
    const times = { start: begin + second * 1000, end: begin + second * 1000 + 500 };
    upgrade.task(task({ id: `t-${second}`, name: `Task ${second}`, ...times }));
  }
  const isWarning = (message: string) => message.startsWith('no phase of the plan our has begun, although 61 tasks');
  while (!logged.some(isWarning)) await delay(50);
  await delay(2500);
  expect(logged.filter(isWarning)).toHaveLength(1);
  expect(levels.get(logged.find(isWarning) ?? '')).toBe('warn');
});
