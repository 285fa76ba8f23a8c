/** What an operator sees while a command works: of checks, and of `watch` after Ctrl-C. */

import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { EmbeddedCloud } from '../../src/fake-openstack/cloud.ts';
import { startCloudWorker } from '../../src/fake-openstack/start-worker.ts';
import { discard } from '../support/daemon.ts';
import { spawnOnPty } from '../support/pty.ts';
import { rollwatch } from '../support/rollwatch.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

const CLEAR_LINE = '\r\u001b[2K';

let cloud: EmbeddedCloud;
let folder: string;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  cloud = await startCloudWorker();
  folder = mkdtempSync(join(tmpdir(), 'rollwatch-progress-'));
  writeFileSync(join(folder, 'clouds.yaml'), cloud.cloudsYaml());
  env = { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'embedded' };
});

afterAll(async () => {
  await cloud.close();
  discard(folder);
});

/** Runs a command on a terminal, sends SIGTERM once `until` matches, and returns what it wrote. */
async function onTerminal(args: readonly string[], until: RegExp | null = null): Promise<string> {
  const child = spawnOnPty([process.execPath, MAIN, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, TERM: 'xterm', ...env },
  });
  let written = '';
  let stopped = false;
  child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    written += part;
    if (stopped || until === null || !until.test(written)) return;
    stopped = true;
    child.kill('SIGTERM');
  });
  await once(child, 'close');
  return written;
}

describe('a check', { timeout: 90_000 }, () => {
  it('shows on a terminal what it does now, and removes that at the end', async () => {
    const written = await onTerminal(['check', 'before', '--only', 'basics', '--journal', 'terminal.sqlite']);
    const lines = written.replaceAll(CLEAR_LINE, '\n').split(/[\r\n]+/);
    expect(lines).toContainEqual(expect.stringMatching(/^connecting to the cloud \(\d s\)$/));
    expect(lines).toContainEqual(expect.stringMatching(/^basics: booting a server \(\d+ s\)$/));
    expect(lines.findLast((line) => line !== '')).toMatch(/^before: pass \(/);
  });

  it('prints a line now and then elsewhere, to standard error', async () => {
    await cloud.stop('nova-conductor');
    const onErr = () => void cloud.start('nova-conductor');
    const args = ['check', 'before', '--only', 'basics', '--json', '--journal', 'pipe.sqlite'];
    const { code, out, err } = await rollwatch(args, { folder, env, onErr });
    expect(err).toMatch(/^(rollwatch: basics: booting a server \(1\d s\)\n)(rollwatch: [^\n]+\n)*$/);
    expect(z.object({ ok: z.boolean() }).parse(JSON.parse(out))).toEqual({ ok: true });
    expect(code).toBe(0);
  });
});

it('watch says at Ctrl-C that it stops, and what it waits for', { timeout: 90_000 }, async () => {
  const written = await onTerminal(
    ['watch', '--listen', '127.0.0.1:0', '--journal', 'watch.sqlite'],
    /boot BUILD\/\w+ \d s/,
  );
  expect(written).toMatch(
    /\d\d:\d\d:\d\d stopping: waiting (?:for \d samples? in flight and )?until 1 test server is deleted; a second Ctrl-C quits at once/,
  );
  expect(await cloud.servers()).toEqual([]);
});
