import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { discard, startWatch } from '../support/daemon.ts';
import { env, openstack, script } from '../support/real-cloud.ts';

const edge = z.object({ earliest: z.string(), estimate: z.string(), latest: z.string() });
const reportSchema = z.object({
  run: z.object({ startedAt: z.string() }),
  windows: z.array(
    z.object({ kind: z.string(), probe: z.string(), connection: z.string(), start: edge, end: edge.nullable() }),
  ),
  servers: z.object({ created: z.number(), deleted: z.number(), leaked: z.number() }),
});

/**
 * The API is down for 5 to 10 s. A boot that was accepted before may still be ACTIVE within 15 s and succeed; with 4 s
 * per step, some step of a boot is within the outage and fails.
 */
const SHORT_BOOTS = 'probes: {server-boot: {active_timeout: 4s, delete_timeout: 4s}}\n';

/** Returns the time of a line of the script: '2026-11-22T10:35:13.676Z start stop-control: stop nova-api (...)'. */
function timeOf(lines: string, what: RegExp): number {
  const line = lines.split('\n').find((candidate) => what.test(candidate));
  if (line === undefined) throw new Error(`the script printed no line like ${what}`);
  return Date.parse(line.slice(0, 24));
}

async function serversLeft(): Promise<readonly unknown[]> {
  const listed = await openstack('server', 'list', '-f', 'json');
  return z
    .array(z.looseObject({ Name: z.string() }))
    .parse(JSON.parse(listed))
    .filter(({ Name }) => Name.startsWith('rollwatch-'));
}

describe('watching the real cloud', () => {
  it('has brackets that contain the stop and the start of nova-api, and leaves no server', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rollwatch-test-'));
    writeFileSync(join(folder, 'rollwatch.yaml'), SHORT_BOOTS);
    const watch = await startWatch({ env, folder });
    try {
      await delay(8000);
      const stdout = await script('rolling-upgrade');
      await delay(8000);
      const { code, printed } = await watch.stop();
      // No phase was reported, and the plan promises no downtime outside of them.
      expect(code).toBe(1);
      const report = reportSchema.parse(JSON.parse(printed));
      const stopBegan = timeOf(stdout, /start stop-control: stop nova-api/);
      const stopEnded = timeOf(stdout, /end {3}stop-control: stop nova-api/);
      const startBegan = timeOf(stdout, /start start-control: start nova-api/);
      const startEnded = timeOf(stdout, /end {3}start-control: start nova-api/);
      // On a busy machine nova-api takes longer to reload than a list may take, which is a window of its own.
      const reloadBegan = timeOf(stdout, /start hup: SIGHUP nova-conductor/);
      for (const connection of ['reused', 'new']) {
        const windows = report.windows.filter(
          (candidate) =>
            candidate.kind === 'down' &&
            candidate.probe === 'server-list' &&
            candidate.connection === connection &&
            Date.parse(candidate.start.latest) < reloadBegan,
        );
        expect(windows).toHaveLength(1);
        const [window] = windows;
        // It went down while the script stopped it, and came up while the script started it.
        expect(Date.parse(window?.start.earliest ?? '')).toBeLessThanOrEqual(stopEnded);
        expect(Date.parse(window?.start.latest ?? '')).toBeGreaterThanOrEqual(stopBegan);
        expect(Date.parse(window?.end?.earliest ?? '')).toBeLessThanOrEqual(startEnded);
        expect(Date.parse(window?.end?.latest ?? '')).toBeGreaterThanOrEqual(startBegan);
      }
      const boots = report.windows.filter(
        ({ kind, probe, start, end }) =>
          kind === 'down' &&
          probe === 'server-boot' &&
          Date.parse(start.earliest) <= startBegan &&
          Date.parse(end?.latest ?? '') >= stopEnded,
      );
      expect(boots).not.toEqual([]);
      expect(report.servers.leaked).toBe(0);
      expect(report.servers.created).toBeGreaterThan(0);
      expect(await serversLeft()).toEqual([]);
    } finally {
      await watch.kill();
      discard(watch.folder);
    }
  });

  it('names nova-api if it is killed, and continues in the same journal after a kill -9', async () => {
    const first = await startWatch({ env });
    try {
      await delay(6000);
      await first.kill();
      const second = await startWatch({ env, folder: first.folder });
      await delay(4000);
      await script('stop', 'nova-api', '--kill');
      await delay(3000);
      await script('start', 'nova-api');
      await delay(6000);
      const { code, printed } = await second.stop();
      // No phase was reported, and the plan promises no downtime outside of them.
      expect(code).toBe(1);
      const report = z
        .object({
          run: z.object({ sessions: z.array(z.object({ ended: z.boolean() })) }),
          windows: z.array(
            z.object({
              kind: z.string(),
              probe: z.string(),
              connection: z.string(),
              start: z.looseObject({ estimate: z.string() }),
              end: z.looseObject({ estimate: z.string() }).nullable(),
              causes: z.array(z.object({ kind: z.string(), service: z.string() })),
            }),
          ),
        })
        .parse(JSON.parse(printed));
      expect(report.run.sessions.map(({ ended }) => ended)).toEqual([false, true]);
      const lists = report.windows.filter(({ kind, probe }) => kind === 'down' && probe === 'server-list');
      expect(lists.map(({ connection }) => connection).toSorted(), JSON.stringify(lists)).toEqual(['new', 'reused']);
      for (const { causes } of lists) expect(causes.map(({ service }) => service)).not.toContain('nova-conductor');
      for (const { causes } of lists)
        expect(causes[0]).toMatchObject({ kind: 'connection-refused', service: 'nova-api' });
      expect(await serversLeft()).toEqual([]);
    } finally {
      await first.kill();
      await script('start', 'nova-api');
      discard(first.folder);
    }
  });
});
