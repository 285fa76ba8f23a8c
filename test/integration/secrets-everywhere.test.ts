/** A cloud that echoes the password and the token everywhere, in every encoding: neither may appear in any output. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { readJournal } from '../../src/journal/open-journal.ts';
import { collect } from '../contract/journal.ts';
import { discard, startWatch } from '../support/daemon.ts';
import { ENCODINGS } from '../support/encodings.ts';
import { rollwatch } from '../support/rollwatch.ts';
import { type ScriptedServer, serveHttp } from '../support/scripted-server.ts';

const PASSWORD = 'Plänted "pass" \\ & <wörd> of%2F9c1d';
const TOKEN = 'gAAAAABm-Planted_live-token-42d7f';
const SECRETS = [PASSWORD, TOKEN];

/** Long enough not to occur by chance; of base64, the part that does not depend on the surrounding text. */
const FORBIDDEN: readonly string[] = SECRETS.flatMap((one) =>
  Object.entries(ENCODINGS).flatMap(([name, encode]) => (name.includes('in the midst') ? [] : [encode(one)])),
).concat(PASSWORD.slice(0, 13), TOKEN.slice(0, 16));

const folder = mkdtempSync(join(tmpdir(), 'rollwatch-secrets-'));
const servers: ScriptedServer[] = [];
afterAll(async () => {
  for (const one of servers) await one.close();
  discard(folder);
});

let asked = 0;
/** The secrets that the client sent or receives, in the next encoding. */
function echoing(message: IncomingMessage): () => string {
  const known = message.headers['x-auth-token'] === undefined ? [PASSWORD] : SECRETS;
  return () => {
    const names = Object.keys(ENCODINGS);
    const encode = ENCODINGS[names[asked++ % names.length] ?? ''] ?? String;
    return known.map(encode).join(' and ');
  };
}

const STATUSES = [500, 200, 404, 403, 502, 400, 503, 409];

function answer(url: string, message: IncomingMessage, response: ServerResponse): void {
  const path = message.url ?? '';
  const echo = echoing(message);
  const id = message.headers['x-auth-token'] === undefined ? `req-${asked}` : TOKEN;
  const send = (status: number, body: unknown, headers: Record<string, string> = {}) => {
    response.writeHead(status, { 'X-Openstack-Request-Id': id, 'X-Compute-Request-Id': id, ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const odd = () => {
    const status = STATUSES[asked % STATUSES.length] ?? 500;
    const body = asked % 3 === 0 ? `<html><title>${echo()}</title><h1>${echo()}</h1>` : { fault: { message: echo() } };
    send(status, body);
  };
  if (path.endsWith('/auth/tokens')) {
    if (asked % 5 === 4) {
      odd();
      return;
    }
    const now = Date.now();
    const endpoints = (name: string) => [
      { interface: 'public', url: `${url}/${name}`, region: 'one', region_id: 'one' },
    ];
    const catalog = [
      { type: 'compute', endpoints: endpoints('compute/v2.1') },
      { type: 'image', endpoints: endpoints('image/v2') },
      { type: 'network', endpoints: endpoints('network/v2.0') },
    ];
    const times = { issued_at: new Date(now).toISOString(), expires_at: new Date(now + 3_600_000).toISOString() };
    send(201, { token: { ...times, catalog, project: { id: 'p1' }, note: echo() } }, { 'X-Subject-Token': TOKEN });
  } else if (path.includes('/images')) {
    send(200, { images: [{ id: 'i1', name: `image ${echo()}`, status: 'active', size: 1, visibility: 'public' }] });
  } else if (path.includes('/flavors')) {
    send(200, { flavors: [{ id: 'f1', name: `flavor ${echo()}`, vcpus: 1, ram: 64, disk: 1 }] });
  } else if (path.includes('/networks')) {
    send(200, { networks: [{ id: 'n1', name: `net ${echo()}`, subnets: ['s1'] }] });
  } else if (message.method === 'POST' && path.endsWith('/servers')) {
    send(202, { server: { id: '7f1d1a52-0000-4000-8000-000000000001' } });
  } else if (/servers\/[0-9a-f-]{36}$/.test(path) && message.method === 'GET') {
    const fault = { code: 500, message: echo() };
    send(200, { server: { id: path.slice(-36), name: 'rollwatch-x', status: 'ERROR', metadata: {}, fault } });
  } else if (path.includes('name=')) {
    const metadata = { rollwatch: '1', vantage: 'here', run: echo() };
    const server = {
      id: '7f1d1a52-0000-4000-8000-000000000002',
      name: 'rollwatch-here-1',
      status: `ACTIVE ${echo()}`,
      metadata,
    };
    send(200, { servers: [server] });
  } else odd();
}

function searched(what: string, written: string): void {
  for (const one of FORBIDDEN) {
    const at = written.indexOf(one);
    expect(at === -1 ? '' : `${what}: ...${written.slice(Math.max(0, at - 80), at + one.length)}`).toBe('');
  }
}

test('no secret is in any output, file, metric or report', { timeout: 180_000 }, async () => {
  const server = await serveHttp((message, response) => {
    void text(message).then(() => answer(server.url, message, response));
  });
  servers.push(server);
  const auth = { auth_url: `${server.url}/identity/v3`, username: 'u', password: PASSWORD, project_name: 'p' };
  const domains = { user_domain_name: 'Default', project_domain_name: 'Default' };
  writeFileSync(
    join(folder, 'clouds.yaml'),
    JSON.stringify({ clouds: { hostile: { auth: { ...auth, ...domains }, region_name: 'one' } } }),
  );
  const env = { OS_CLIENT_CONFIG_FILE: join(folder, 'clouds.yaml'), OS_CLOUD: 'hostile' };
  const place = mkdtempSync(join(folder, 'watch-'));

  const watch = await startWatch({ env, folder: place });
  let logged = '';
  watch.process.stderr?.on('data', (part: Buffer) => {
    logged += part.toString();
  });
  await delay(12_000);
  const pages = ['metrics', 'api/v1/status', 'api/v1/samples', 'api/v1/windows', 'api/v1/report', 'api/v1/tasks', ''];
  const served = await Promise.all(pages.map(async (page) => (await fetch(`${watch.url}/${page}`)).text()));
  const { printed } = await watch.stop();
  expect(asked, 'the cloud was asked often enough for each encoding').toBeGreaterThan(30);
  expect(served.join(''), 'what was echoed is there, masked').toContain('***');

  searched('the log', logged);
  searched('the report of watch', printed);
  for (const [index, page] of pages.entries()) searched(`/${page}`, served[index] ?? '');
  for (const file of readdirSync(place)) searched(file, readFileSync(join(place, file)).toString('utf8'));
  // Packed samples are deflated in the file.
  const journal = await readJournal(watch.journal);
  const samples = await collect(journal);
  await journal.close();
  expect(samples.length).toBeGreaterThan(10);
  searched('the samples of the journal', JSON.stringify(samples));
  searched('their causes', samples.map(({ cause }) => `${cause?.message} ${cause?.body}`).join('\n'));
  for (const format of ['text', 'markdown', 'json', 'csv', 'junit', 'html']) {
    const output = await rollwatch(['report', '--journal', watch.journal, '--format', format], { folder: place, env });
    searched(`report --format ${format}`, output.out + output.err);
  }
  for (const args of [
    ['sweep', '--dry-run', '--any-vantage'],
    ['sweep', '--dry-run', '--json'],
    ['check', 'before', '--only', 'services', 'orphans', '--journal', join(place, 'check.sqlite')],
    ['check', 'clean'],
  ]) {
    const output = await rollwatch(args, { folder: place, env });
    searched(args.join(' '), output.out + output.err);
  }
});
