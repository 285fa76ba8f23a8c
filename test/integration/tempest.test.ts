/** `rollwatch check --tempest` with a program in place of Tempest: what it reports while running, and at the end. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { EmbeddedCloud } from '../../src/fake-openstack/cloud.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { discard } from '../support/daemon.ts';
import { rollwatch, withoutProgress } from '../support/rollwatch.ts';
import { subunitTest } from '../support/subunit.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;
const SERVERS = 'tempest.api.compute.servers.test_servers.ServersTest';
const VOLUMES = 'tempest.api.volume.test_volumes.VolumesTest';

let cloud: EmbeddedCloud;
let top: string;

beforeAll(async () => {
  cloud = await startCloudWorker();
  top = mkdtempSync(join(tmpdir(), 'rollwatch-tempest-'));
  writeFileSync(join(top, 'clouds.yaml'), cloud.cloudsYaml());
});

afterAll(async () => {
  await cloud.close();
  discard(top);
});

/** A folder with a workspace `ws` and a shell script `tempest` on the PATH. */
function tempest(script: string) {
  const folder = mkdtempSync(join(top, 'run-'));
  const env = {
    OS_CLIENT_CONFIG_FILE: join(top, 'clouds.yaml'),
    OS_CLOUD: 'embedded',
    PATH: `${folder}${delimiter}${process.env['PATH']}`,
  };
  mkdirSync(join(folder, 'ws', 'etc'), { recursive: true });
  writeFileSync(join(folder, 'ws', 'etc', 'tempest.conf'), '[auth]\n');
  const setScript = (lines: string) => {
    writeFileSync(join(folder, 'tempest'), `#!/bin/sh\ncd '${folder}'\necho "$@" >arguments\n${lines}\n`);
    chmodSync(join(folder, 'tempest'), 0o755);
  };
  setScript(script);
  return {
    folder,
    env,
    setScript,
    /** The arguments of its last run. */
    lastArguments: () => readFileSync(join(folder, 'arguments'), 'utf8').trim(),
    stream: (name: string, ...packets: readonly Buffer[]) => writeFileSync(join(folder, name), Buffer.concat(packets)),
    async check(...args: readonly string[]) {
      const ran = await rollwatch(['check', ...args, '--tempest-workspace', 'ws'], { folder, env });
      return { ...ran, err: withoutProgress(ran.err) };
    },
  };
}

/**
 * The state of a process as in ps(1), or undefined if there is none. It may be a zombie until its new parent reaps it.
 */
const stateOf = (pid: string): string | undefined =>
  existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] : undefined;

const traceback = (reason: string) => ({
  name: 'traceback',
  text: `Traceback (most recent call last):\n  File "x.py", line 1, in y\n    z()\n${reason}\n`,
});

const answerSchema = z.object({
  ok: z.boolean(),
  checks: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      detail: z.string(),
      before: z.string().nullable(),
      seconds: z.number().nullable(),
    }),
  ),
  tempest: z.unknown().optional(),
});

describe('a run of Tempest', { timeout: 60_000 }, () => {
  it('is compared with the one before test by test, in every format and in the report', async () => {
    const { check, stream, setScript, lastArguments, folder, env } = tempest('cat before');
    stream(
      'before',
      subunitTest(`${SERVERS}.test_boot[id-1,smoke]`, 'success'),
      subunitTest(`${SERVERS}.test_list[id-2,smoke]`, 'fail', traceback('a.Mismatch: 1 != 2')),
      subunitTest(`${SERVERS}.test_stop[id-3,smoke]`, 'success'),
      subunitTest(`${VOLUMES}.test_attach[id-4,smoke]`, 'success'),
      subunitTest(`${VOLUMES}.test_detach[id-5,smoke]`, 'success'),
    );
    const before = await check('before', '--only', 'tempest');
    expect(before).toMatchObject({ code: 1, err: '' });
    expect(lastArguments()).toBe(`run --subunit --smoke --config-file ${folder}/ws/etc/tempest.conf`);
    expect(before.out).toMatch(
      /^pass {2}tempest: smoke: 4 passed, 1 failed, 0 skipped in .*\nfail {2}Tempest tests: /m,
    );

    stream(
      'after',
      subunitTest(`${SERVERS}.test_boot[id-1,smoke]`, 'fail', traceback('tempest.Timeout: not ACTIVE\nDetails: BUILD')),
      subunitTest(`${SERVERS}.test_list[id-2,smoke]`, 'fail', traceback('a.Mismatch: 1 != 2')),
      subunitTest(`setUpClass (${VOLUMES})`, 'skip', { name: 'reason', text: 'Cinder is not available' }),
    );
    setScript('cat after');
    const after = await check('after', '--only', 'tempest', '--json');
    expect(after).toMatchObject({ code: 1, err: '' });
    const { ok, checks, tempest: summary } = answerSchema.parse(JSON.parse(after.out));
    expect(ok).toBe(false);
    expect(summary).toEqual({
      passed: 0,
      failed: 2,
      skipped: 4,
      seconds: 3,
      broken: [`${SERVERS}.test_boot`],
      gone: [`${SERVERS}.test_stop`, `${VOLUMES}.test_attach`, `${VOLUMES}.test_detach`],
    });
    expect(checks.map(({ name, status, before: was }) => [name, status, was])).toEqual([
      [`tempest: ${SERVERS}.test_boot`, 'fail', 'pass'],
      [`tempest: ${SERVERS}.test_list`, 'fail', 'fail'],
      [`tempest: setUpClass (${VOLUMES})`, 'skip', null],
      [`tempest: ${SERVERS}.test_stop`, 'skip', 'pass'],
      [`tempest: ${VOLUMES}.test_attach`, 'skip', 'pass'],
      [`tempest: ${VOLUMES}.test_detach`, 'skip', 'pass'],
      ['tempest', 'pass', 'pass'],
    ]);
    expect(checks[0]).toMatchObject({ detail: 'Timeout: not ACTIVE Details: BUILD', seconds: 1 });

    const junit = await check('after', '--only', 'tempest', '--format', 'junit');
    expect(junit.out).toContain(
      `name="tempest: ${SERVERS}.test_boot" time="1.000"><failure message="Timeout: not ACTIVE Details: BUILD"`,
    );
    expect(junit.out).toContain('tests="7" failures="1"');
    const report = await rollwatch(['report'], { folder, env });
    expect(report.out).toContain(`The checks after the upgrade found 1 problem: tempest:`);
    expect(report.out).toMatch(/fail {2}Tempest tests: 0 passed, 2 failed, 4 skipped; they took 3 s; 3 tests that/);
    const markdown = await rollwatch(['report', '--format', 'markdown'], { folder, env });
    // A line for all tests of each stage, and one for each failure: one before, two after
    expect(markdown.out.match(/^- (pass|fail|skip): tempest/gim)?.map((line) => line.toLowerCase())).toEqual(
      Array(5).fill('- fail: tempest'),
    );

    // The latest result of each test counts
    stream('again', subunitTest(`${SERVERS}.test_boot[id-1,smoke]`, 'success'));
    setScript('cat again');
    expect(await check('after', '--only', 'tempest', '--tempest', 'test_boot', '--json')).toMatchObject({ code: 0 });
    expect(lastArguments()).toBe(`run --subunit --regex=test_boot --config-file ${folder}/ws/etc/tempest.conf`);
    expect((await rollwatch(['report'], { folder, env })).out).toMatch(/^ {2}after, .*: pass/m);
  });

  it('is reported test by test while it runs', async () => {
    const { folder, env, stream } = tempest('cat one; while [ ! -e go ]; do sleep 0.05; done; cat two');
    stream('one', subunitTest(`${SERVERS}.test_boot[id-1]`, 'success'));
    stream('two', subunitTest(`${SERVERS}.test_list[id-2]`, 'success'));
    const child = spawn(process.execPath, [MAIN, 'check', 'before', '--only', 'tempest', '--tempest-workspace', 'ws'], {
      cwd: folder,
      env: { HOME: folder, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    const [first] = await once(child.stdout, 'data');
    expect(String(first)).toBe(`pass  tempest: ${SERVERS}.test_boot: ok in 1 s\n`);
    writeFileSync(join(folder, 'go'), '');
    expect(await text(child.stdout)).toMatch(
      /^pass {2}tempest: .*test_list: ok in 1 s\npass {2}tempest: smoke: 2 passed, 0 failed, 0 skipped in .*\nbefore: pass \(3 pass\)\n$/,
    );
    expect((await ended)[0]).toBe(0);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('is stopped together with its processes by %s', async (signal) => {
    const { folder, env, stream } = tempest("sh -c 'echo $$ >pid; exec sleep 600' & cat one; wait");
    stream('one', subunitTest(`${SERVERS}.test_boot[id-1]`, 'success'));
    const child = spawn(process.execPath, [MAIN, 'check', 'before', '--only', 'tempest', '--tempest-workspace', 'ws'], {
      cwd: folder,
      env: { HOME: folder, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    while (!existsSync(join(folder, 'pid'))) await delay(10);
    const pid = readFileSync(join(folder, 'pid'), 'utf8').trim();
    const rest = text(child.stdout);
    child.kill(signal);
    expect((await ended)[0]).toBe(1);
    expect(await rest).toMatch(
      /^skip {2}tempest: smoke: interrupted; until then 1 passed.*\nbefore: stopped \(1 pass, 1 skipped\)\n$/s,
    );
    expect(['Z', undefined]).toContain(stateOf(pid));
  });

  it('fails with one line if it ends early', async () => {
    const { check, setScript, stream, folder } = tempest(
      'echo "The specified regex doesn\'t match with anything"; exit 1',
    );
    const failed = async (...args: readonly string[]) => {
      const { code, out, err } = await check('before', '--only', 'tempest', '--json', ...args);
      expect({ code, err }).toEqual({ code: 1, err: '' });
      return answerSchema
        .parse(JSON.parse(out))
        .checks.filter(({ status }) => status === 'fail')
        .map(({ name, detail }) => `${name}: ${detail}`);
    };
    const configuration = `(configuration ${folder}/ws/etc/tempest.conf)`;
    expect(await failed('--tempest', 'nosuch')).toEqual([
      `tempest: nosuch: no test was run: The specified regex doesn't match with anything ${configuration}`,
    ]);
    const trace = traceback('oslo_config.cfg.ParseError: at tempest.conf:1').text;
    setScript(`cat >&2 <<'END'\n${trace}END\nexit 1`);
    expect(await failed()).toEqual([`tempest: smoke: no test was run: ParseError: at tempest.conf:1 ${configuration}`]);
    stream('one', subunitTest('a.B.c', 'success'), subunitTest('a.B.hangs[id-1]', 'success').subarray(0, -5));
    setScript('cat one; kill -9 $$');
    expect(await failed()).toEqual([
      'tempest: a.B.hangs: started but did not end: its process died',
      `tempest: smoke: Tempest was killed by SIGKILL; 1 passed, 0 failed, 0 skipped ${configuration}`,
    ]);
    writeFileSync(join(folder, 'tempest'), '#!/nowhere/python3\n');
    expect(await failed()).toEqual([
      `tempest: smoke: no test was run: spawn ${folder}/tempest ENOENT ${configuration}`,
    ]);
  });

  it('is rejected before any check if it is not possible', async () => {
    const { folder, env, check } = tempest('exit 1');
    const rejected = async (args: readonly string[], other = {}) => {
      const ran = await rollwatch(['check', 'before', ...args], { folder, env: { ...env, ...other } });
      expect(ran.out).toBe('');
      expect(ran.err.trimEnd().split('\n')).toHaveLength(1);
      return ran;
    };
    const missing = await rejected(['--tempest'], { PATH: join(folder, 'ws') });
    expect(missing.code).toBe(3);
    expect(missing.err).toContain('apt-get install python3-tempest');
    expect(await rejected(['--tempest', '--tempest-workspace', 'nowhere'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--tempest-workspace nowhere: it has no etc/tempest.conf'),
    });
    expect(await rejected(['--tempest', ''])).toMatchObject({
      code: 2,
      err: expect.stringContaining('the regex is empty'),
    });
    expect(await rejected(['--tempest-workspace', 'ws'])).toMatchObject({
      code: 2,
      err: 'rollwatch: --tempest-workspace has no effect without --tempest; add --tempest\n',
    });
    writeFileSync(join(folder, 'rollwatch.yaml'), 'clouds: [{name: embedded}, {name: embedded2}]\n');
    writeFileSync(
      join(folder, 'clouds.yaml'),
      cloud.cloudsYaml() +
        cloud
          .cloudsYaml()
          .replace(/^clouds:\n/, '')
          .replace('embedded:', 'embedded2:'),
    );
    expect(await check('before', '--tempest')).toMatchObject({ code: 2 });
  });
});
