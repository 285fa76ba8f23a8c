/**
 * Measures the page in Chromium with a run of one hour at 1 Hz, four series and 10,000 tasks: bytes sent, time to the
 * first frame, time per frame while zooming, and memory over an hour of updates, sent faster than real time. `npm run
 * bench -- page [TASKS] [UPDATES_PER_SECOND]`
 */

import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { loadPlan } from '../../src/config/plan-file.ts';
import { createRunState } from '../../src/domain/run/run-state.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { describeProbes } from '../../src/probes/registry.ts';
import { LIVE_DOCUMENT, LIVE_POLICY, readPageFiles } from '../../src/report/page-document.ts';
import { openBrowser } from '../support/chromium.ts';
import { startWatch } from '../support/daemon.ts';
import { readerOfState } from '../support/live.ts';
import { rollwatch } from '../support/rollwatch.ts';
import { serve } from '../support/served.ts';
import { HOUR, SERIES_OF_HOUR, sampleOfHour, writeHour } from './hour-journal.ts';

const TASKS = Number(process.argv[2] ?? 10_000);
const RATE = Number(process.argv[3] ?? 30);

const say = (what: string, figure: string) => console.log(`| ${what} | ${figure} |`);
const kilo = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
const mega = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

const DRAWN = `performance.getEntriesByName('rollwatch-drawn')[0]?.startTime ?? null`;

async function drawn(page: Page): Promise<number> {
  for (;;) {
    const at: unknown = await page.evaluate(DRAWN);
    if (typeof at === 'number') return at;
    await delay(20);
  }
}

async function heap(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  return usedSize;
}

async function load(browser: Browser, folder: string): Promise<void> {
  const cloud = await startCloudWorker();
  writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
  const watch = await startWatch({
    folder,
    env: { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' },
  });
  try {
    await delay(3000);
    const rounds: { picture: number; sent: ReadonlyMap<string, number> }[] = [];
    for (let round = 0; round < 5; round++) {
      const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
      const session = await page.context().newCDPSession(page);
      const urls = new Map<string, string>();
      const sent = new Map<string, number>();
      await session.send('Network.enable');
      session.on('Network.responseReceived', ({ requestId, response }) =>
        urls.set(requestId, new URL(response.url).pathname),
      );
      session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
        const path = urls.get(requestId) ?? '?';
        sent.set(path, (sent.get(path) ?? 0) + encodedDataLength);
      });
      await page.goto(watch.url);
      const picture = await drawn(page);
      await delay(1500);
      rounds.push({ picture, sent: new Map(sent) });
      if (round === 4) await zoom(page);
      await page.context().close();
    }
    const last = rounds.at(-1)?.sent ?? new Map<string, number>();
    const own = ['/', '/page.js', '/page.css'].reduce((sum, path) => sum + (last.get(path) ?? 0), 0);
    const all = [...last.values()].reduce((sum, bytes) => sum + bytes, 0);
    say('the page itself, compressed', kilo(own));
    for (const [path, bytes] of last) if (path.startsWith('/api/')) say(`${path}, compressed`, kilo(bytes));
    say('everything that a page load requests, compressed', kilo(all));
    const pictures = rounds.map(({ picture }) => picture).sort((a, b) => a - b);
    say(
      'from the start of the load to the first frame with samples',
      `${pictures[2]?.toFixed(0)} ms (max ${pictures[4]?.toFixed(0)} ms)`,
    );
  } finally {
    await watch.stop();
    await cloud.close();
  }
}

/** Prints the time between frames while keys zoom in, pan and zoom out. */
async function zoom(page: Page): Promise<void> {
  await page.waitForTimeout(2000);
  await page.evaluate(`(() => {
    window.frames_ = []; let last = performance.now();
    const next = (now) => { window.frames_.push(now - last); last = now; window.going_ = requestAnimationFrame(next); };
    window.going_ = requestAnimationFrame(next);
  })()`);
  const timeline = page.getByRole('application');
  for (const key of ['+', '+', '+', 'ArrowLeft', 'ArrowLeft', '+', '+', 'ArrowRight', '-', '-', '-', '-', '-', '0'])
    await timeline.press(key);
  const frames = (await page.evaluate('(cancelAnimationFrame(window.going_), window.frames_)')) as number[];
  frames.sort((a, b) => a - b);
  const at = (share: number) => frames[Math.ceil(share * frames.length) - 1]?.toFixed(0);
  say('between frames while zooming and panning', `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, max ${at(1)} ms`);
}

async function file(browser: Browser, folder: string): Promise<void> {
  const { out } = await rollwatch(['report', '--journal', join(folder, 'rollwatch.sqlite'), '--format', 'html'], {
    folder,
  });
  const path = join(folder, 'report.html');
  writeFileSync(path, out);
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  await page.goto(pathToFileURL(path).href);
  say(
    'the HTML report of that run',
    `${mega(statSync(path).size)}, first frame after ${(await drawn(page)).toFixed(0)} ms`,
  );
  await page.context().close();
}

async function hour(browser: Browser): Promise<void> {
  const start = Date.now() - HOUR;
  const runState = createRunState({
    run: 'bench',
    version: '1',
    overall: ['server-list'],
    probes: describeProbes(),
    plan: loadPlan('nova-rolling-upgrade', 'plan', (path) => path),
  });
  runState.openSession(
    { id: 1, startedAt: start, aliveAt: start, ended: false, version: '1', vantage: 'here', facts: {} },
    SERIES_OF_HOUR,
  );
  let now = start;
  await using served = await serve({
    run: readerOfState(runState, () => now),
    page: { ...readPageFiles(), document: LIVE_DOCUMENT, policy: LIVE_POLICY },
    events: { check: 1000 / RATE / 2, heartbeat: 1000, alive: 1000 },
  });
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  const session = await page.context().newCDPSession(page);
  await page.goto(served.url);
  const seen: number[] = [];
  for (let seq = 0; seq < 3600; seq++) {
    for (const series of SERIES_OF_HOUR) {
      const sample = sampleOfHour(series, { start, seq });
      runState.accept({ type: 'sample', sample });
      served.sample(sample);
    }
    now = start + (seq + 1) * 1000;
    if (seq % 600 === 599) seen.push(await heap(session));
    await delay(1000 / RATE);
  }
  await delay(3000);
  seen.push(await heap(session));
  say(
    `heap during an hour of updates at ${RATE} per second, every ten minutes and at the end`,
    seen.map(mega).join(', '),
  );
  await page.context().close();
}

const folder = mkdtempSync(join(tmpdir(), 'rollwatch-bench-'));
const browser = await openBrowser();
try {
  console.log(`| the run of an hour, ${TASKS} tasks | |\n|---|---|`);
  await writeHour(join(folder, 'rollwatch.sqlite'), {
    start: Date.now() - HOUR - 10_000,
    tasks: TASKS,
    vantage: 'here',
  });
  await load(browser, folder);
  await file(browser, folder);
  await hour(browser);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
