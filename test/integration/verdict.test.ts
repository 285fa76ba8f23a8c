/** A run with a plan: phases started by hand and by a task, an outage in one of them, and the resulting report. */

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { EmbeddedCloud } from '../../src/fake-openstack/cloud.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { discard, startWatch, type WatchProcess } from '../support/daemon.ts';
import { rollwatch } from '../support/rollwatch.ts';

const PLAN = `
name: strict
phases:
  - name: expand
    budget: {api_downtime: 0s}
  - name: maintenance
    promise: Nothing fails.
    begins: {task: ['stop *']}
    budget: {api_downtime: 100ms, boot_downtime: 1h, error_ratio: 100%}
  - name: computes
    begins: {tag: [computes]}
    budget: {api_downtime: 0s}
`;
const GENEROUS = 'phases: [{name: maintenance, begins: {task: ["stop *"]}, budget: {api_downtime: 1h}}]\n';
const UNSURE = 'phases: [{name: maintenance, begins: {task: ["stop *"]}, budget: {slowdown: 1}}]\n';

let cloud: EmbeddedCloud;
let watch: WatchProcess;
let folder: string;

const phasesSchema = z.object({
  verdict: z.looseObject({ plan: z.string(), result: z.string() }),
  phases: z.array(z.looseObject({ name: z.string(), result: z.string().nullable(), running: z.boolean() })),
});
const phases = async () => phasesSchema.parse(await (await fetch(`${watch.url}/api/v1/phases`)).json());

const run = (...args: readonly string[]) => rollwatch(args, { folder, env: { ROLLWATCH_URL: watch.url } });

beforeAll(async () => {
  cloud = await startCloudWorker();
  folder = mkdtempSync(join(tmpdir(), 'rollwatch-verdict-'));
  writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
  writeFileSync(join(folder, 'plan.yaml'), PLAN);
  writeFileSync(join(folder, 'generous.yaml'), GENEROUS);
  writeFileSync(join(folder, 'unsure.yaml'), UNSURE);
  writeFileSync(join(folder, 'rollwatch.yaml'), 'plan: ./plan.yaml\nprobes: {server-boot: {enabled: false}}\n');
  const env = { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' };
  watch = await startWatch({ env, folder });
  await delay(2500);
}, 60_000);

afterAll(async () => {
  await watch.kill();
  await cloud.close();
  discard(folder);
});

describe('a run with a plan', { timeout: 60_000 }, () => {
  it('reports its phases while they are active', async () => {
    expect((await phases()).verdict).toMatchObject({ plan: 'strict', result: 'not-judged', judged: [] });
    expect(await run('phase', 'expand')).toMatchObject({ code: 0 });
    await delay(1600);
    expect(await phases()).toMatchObject({
      verdict: { result: 'pass' },
      phases: [
        { name: 'expand', result: 'pass', running: true },
        { name: 'maintenance', result: null },
        { name: 'computes', result: null },
      ],
    });
    const scraped = await (await fetch(`${watch.url}/metrics`)).text();
    expect(scraped).toMatch(/^rollwatch_phase_active\{.*phase="expand"\} 1$/m);
    expect(scraped).toMatch(/^rollwatch_phase_active\{.*phase="maintenance"\} 0$/m);
  });

  it('fails a phase that exceeded its budget, with the task that caused it', async () => {
    const task = { id: 'a', name: 'stop nova-api', start: new Date().toISOString(), status: 'running' };
    const report = (facts: object) =>
      fetch(`${watch.url}/api/v1/tasks`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ tasks: [{ ...task, ...facts }] }),
      });
    expect((await report({})).status).toBe(200);
    await delay(1200);
    await cloud.kill('nova-api');
    await delay(2500);
    await cloud.start('nova-api');
    await delay(1500);
    expect((await report({ status: 'ok', end: new Date().toISOString() })).status).toBe(200);
    const asked = await run('report', '--url', watch.url);
    expect(asked).toMatchObject({ code: 1, err: '' });
    expect(asked.out).toMatch(
      /^FAIL: maintenance exceeded its budget \(plan strict\)\. Not judged: computes never started\.$/m,
    );
    expect(asked.out).toMatch(/maintenance: API downtime: .* over the budget of 0\.1 s even at the minimum/);
    expect(await phases()).toMatchObject({
      phases: [{ result: 'pass' }, { name: 'maintenance', result: 'fail', task: 'stop nova-api' }, {}],
    });
  });

  it('has the same verdict afterwards as while it ran, and can be judged by another plan', async () => {
    const { code } = await watch.stop();
    expect(code).toBe(1);
    const read = (...args: readonly string[]) => run('report', '--journal', watch.journal, ...args);
    const strict = await read('--format', 'junit');
    expect(strict).toMatchObject({ code: 1, err: '' });
    expect(strict.out).toContain('<testsuites name="rollwatch strict" tests="5" failures="1"');
    const json = z
      .object({ verdict: z.unknown(), windows: z.array(z.object({ kind: z.string(), phase: z.string().nullable() })) })
      .parse(JSON.parse((await read('--json')).out));
    expect(json.verdict).toMatchObject({ plan: 'strict', result: 'fail', judged: ['expand', 'maintenance'] });
    expect(json.windows.filter(({ kind }) => kind === 'down').map(({ phase }) => phase)).toEqual([
      'maintenance',
      'maintenance',
    ]);
    expect(await read('--plan', 'generous.yaml')).toMatchObject({ code: 0 });
    expect(await read('--plan', 'unsure.yaml')).toMatchObject({ code: 0, out: expect.stringMatching(/^NOT PROVEN: /) });
    expect(await read('--plan', 'unsure.yaml', '--fail-on', 'not-proven')).toMatchObject({ code: 1 });
    const compared = await run('report', '--compare', watch.journal, watch.journal);
    expect(compared).toMatchObject({ code: 1, err: '', out: expect.stringMatching(/^Phase maintenance$/m) });
  });

  it.each([
    [['--plan', 'nowhere'], /^rollwatch: --plan is 'nowhere'; it must be kayobe, kolla-ansible, .* or a file path$/],
    [['--plan', './rollwatch.yaml'], /^rollwatch: \S+rollwatch\.yaml:\d+: unknown key /],
    [['--compare', 'JOURNAL'], /^rollwatch: --compare needs two or more journals, but got 1$/],
    [['--compare', 'JOURNAL', 'JOURNAL', '--format', 'junit'], /with --compare it must be text or json$/],
    [['--compare', 'JOURNAL', 'nowhere.sqlite'], /nowhere\.sqlite does not exist$/],
    [
      ['--compare', 'a', 'b', '--url', 'http://127.0.0.1:1'],
      /--compare cannot be used with --journal or --url; list all journals after --compare$/,
    ],
    [['--url', 'http://127.0.0.1:1', '--plan', 'plan.yaml'], /--plan cannot be used with --url/],
  ])('a mistake is reported in one line: report %j', async (args, says) => {
    const { code, out, err } = await run('report', ...args.map((one) => (one === 'JOURNAL' ? watch.journal : one)));
    expect([code, out, err.trim().split('\n').length]).toEqual([2, '', 1]);
    expect(err.trim()).toMatch(says);
  });
});
