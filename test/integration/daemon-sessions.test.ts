/** The daemon's sessions with a sampler's thread that does as it is told here: what the lifecycle decides is really done. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Daemon, startDaemon } from '../../src/daemon/daemon.ts';
import type { JournalWriter } from '../../src/domain/ports.ts';
import { openJournal } from '../../src/journal/open-journal.ts';
import { discard } from '../support/daemon.ts';
import { SERIES } from '../support/samples.ts';

/** Says when it begins, hears an order and ends; at `offset` it reports its clock every 10 ms, also while it stops. */
const THREAD = `
import { parentPort, workerData } from 'node:worker_threads';
const say = (message) => parentPort.postMessage({ type: 'log', level: 'info', message: workerData.session + ' ' + message });
say(workerData.paused ? 'begins paused' : 'begins');
if (workerData.dies) throw new Error('a bug');
const clockOffset = workerData.offset;
const health = () => parentPort.postMessage({ type: 'health', health: { at: 0, lag: 0, inFlight: 0, held: {}, clockOffset } });
const timer = setInterval(health, 10);
parentPort.on('message', ({ type }) => {
  if (type === 'clean-up') return;
  say(type);
  if (type === 'stop') setTimeout(() => { clearInterval(timer); say('ends'); parentPort.close(); }, 300);
});
`;

let folder: string;
let journal: JournalWriter;
let daemon: Daemon | null = null;
let told: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rollwatch-sessions-'));
  journal = await openJournal({ file: join(folder, 'journal.sqlite'), vantage: 'here', now: () => Date.now() });
  told = [];
});

afterEach(async () => {
  await daemon?.stop();
  daemon = null;
  await journal.close();
  discard(folder);
});

type Session = { readonly offset?: number; readonly dies?: boolean };

async function start(sessionOf: (session: number) => Session): Promise<Daemon> {
  const thread = join(folder, 'thread.mjs');
  writeFileSync(thread, THREAD);
  daemon = await startDaemon({
    journal,
    version: 'test',
    vantage: 'here',
    overall: ['server-list'],
    plan: { name: 'none', description: '', phases: [] },
    series: [SERIES],
    clockStep: 500,
    thread: pathToFileURL(thread),
    data: ({ session, paused }) => ({ session, paused, offset: 0, dies: false, ...sessionOf(session) }),
    onPreflight: () => {},
    onSample: () => {},
    log: (_level, message) => told.push(message),
  });
  return daemon;
}

async function heard(message: string): Promise<void> {
  for (let tries = 0; !told.includes(message); tries++) {
    if (tries === 500) throw new Error(`not heard in 10 s: ${message}\n${told.join('\n')}`);
    await delay(20);
  }
}

const ofThreads = () => told.filter((message) => /^\d+ /.test(message));
const ends = async () => (await journal.sessions()).map(({ ended }) => ended);

it('has the old sampler end before the new one begins, though it reports the step to its end', async () => {
  const { stop } = await start(() => ({ offset: 5000 }));
  await heard('2 begins');
  await delay(500);
  await stop();
  expect(ofThreads()).toEqual(['1 begins', '1 stop', '1 ends', '2 begins', '2 stop', '2 ends']);
  expect(await ends()).toEqual([true, true]);
});

it('keeps a pause that comes while the session changes', async () => {
  const { pause, live, resume } = await start((session) => ({ offset: session === 1 ? 5000 : 0 }));
  await heard('1 stop');
  await pause();
  expect(live().paused).toBe(true);
  await heard('2 begins paused');
  await resume();
  await heard('2 resume');
});

it('ends within the change when it is stopped then, also twice', async () => {
  const { stop } = await start(() => ({ offset: -5000 }));
  await heard('1 stop');
  await Promise.all([stop(), stop()]);
  expect(ofThreads()).toEqual(['1 begins', '1 stop', '1 ends']);
  expect(await ends()).toEqual([true]);
});

it('goes on in a new session after its sampler died, and leaves the old one as a kill does', async () => {
  const { stop, live } = await start((session) => ({ dies: session === 1 }));
  await heard('2 begins');
  expect(live().report.run.running).toBe(true);
  await stop();
  expect(told).toContain('the sampler died (Error: a bug)');
  expect(await ends()).toEqual([false, true]);
});

it('takes tasks while no session is open', async () => {
  const { upgrade, stop, live } = await start(() => ({ dies: true }));
  await heard('the session has ended; the next one begins in 1 s');
  upgrade.phase({ name: 'maintenance', at: 1000 });
  expect(live().phases).toContain('maintenance');
  await stop();
  expect((await journal.phases()).map(({ name }) => name)).toEqual(['maintenance']);
});
