/** Rollwatch as npm installs, packs and starts it. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { discard } from '../support/daemon.ts';

const CHECKOUT = new URL('../..', import.meta.url).pathname;
const OLD_NODE = join(CHECKOUT, 'test/support/old-node.cjs');

/** npm on the Node that runs this test, whatever the machine has. */
const PATH = [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter);

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollwatch-npm-'));
});

afterAll(() => discard(folder));

const manifest = z
  .object({ scripts: z.record(z.string(), z.string()), bin: z.object({ rollwatch: z.string() }) })
  .parse(JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')));

describe('npm start', () => {
  /** The process and its descendants. */
  function descendants(pid: number): readonly number[] {
    const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
    return [pid, ...children.flatMap(descendants)];
  }
  const alive = (pids: readonly number[]) => pids.filter((pid) => existsSync(`/proc/${pid}`));

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'leaves no process and no server when only npm gets a %s',
    { timeout: 90_000 },
    async (signal) => {
      const cloud = await startCloudWorker();
      const clouds = join(folder, 'clouds.yaml');
      writeFileSync(clouds, cloud.cloudsYaml());
      const args = ['watch', '--listen', '127.0.0.1:0', '--journal', join(folder, `${signal}.sqlite`)];
      const npm = spawn('npm', ['start', '--silent', '--', ...args], {
        cwd: CHECKOUT,
        env: { PATH, HOME: folder, OS_CLIENT_CONFIG_FILE: clouds, OS_CLOUD: 'embedded' },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let pids: readonly number[] = [];
      try {
        let output = '';
        npm.stderr.on('data', (part: Buffer) => {
          output += part.toString();
        });
        while ((await cloud.servers()).length === 0) {
          if (npm.exitCode !== null) throw new Error(output);
          await delay(50);
        }
        pids = descendants(npm.pid ?? 0);
        expect(pids.length).toBeGreaterThan(1);
        npm.kill(signal);
        await once(npm, 'exit', { signal: AbortSignal.timeout(40_000) });
        expect(alive(pids)).toEqual([]);
        expect(await cloud.servers()).toEqual([]);
      } finally {
        for (const pid of alive(pids)) process.kill(pid, 'SIGKILL');
        await cloud.close();
      }
    },
  );

  it('forwards signals to its child, as all scripts do', () => {
    const starters = Object.entries(manifest.scripts).filter(([, script]) =>
      /\b(vitest|node (src|test)\/)/.test(script),
    );
    expect(starters.length).toBeGreaterThan(3);
    expect(starters.filter(([, script]) => !script.startsWith('exec '))).toEqual([]);
  });
});

describe('npm ci', () => {
  const install = (args: readonly string[], nodeOptions = '') => {
    const place = mkdtempSync(join(folder, 'ci-'));
    for (const file of ['package.json', 'package-lock.json', '.npmrc'])
      copyFileSync(join(CHECKOUT, file), join(place, file));
    const { status, stderr } = spawnSync('npm', ['ci', '--dry-run', '--ignore-scripts', '--offline', ...args], {
      cwd: place,
      env: { PATH, HOME: folder, NODE_OPTIONS: nodeOptions },
      encoding: 'utf8',
    });
    return { status, stderr };
  };

  it('prints no warning on an older Node.js than its own', () => {
    const { stderr } = install(['--loglevel', 'warn'], `--require ${OLD_NODE}`);
    expect(stderr).toContain('EBADENGINE');
    expect(install([], `--require ${OLD_NODE}`)).toEqual({ status: 0, stderr: '' });
  });

  it('prints no warning on its own Node.js', () => {
    expect(install(['--loglevel', 'warn'])).toEqual({ status: 0, stderr: '' });
  });
});

describe('the package', () => {
  it('contains all files that its documents link to', () => {
    const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: CHECKOUT,
      env: { PATH, HOME: folder },
      encoding: 'utf8',
    });
    const [packed] = z.array(z.object({ files: z.array(z.object({ path: z.string() })) })).parse(JSON.parse(stdout));
    const files = new Set(packed?.files.map(({ path }) => path));
    const wanted = ['README.md', 'deploy/README.md'].flatMap((page) =>
      [
        ...readFileSync(join(CHECKOUT, page), 'utf8').matchAll(
          /\b(?:deploy|ansible|dashboards|plans|docs)\/[\w/.-]*\w/g,
        ),
      ].map(([path]) => path),
    );
    expect(wanted).toContain('deploy/systemd/rollwatch.service');
    const missing = wanted.filter((path) => ![...files].some((one) => one === path || one.startsWith(`${path}/`)));
    expect(missing).toEqual([]);
    expect(files).toContain(manifest.bin.rollwatch);
  });

  /** Every old Node.js on this machine, and a simulated one. */
  const olds = PATH.split(delimiter)
    .map((one) => join(one, 'node'))
    .filter((one) => existsSync(one) && Number(nodeVersion(one).slice(1).split('.')[0]) < 24);

  it.each([['--require', OLD_NODE, process.execPath], ...olds.map((one) => ['', '', one])])(
    'names the required version in one line on an old Node.js (%s %s %s)',
    (require = '', file = '', node = '') => {
      const preload = require === '' ? [] : [require, file];
      const { status, stdout, stderr } = spawnSync(
        node,
        [...preload, join(CHECKOUT, manifest.bin.rollwatch), '--version'],
        {
          encoding: 'utf8',
        },
      );
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(
        /^rollwatch: needs Node\.js 24 or newer, but \S+ is v\d+\.\d+\.\d+; see https:\/\/nodejs\.org\/\n$/,
      );
    },
  );
});

function nodeVersion(node: string): string {
  return spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
}
