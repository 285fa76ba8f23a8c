import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { discard } from '../support/daemon.ts';
import { rollwatch } from '../support/rollwatch.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

let folder: string;
let scratch: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollwatch-rehearse-'));
  scratch = join(folder, 'tmp');
  mkdirSync(scratch);
  writeFileSync(join(folder, 'wrong-image.yaml'), 'probes:\n  server-boot:\n    image: nonesuch\n');
  writeFileSync(join(folder, 'wrong-key.yaml'), 'probs: {}\n');
  writeFileSync(join(folder, 'text.sqlite'), 'no journal');
});

afterEach(() => discard(folder));

it.each([
  {
    what: 'has a missing configuration',
    args: ['--config', 'missing.yaml'],
    says: /^rollwatch: --config: \S+missing\.yaml does not exist/m,
  },
  {
    what: 'has a mistake in its configuration',
    args: ['--config', 'wrong-key.yaml'],
    says: /^rollwatch: \S+wrong-key\.yaml:1: unknown key probs; did you mean probes\?/m,
  },
  {
    what: 'boots an image that the cloud does not have',
    args: ['--config', 'wrong-image.yaml', '--listen', '127.0.0.1:0'],
    says: /^rollwatch: cloud embedded: .*nonesuch/m,
  },
  {
    what: 'listens on an invalid address',
    args: ['--listen', 'nonsense'],
    says: /^rollwatch: --listen is 'nonsense'; it must be /m,
  },
  {
    what: 'listens on an address of another machine',
    args: ['--listen', '192.0.2.1:9774'],
    says: /^rollwatch: cannot listen on 192\.0\.2\.1:9774: this machine has no such address/m,
  },
  {
    what: 'writes its journal to a missing folder',
    args: ['--journal', 'missing/j.sqlite', '--listen', '127.0.0.1:0'],
    says: /^rollwatch: journal \S+missing\/j\.sqlite: directory \S+missing does not exist/m,
  },
  {
    what: 'writes its journal to a file that is not a journal',
    args: ['--journal', 'text.sqlite', '--listen', '127.0.0.1:0'],
    says: /^rollwatch: .*text\.sqlite /m,
  },
])('a rehearsal that $what prints one line, exits and leaves no files', { timeout: 60_000 }, async ({ args, says }) => {
  await refused(args, { code: 2, says });
});

it('a rehearsal whose port is taken prints one line, exits and leaves no files', {
  timeout: 60_000,
}, async () => {
  const taken = createServer();
  await once(taken.listen(0, '127.0.0.1'), 'listening');
  try {
    const address = taken.address();
    const where = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const says = new RegExp(`^rollwatch: cannot listen on ${where}: the port is in use`, 'm');
    await refused(['--listen', where], { code: 3, says });
  } finally {
    taken.close();
  }
});

async function refused(
  args: readonly string[],
  { code, says }: { readonly code: number; readonly says: RegExp },
): Promise<void> {
  const before = readdirSync(folder);
  const ran = await rollwatch(['rehearse', '--exit', ...args], {
    folder,
    env: { TMPDIR: scratch },
    limit: 40_000,
    kill: 'SIGKILL',
  });
  expect(ran.err).toMatch(says);
  expect(ran.err).not.toContain('    at ');
  expect({ code: ran.code, out: ran.out }).toEqual({ code, out: '' });
  expect(readdirSync(scratch).filter((name) => name.startsWith('rollwatch-'))).toEqual([]);
  expect(readdirSync(folder)).toEqual(before);
}

/** Sends SIGTERM as soon as it serves; returns the URL and standard error. */
async function interrupted(args: readonly string[] = []): Promise<{ readonly url: string; readonly err: string }> {
  const child = spawn(process.execPath, [MAIN, 'rehearse', ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, TMPDIR: scratch },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 40_000,
    killSignal: 'SIGKILL',
  });
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    err += part;
    if (!child.killed && /http:\S+\n/.test(err)) child.kill('SIGTERM');
  });
  await once(child, 'close');
  expect(child.signalCode).toBe(null);
  return { url: /http:\S+/.exec(err)?.[0] ?? '', err };
}

it('a rehearsal keeps and names its journal, report reads it, and the next rehearsal replaces it', {
  timeout: 120_000,
}, async () => {
  const runs = [];
  for (const _ of [1, 2]) {
    const { err } = await interrupted(['--listen', '127.0.0.1:0']);
    expect(err).toContain(`Journal: ${join(folder, 'rehearsal.sqlite')} (rollwatch report --journal rehearsal.sqlite)`);
    expect(err.match(/http:/g)).toHaveLength(1);
    const report = await rollwatch(['report', '--json'], { folder });
    expect(report).toMatchObject({
      // No phase had started, so there is no verdict.
      code: 1,
      err: 'rollwatch: no run is recorded here; this is the rehearsal in rehearsal.sqlite\n',
    });
    runs.push(JSON.parse(report.out).run.id);
  }
  expect(new Set(runs).size).toBe(2);
  expect(readdirSync(scratch).filter((name) => name.startsWith('rollwatch-'))).toEqual([]);
  // With a cloud configured, the rehearsal is not reported.
  const other = await rollwatch(['report'], { folder, env: { OS_CLOUD: 'mycloud' } });
  expect(other).toMatchObject({ code: 2, out: '' });
  expect(other.err).toMatch(
    /^rollwatch: journal \S+rollwatch\.sqlite does not exist; .* --journal rehearsal\.sqlite\n$/,
  );
});

it('a rehearsal that receives two signals leaves no temporary folder', { timeout: 60_000 }, async () => {
  const child = spawn(process.execPath, [MAIN, 'rehearse', '--listen', '127.0.0.1:0'], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, TMPDIR: scratch },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 40_000,
    killSignal: 'SIGKILL',
  });
  child.stderr.on('data', () => child.kill('SIGTERM'));
  const again = setInterval(() => child.killed && child.kill('SIGTERM'), 20);
  await once(child, 'close');
  clearInterval(again);
  expect(child.exitCode).toBe(130);
  expect(readdirSync(scratch).filter((name) => name.startsWith('rollwatch-'))).toEqual([]);
});

it('a rehearsal does not touch a file that is not the journal of a rehearsal', { timeout: 60_000 }, async () => {
  writeFileSync(join(folder, 'rehearsal.sqlite'), 'somebody else wrote this');
  const { url, err } = await interrupted();
  expect(readFileSync(join(folder, 'rehearsal.sqlite'), 'utf8')).toBe('somebody else wrote this');
  const [, journal = ''] = /Journal: (\S+) /.exec(err) ?? [];
  expect(journal.startsWith(scratch)).toBe(true);
  expect(readdirSync(dirname(journal))).toEqual(['rehearsal.sqlite', 'rehearsal.sqlite-lock']);
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
});
