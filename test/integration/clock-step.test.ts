import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { startEmbeddedCloud } from '../../src/fake-openstack/embedded-cloud.ts';
import { readJournal } from '../../src/journal/open-journal.ts';
import { discard, startWatch, type WatchProcess } from '../support/daemon.ts';

const PRELOAD = new URL('../support/stepped-clock.ts', import.meta.url).href;
const ANSWER_MS = 1700;
const HOUR_MS = 3_600_000;
/** One list a second over the reused connection, one over the new one. */
const LISTS_PER_SECOND = 2;
const COUNTED_SECONDS = 8;

const requestSchema = z.object({ request: z.instanceof(IncomingMessage) });
const reportSchema = z.object({
  run: z.object({ sessions: z.array(z.object({ id: z.number(), ended: z.boolean() })) }),
});

/** An access log of every HTTP server in this process. */
function accessLog() {
  const lines: { readonly at: number; readonly port: number | undefined; readonly url: string }[] = [];
  const note = (message: unknown) => {
    const { request } = requestSchema.parse(message);
    lines.push({ at: performance.now(), port: request.socket.localPort, url: request.url ?? '' });
  };
  subscribe('http.server.request.start', note);
  return { lines, [Symbol.dispose]: () => unsubscribe('http.server.request.start', note) };
}

async function until<T>(what: string, find: () => Promise<T | null>): Promise<T> {
  for (let tries = 0; tries < 400; tries++) {
    const found = await find();
    if (found !== null) return found;
    await delay(50);
  }
  throw new Error(`${what}: not within 20 s`);
}

const isReady = async ({ url }: WatchProcess) => ((await fetch(`${url}/readyz`)).ok ? true : null);

async function sessionsOf({ url }: WatchProcess) {
  const answer = await fetch(`${url}/api/v1/report`);
  return reportSchema.parse(await answer.json()).run.sessions;
}

it.each([
  { way: 'ahead', steps: [HOUR_MS] },
  { way: 'back', steps: [-HOUR_MS] },
  { way: 'ahead and back while the session changes', steps: [HOUR_MS, -HOUR_MS] },
])('has one sampler after the wall clock was set $way, and ends at SIGTERM', { timeout: 90_000 }, async ({ steps }) => {
  const cloud = await startEmbeddedCloud();
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-clock-'));
  const clock = join(folder, 'clock');
  let offset = 0;
  const set = (step: number) => {
    offset += step;
    writeFileSync(`${clock}.new`, String(offset));
    renameSync(`${clock}.new`, clock);
  };
  set(0);
  writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
  const env = {
    OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'),
    OS_CLOUD: 'embedded',
    NODE_OPTIONS: `--import=${PRELOAD}`,
    ROLLWATCH_TEST_CLOCK: clock,
  };
  using log = accessLog();
  const watch = await startWatch({ env, folder });
  try {
    await until('ready', () => isReady(watch));
    // A change of session waits for answers and a deletion, which takes longer than the interval of health reports.
    await cloud.setFault('nova-api', { kind: 'slow', ms: ANSWER_MS });
    await until('a boot', async () => ((await cloud.servers()).length > 0 ? true : null));
    for (const step of steps) {
      set(step);
      // Longer than the sampler needs to notice it, shorter than the change of session.
      await delay(1200);
    }
    await until('a second session', async () => ((await sessionsOf(watch)).length > 1 ? true : null));
    await until('ready again', () => isReady(watch));

    const from = performance.now();
    await delay(COUNTED_SECONDS * 1000);
    const lists = log.lines.filter(
      ({ at, port, url }) =>
        at >= from && port === cloud.ports['nova-api'] && url.includes('/servers/detail') && !url.includes('name='),
    );
    expect(lists.length).toBeLessThanOrEqual(LISTS_PER_SECOND * (COUNTED_SECONDS + 1));
    // An API as slow as this one gets fewer requests.
    expect(lists.length).toBeGreaterThan(0);
    // Further clock changes are followed once a minute.
    expect(await sessionsOf(watch)).toHaveLength(2);

    const stopped = await Promise.race([watch.stop(), delay(30_000, null, { ref: false })]);
    expect(stopped?.code).toBe(0);
    const journal = await readJournal(watch.journal);
    try {
      expect((await journal.sessions()).map(({ id, ended }) => ({ id, ended }))).toEqual([
        { id: 1, ended: true },
        { id: 2, ended: true },
      ]);
    } finally {
      await journal.close();
    }
    expect(await cloud.servers()).toEqual([]);
  } finally {
    await watch.kill();
    await cloud.close();
    discard(folder);
  }
});
