import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { discard, startWatch } from '../support/daemon.ts';
import { rollwatch } from '../support/rollwatch.ts';

/** Use 50 by hand (see docs/accuracy.md); a few are enough to notice a regression. */
const KILLS = Number(process.env['ROLLWATCH_KILLS'] ?? 4);

const schema = z.object({
  run: z.object({ sessions: z.array(z.object({ ended: z.boolean() })) }),
  verdict: z.looseObject({ result: z.string() }),
  windows: z.array(z.unknown()),
  overall: z.object({ unobservedSeconds: z.number() }),
  probes: z.array(z.looseObject({ probe: z.string() })),
  servers: z.object({ created: z.number(), deleted: z.number(), leaked: z.number() }),
});

it('a daemon killed at any moment continues, leaves no server, and has the same report after a replay', {
  timeout: 30_000 + KILLS * 12_000,
}, async () => {
  const cloud = await startCloudWorker();
  const folder = mkdtempSync(join(tmpdir(), 'rollwatch-kill-'));
  writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
  const env = { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' };
  try {
    for (let count = 0; count < KILLS; count++) {
      const watch = await startWatch({ env, folder });
      await delay(500 + Math.random() * 4000);
      if (count % 2 === 0) await cloud.setFault('nova-api', count % 4 === 0 ? { kind: 'refuse' } : { kind: 'hang' });
      await delay(Math.random() * 1500);
      await watch.kill();
      await delay(Math.random() * 1000);
      await cloud.setFault('nova-api', null);
    }
    const last = await startWatch({ env, folder });
    await delay(6000);
    const { code, printed } = await last.stop();
    const report = schema.parse(JSON.parse(printed));
    // No phase started, so the outages are judged by the budgets outside all phases.
    expect(code).toBe(report.verdict.result === 'fail' ? 1 : 0);
    const { out } = await rollwatch(['report', '--json', '--journal', last.journal], { folder });
    const replayed = schema.parse(JSON.parse(out));
    expect(replayed.verdict).toEqual(report.verdict);
    expect(replayed.windows).toEqual(report.windows);
    expect(replayed.overall).toEqual(report.overall);
    expect(replayed.probes).toEqual(report.probes);
    expect(report.run.sessions.map((one) => one.ended)).toEqual([...Array.from({ length: KILLS }, () => false), true]);
    expect(report.servers.leaked).toBe(0);
    expect(await cloud.servers()).toEqual([]);
  } finally {
    await cloud.close();
    discard(folder);
  }
});
