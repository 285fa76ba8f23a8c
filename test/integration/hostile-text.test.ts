/** No control sequence from a cloud, a configuration or an argument reaches the terminal. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { discard } from '../support/daemon.ts';
import { CONTROLS, RAW } from '../support/hostile.ts';
import { spawnOnPty } from '../support/pty.ts';
import { rollwatch } from '../support/rollwatch.ts';
import { type ScriptedServer, serveHttp } from '../support/scripted-server.ts';

const MAIN = new URL('../../src/main.ts', import.meta.url).pathname;

let cloud: ScriptedServer;
let folder: string;
let env: Readonly<Record<string, string>>;

/** Answers instead of the usual ones, by the first segment of the path. */
let odd: { readonly [route: string]: { readonly status?: number; readonly body: unknown } } = {};

beforeAll(async () => {
  cloud = await serveHttp((request, response) => answer(request, response));
  folder = mkdtempSync(join(tmpdir(), 'rollwatch-hostile-'));
  const auth = { auth_url: `${cloud.url}/identity/v3`, username: 'u', password: 'p4ssw0rd-planted', project_name: 'p' };
  const clouds = join(folder, 'clouds.yaml');
  writeFileSync(clouds, JSON.stringify({ clouds: { hostile: { auth, region_name: 'R1' } } }));
  env = { OS_CLIENT_CONFIG_FILE: clouds, OS_CLOUD: 'hostile', TERM: 'xterm' };
});

afterEach(() => {
  odd = {};
});

afterAll(async () => {
  await cloud.close();
  discard(folder);
});

const SERVER = {
  id: '7c0bd1bb-3a3b-4f1c-9f0e-1f5c0f8ad111',
  name: `rollwatch-${CONTROLS}`,
  status: `ACTIVE${CONTROLS}`,
  metadata: { rollwatch: '1', vantage: 'lab', run: 'r' },
  created: '2026-11-25T00:00:00Z',
};

/** Keystone, Nova, Glance and Neutron, as far as the commands use them before they print something. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = request.url ?? '';
  const route = Object.keys(ROUTES).find((one) => path.includes(one)) ?? '';
  const { status = route === '/auth/tokens' ? 201 : 200, body } = odd[route] ?? { body: ROUTES[route]?.() ?? {} };
  request.resume();
  response.writeHead(status, { 'content-type': 'application/json', 'x-subject-token': 'gAAAAA-planted' });
  response.end(JSON.stringify(body));
}

const ROUTES: { readonly [route: string]: () => unknown } = {
  '/auth/tokens': () => ({
    token: {
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
      issued_at: new Date().toISOString(),
      methods: ['password'],
      user: { id: 'u1' },
      project: { id: 'p1', name: 'p' },
      roles: [],
      catalog: ['compute', 'image', 'network'].map((type) => ({
        type,
        name: type,
        id: type,
        endpoints: [{ id: type, interface: 'public', region: 'R1', region_id: 'R1', url: `${cloud.url}/${type}/v2.1` }],
      })),
    },
  }),
  '/images': () => ({ images: [{ id: 'i', name: CONTROLS, status: 'active', size: 1, min_ram: 0, min_disk: 0 }] }),
  '/networks': () => ({
    networks: ['a', 'b'].map((id) => ({
      id,
      name: CONTROLS,
      'router:external': false,
      admin_state_up: true,
      subnets: ['s'],
    })),
  }),
  '/flavors': () => ({ flavors: [{ id: 'f', name: CONTROLS, vcpus: 1, ram: 64, disk: 0 }] }),
  '/servers': () => ({ servers: [SERVER] }),
};

/** The control sequences of Rollwatch itself: colours, and clearing the status line. */
const ESCAPE = '\u001b';
const OWN = new RegExp(`${ESCAPE}\\[(?:1|2|22|31|32|33|39)m|\\r${ESCAPE}\\[2K`, 'g');

async function onTerminal(args: readonly string[]): Promise<{ readonly code: number | null; readonly shown: string }> {
  const child = spawnOnPty([process.execPath, MAIN, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, ...env },
  });
  let shown = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => {
    shown += part;
  });
  await once(child, 'close');
  return { code: child.exitCode, shown: shown.replaceAll(OWN, '') };
}

const error = (message: string) => ({ error: { code: 401, title: message, message } });
const watch = (journal: string) => ['watch', '--listen', '127.0.0.1:0', '--journal', `${journal}.sqlite`];

describe('a terminal', { timeout: 120_000 }, () => {
  it.each([
    {
      what: "Keystone's refusal in watch",
      args: watch('a'),
      answers: { '/auth/tokens': { status: 401, body: error(CONTROLS) } },
      code: 2,
    },
    {
      what: "Keystone's refusal in sweep",
      args: ['sweep', '--dry-run'],
      answers: { '/auth/tokens': { status: 401, body: error(CONTROLS) } },
      code: 2,
    },
    {
      what: "Nova's refusal in sweep",
      args: ['sweep', '--dry-run'],
      answers: { '/servers': { status: 403, body: { forbidden: { code: 403, message: CONTROLS } } } },
      code: null,
    },
    { what: 'names of networks in watch', args: watch('b'), answers: {}, code: 2 },
    { what: 'names of servers in sweep', args: ['sweep', '--dry-run', '--any-vantage'], answers: {}, code: 0 },
    {
      what: "Nova's text in a check",
      args: ['check', 'before', '--only', 'services', '--journal', 'c.sqlite'],
      answers: { '/servers': { status: 500, body: { computeFault: { code: 500, message: CONTROLS } } } },
      code: null,
    },
    { what: 'an unknown option', args: ['watch', `--${CONTROLS.replace('\0', '')}`], answers: {}, code: 2 },
    { what: 'an unknown command', args: [CONTROLS], answers: {}, code: 2 },
    { what: 'a URL', args: ['pause', '--url', `x${CONTROLS}`], answers: {}, code: 2 },
    { what: 'a journal', args: ['report', '--journal', CONTROLS], answers: {}, code: null },
  ])('gets no control sequence from $what', async ({ args, answers, code }) => {
    odd = answers;
    const { code: ended, shown } = await onTerminal(args);
    expect(shown.match(RAW)).toBeNull();
    if (code !== null) expect({ ended, shown: ended === code ? '' : shown }).toEqual({ ended: code, shown: '' });
    // Otherwise the test would test nothing.
    expect(shown).toContain('EVIL');
  });

  it('gets no control sequence from rollwatch.yaml or clouds.yaml', async () => {
    const odd = JSON.stringify(CONTROLS.replaceAll(/[\ud800\r\n]/g, ' '));
    const file = join(folder, 'odd.yaml');
    for (const settings of [
      `vantage: ${odd}`,
      `clouds: [${odd}]`,
      `${odd}: 1`,
      `plan: ${odd}`,
      `log: {level: ${odd}}`,
    ]) {
      writeFileSync(file, settings);
      const { code, shown } = await onTerminal([...watch('d'), '--config', file]);
      expect(shown.match(RAW), settings).toBeNull();
      expect({ settings, code }).toEqual({ settings, code: 2 });
    }
  });
});

describe('a closed standard output', { timeout: 60_000 }, () => {
  it('ends the program', async () => {
    const child = spawn('sh', ['-c', '"$0" "$1" --help 2>&1 | true; echo ended', process.execPath, MAIN]);
    const [[code], out] = await Promise.all([once(child, 'exit'), text(child.stdout)]);
    expect({ code, out }).toEqual({ code: 0, out: 'ended\n' });
  });
});

describe('a pipe', { timeout: 60_000 }, () => {
  it('gets complete JSON without control characters', async () => {
    const swept = await rollwatch(['sweep', '--dry-run', '--any-vantage', '--json'], { folder, env });
    expect(swept.out.match(RAW)).toBeNull();
    expect(JSON.parse(swept.out)).toMatchObject([{ name: SERVER.name }]);
    expect(swept.code).toBe(0);
  });

  it('gets log lines without control characters', async () => {
    odd = { '/auth/tokens': { status: 503, body: error(CONTROLS) } };
    const { err } = await rollwatch(watch('e'), { folder, env });
    expect(err.match(RAW)).toBeNull();
    const log = err.split('\n').filter((line) => line.startsWith('{'));
    expect(log.length).toBeGreaterThan(0);
    for (const line of log) expect(() => JSON.parse(line)).not.toThrow();
  });
});
