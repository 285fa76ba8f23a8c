import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';
import { redactEvent } from '../../../src/domain/redaction.ts';
import { openCloud } from '../../../src/openstack/cloud.ts';
import { serverList } from '../../../src/probes/server-list.ts';
import { token } from '../../../src/probes/token.ts';
import { createDispatch } from '../../../src/sampler/dispatch.ts';
import { createStallWatch } from '../../../src/sampler/stall-watch.ts';
import { accessTo } from '../../support/cloud-access.ts';
import { type ScriptedServer, serveHttp } from '../../support/scripted-server.ts';

const clock = { now: () => performance.timeOrigin + performance.now() };
const afterFailure = { interval: 100, limit: 0 };
const request = { interval: 1000, slow: 1000, afterFailure, timeout: 5000 };
const place = { cloud: 'cloud', vantage: 'here' };
const PASSWORD = 'pässwörd "with" \\ all & <sorts> of%2Fit';
const TOKEN = 'gAAAAABm-the_live-token-0123456789';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Answer = (request: { readonly path: string; readonly body: string }, response: ServerResponse) => void;

/** Keystone at /identity and Nova at /compute of the same server. */
async function serveCloud(keystone: Answer | null, nova: Answer): Promise<ScriptedServer> {
  const server = await serveHttp((message: IncomingMessage, response) => {
    void text(message).then((body) => {
      const path = message.url ?? '';
      if (!path.startsWith('/identity')) nova({ path, body }, response);
      else if (keystone === null) issue(server.url, response);
      else keystone({ path, body }, response);
    });
  });
  closing.push(() => server.close());
  return server;
}

function issue(url: string, response: ServerResponse): void {
  const now = Date.now();
  const timestamp = (at: number) => new Date(at).toISOString();
  const catalog = [
    {
      type: 'compute',
      endpoints: [{ interface: 'public', url: `${url}/compute/v2.1`, region: 'one', region_id: 'one' }],
    },
  ];
  response.writeHead(201, { 'Content-Type': 'application/json', 'X-Subject-Token': TOKEN });
  response.end(
    JSON.stringify({ token: { issued_at: timestamp(now), expires_at: timestamp(now + 3_600_000), catalog } }),
  );
}

/** One sample as it leaves the sampler's thread. */
async function sampleOf(probe: 'server-list' | 'token', url: string, password: string) {
  const cloud = openCloud({ access: accessTo({ authUrl: `${url}/identity/v3`, password }), clock });
  const list = { ...request, detail: true, limit: 100 };
  const made =
    probe === 'token' ? token(cloud, place, request) : serverList(cloud, place, { settings: list, connection: 'new' });
  closing.push(
    () => made.close(),
    () => cloud.close(),
  );
  const stalls = createStallWatch({ start: clock.now(), every: 1e9, limit: 1e9 });
  const dispatch = createDispatch({ probe: made, session: 1, clock, stalls, emit: () => {} });
  const sample = await dispatch.send({ dueAt: clock.now(), extra: false }, new AbortController().signal);
  const event = redactEvent({ type: 'sample', sample });
  return event.type === 'sample' ? event.sample : sample;
}

const echoes: readonly (readonly [string, number, Answer])[] = [
  ['as it is, with 500', 500, (_, response) => response.end(`no: ${PASSWORD} and ${TOKEN}`)],
  ['in JSON, with 500', 500, (_, response) => response.end(JSON.stringify({ a: { message: `${PASSWORD} ${TOKEN}` } }))],
  ['in JSON, with 200', 200, (_, response) => response.end(JSON.stringify({ [`${PASSWORD} ${TOKEN}`]: 1 }))],
  ['in a URL, with 404', 404, (_, response) => response.end(`/v2?${new URLSearchParams({ p: PASSWORD, t: TOKEN })}`)],
  [
    'in a page, with 502',
    502,
    (_, response) =>
      response.end(
        `<html><h1>${PASSWORD.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')}</h1>`,
      ),
  ],
  ['in the request back, with 400', 400, ({ body }, response) => response.end(body)],
  ['far behind, where the text is cut', 500, (_, response) => response.end(`${'x'.repeat(285)}${TOKEN}${PASSWORD}`)],
];

/** Parts of each that are too long to occur by chance. */
const PIECES = [
  PASSWORD.slice(0, 8),
  'p\\u00e4ssw',
  'p%C3%A4ssw',
  'all & <sorts>',
  'all &amp; &lt;sorts>',
  TOKEN.slice(0, 13),
];

test.each(echoes)(
  'an answer of Nova that echoes secrets %s leaves none in the sample',
  async (_name, status, answer) => {
    const server = await serveCloud(null, (asked, response) => {
      response.writeHead(status, { 'X-Openstack-Request-Id': TOKEN });
      answer(asked, response);
    });
    const sample = await sampleOf('server-list', server.url, PASSWORD);
    expect(sample.outcome).toBe('failed');
    expect(sample.requestId).toBe('***');
    for (const piece of PIECES) expect(JSON.stringify(sample)).not.toContain(piece);
  },
);

test.each(echoes)(
  'an answer of Keystone that echoes secrets %s leaves none in the sample',
  async (_name, status, answer) => {
    const server = await serveCloud(
      (asked, response) => {
        response.writeHead(status, { 'X-Openstack-Request-Id': `req-${PASSWORD.length}` });
        answer(asked, response);
      },
      (_, response) => response.end(),
    );
    const sample = await sampleOf('token', server.url, PASSWORD);
    expect(sample.outcome).toBe('failed');
    for (const piece of PIECES.slice(0, -1)) expect(JSON.stringify(sample)).not.toContain(piece);
  },
);

test.each(['public', 'compute', '127.0.0.1', 'http', 'v2.1', 'token', 'one'])(
  'a password that occurs in the catalog (%s) breaks nothing',
  async (password) => {
    const server = await serveCloud(null, (_, response) => response.end('{"servers": []}'));
    expect(await sampleOf('server-list', server.url, password)).toMatchObject({ outcome: 'ok' });
    expect(await sampleOf('token', server.url, password)).toMatchObject({ outcome: 'ok' });
  },
);
