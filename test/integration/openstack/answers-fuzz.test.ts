/**
 * Answers that no real service sends: random bodies, headers, chunks, catalogues and ids, over a real socket.
 * For longer runs set ROLLWATCH_FUZZ_RUNS=20000 and another ROLLWATCH_FUZZ_SEED.
 */

import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Cloud, openCloud } from '../../../src/openstack/cloud.ts';
import { chooseBootCandidate } from '../../../src/openstack/compute/boot-candidates.ts';
import { userErrorOf } from '../../../src/openstack/diagnosis/preflight.ts';
import type { Result } from '../../../src/openstack/result.ts';
import { accessTo } from '../../support/cloud-access.ts';
import { type ScriptedServer, serveTcp } from '../../support/scripted-server.ts';

const RUNS = Number(process.env['ROLLWATCH_FUZZ_RUNS'] ?? 150);
const SEED = Number(process.env['ROLLWATCH_FUZZ_SEED'] ?? 20261125);

/** The limit of a request, and how late it may end on a busy machine, in milliseconds. */
const LIMIT = 250;
const LATE = 3000;

type Answer = {
  readonly status: string;
  readonly headers: readonly string[];
  readonly body: string;
  readonly framing: 'length' | 'short' | 'long' | 'chunked' | 'bytes' | 'close';
  readonly ending: 'end' | 'reset' | 'hold';
};

let server: ScriptedServer;
/** What the server answers to a method and a path. */
let script: (line: string) => Answer;
const asked: string[] = [];

beforeAll(async () => {
  server = await serveTcp((socket) => {
    let heard = '';
    socket.on('data', (data) => {
      heard += data.toString('latin1');
      if (!heard.includes('\r\n\r\n')) return;
      const [line = ''] = heard.split('\r\n', 1);
      heard = '';
      asked.push(line);
      const answer = script(line);
      socket.write(bytesOf(answer));
      if (answer.ending === 'end') socket.end();
      if (answer.ending === 'reset') socket.resetAndDestroy();
    });
  });
});
afterAll(() => server.close());

function bytesOf({ status, headers, body, framing }: Answer): Buffer {
  const content = Buffer.from(body);
  const size = content.length + (framing === 'short' ? -1 : framing === 'long' ? 1 : 0);
  const chunked = framing === 'chunked' || framing === 'bytes';
  const frame = chunked ? ['Transfer-Encoding: chunked'] : framing === 'close' ? [] : [`Content-Length: ${size}`];
  const head = [`HTTP/1.1 ${status}`, ...headers, ...frame, '', ''].join('\r\n');
  if (!chunked) return Buffer.concat([Buffer.from(head, 'latin1'), content]);
  const step = framing === 'bytes' ? 1 : 1000;
  const chunks: Buffer[] = [Buffer.from(head, 'latin1')];
  for (let at = 0; at < content.length; at += step) {
    const chunk = content.subarray(at, at + step);
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  return Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]);
}

const oddText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom(
    '..',
    '../flavors/f1',
    '<'.repeat(5000),
    'Image'.repeat(2000),
    '\u001b[2J',
    '\u202e',
    '/'.repeat(3000),
  ),
);
const id = fc.oneof({ weight: 25, arbitrary: fc.uuid() }, { weight: 1, arbitrary: oddText });
const odd = fc.oneof(fc.jsonValue({ maxDepth: 3 }), oddText);
const maybe = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 40, arbitrary: usual as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: odd });

const serverBody = fc.record(
  {
    id: maybe(id),
    name: maybe(oddText),
    status: maybe(fc.constantFrom('ACTIVE', 'BUILD', 'ERROR', 'DELETED')),
    metadata: maybe(fc.dictionary(oddText, oddText, { maxKeys: 4 })),
    created: maybe(fc.constant('2026-11-25T00:00:00Z')),
    fault: maybe(fc.record({ message: oddText })),
  },
  { requiredKeys: ['id', 'name', 'status'] },
);
const list = fc.array(maybe(serverBody), { maxLength: 5 });
const next = fc.constant([{ rel: 'next', href: 'http://elsewhere.example/' }]);
const resources = fc.record({
  server: maybe(serverBody),
  servers: maybe(list),
  servers_links: fc.option(next, { nil: undefined }),
  images: maybe(fc.array(maybe(fc.record({ id, name: oddText, status: fc.constant('active') })), { maxLength: 3 })),
  flavors: maybe(
    fc.array(maybe(fc.record({ id, name: oddText, vcpus: fc.nat(), ram: fc.nat(), disk: fc.nat() })), { maxLength: 3 }),
  ),
  networks: maybe(fc.array(maybe(fc.record({ id, name: oddText, subnets: fc.array(oddText) })), { maxLength: 3 })),
});
const fault = fc.record({ computeFault: fc.record({ code: fc.nat(), message: oddText }) });

const answer = (body: fc.Arbitrary<unknown>): fc.Arbitrary<Answer> =>
  fc.record({
    status: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom('200 OK', '200 OK', '201 Created', '202 Accepted') },
      {
        weight: 2,
        arbitrary: fc.constantFrom(
          '204 No',
          '301 M',
          '400 B',
          '401 U',
          '403 F',
          '404 N',
          '413 L',
          '429 T',
          '500 I',
          '503 S',
        ),
      },
      { weight: 1, arbitrary: fc.constantFrom('101 S', '100 C', '0 X', '999 X', '200', 'x') },
    ),
    headers: fc.array(
      fc.constantFrom(
        'Content-Type: application/json',
        'Content-Encoding: gzip',
        'X-Openstack-Request-Id: ../../x',
        'Location: ftp://127.0.0.1/',
        'Set-Cookie: a=b',
        'Connection: close',
        'Transfer-Encoding: x',
        'Content-Length: -1',
        `X-Long: ${'a'.repeat(20_000)}`,
        'no header',
      ),
      { maxLength: 1 },
    ),
    body: fc.oneof(
      { weight: 5, arbitrary: body.map((one) => JSON.stringify(one) ?? '') },
      { weight: 1, arbitrary: fault.map((one) => JSON.stringify(one)) },
      { weight: 1, arbitrary: oddText },
      {
        weight: 1,
        arbitrary: fc.constantFrom('', '['.repeat(50_000), '{"servers":[{}', '<title>500 x</title>'.repeat(3000)),
      },
    ),
    framing: fc.oneof(
      { weight: 5, arbitrary: fc.constant('length' as const) },
      { weight: 1, arbitrary: fc.constantFrom('short', 'long', 'chunked', 'bytes', 'close') },
    ),
    ending: fc.oneof(
      { weight: 12, arbitrary: fc.constant('end' as const) },
      { weight: 1, arbitrary: fc.constantFrom('reset', 'hold') },
    ),
  });

const endpoint = fc.oneof(
  { weight: 16, arbitrary: fc.constant('here') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'ftp://127.0.0.1:1/x',
      'file:///etc/passwd',
      'javascript:alert(1)',
      'data:,x',
      'http://',
      'x',
    ),
  },
  { weight: 1, arbitrary: oddText },
);
const catalog = maybe(
  fc.record({ compute: endpoint, image: endpoint, network: endpoint }).map((urls) =>
    Object.entries(urls).map(([type, url]) => ({
      type,
      endpoints: [{ interface: 'public', region: 'R', url: url === 'here' ? `${server.url}/${type}` : url }],
    })),
  ),
);
const token = fc.record({
  token: fc.record({
    issued_at: maybe(fc.constant('2026-11-25T00:00:00Z')),
    expires_at: maybe(fc.constant('2026-11-25T01:00:00Z')),
    catalog,
    project: maybe(fc.record({ id })),
  }),
});
const tokenAnswer = fc.oneof(
  {
    weight: 6,
    arbitrary: token.map(
      (one): Answer => ({
        status: '201 Created',
        headers: ['X-Subject-Token: t'],
        body: JSON.stringify(one),
        framing: 'length',
        ending: 'end',
      }),
    ),
  },
  { weight: 1, arbitrary: answer(token) },
);

const WORK: Readonly<Record<string, (cloud: Cloud, serverId: string) => Promise<Result<unknown>>>> = {
  list: (cloud) => cloud.compute(cloud.http).list({ detail: true, limit: 100, ...options() }),
  brief: (cloud) => cloud.compute(cloud.http).list({ detail: false, limit: 100, ...options() }),
  named: (cloud) => cloud.compute(cloud.http).listByPrefix('rollwatch', options()),
  show: (cloud, one) => cloud.compute(cloud.http).show(one, options()),
  delete: (cloud, one) => cloud.compute(cloud.http).delete(one, options()),
  act: (cloud, one) => cloud.compute(cloud.http).performAction(one, { pause: null }, options()),
  create: (cloud) =>
    cloud
      .compute(cloud.http)
      .create(
        { name: 'n', flavor: 'f', image: 'i', volume: null, networks: null, availabilityZone: null, metadata: {} },
        options(),
      ),
  choose: (cloud) => chooseBootCandidate(cloud, { flavor: null, image: null, network: null, volume: null }, options()),
};
const options = () => ({ timeouts: { connect: LIMIT, response: LIMIT }, signal: new AbortController().signal });

it(`any answer becomes a result in time, with a one-line message and bounded memory (seed ${SEED})`, {
  timeout: 60_000 + RUNS * 400,
}, async () => {
  const clock = { now: () => performance.timeOrigin + performance.now() };
  const before = process.memoryUsage().rss;
  const kinds = new Set<string>();
  await fc.assert(
    fc.asyncProperty(
      tokenAnswer,
      fc.array(answer(resources), { minLength: 1, maxLength: 4 }),
      fc.constantFrom(...Object.keys(WORK)),
      id,
      async (signedIn, answers, work, serverId) => {
        let count = 0;
        script = (line) => (line.includes('/auth/tokens') ? signedIn : (answers[count++ % answers.length] ?? signedIn));
        asked.length = 0;
        const access = accessTo({ authUrl: `${server.url}/v3`, password: 'no word of an answer' }, 'probe', {
          regionName: null,
        });
        const cloud = openCloud({ access: { ...access, apiTimeout: LIMIT }, clock });
        const began = performance.now();
        try {
          const result = await WORK[work]?.(cloud, serverId);
          const requests = Math.max(1, asked.length);
          expect(performance.now() - began).toBeLessThan(requests * LIMIT + LATE);
          expect(['ok', 'failed', 'void']).toContain(result?.type);
          kinds.add(result?.type === 'failed' ? result.cause.kind : (result?.type ?? ''));
          if (result === undefined || result.type === 'ok') return;
          expect(result.cause.kind).not.toBe('internal');
          expect(result.cause.message.length).toBeLessThanOrEqual(700);
          expect(result.cause.message).not.toMatch(/[\r\n]/);
          expect((result.cause.body ?? '').length).toBeLessThanOrEqual(300);
          expect(userErrorOf(cloud, result).message).toContain('cloud ');
          // Whatever the id, only the resource that it names is requested.
          for (const line of asked) expect(line).not.toMatch(/\.\.|%2f|\\/i);
        } finally {
          cloud.close();
        }
      },
    ),
    { numRuns: RUNS, seed: SEED, endOnFailure: true },
  );
  expect([...kinds]).toEqual(
    expect.arrayContaining(['ok', 'invalid-body', 'no-endpoint', 'truncated-body', 'http-500']),
  );
  expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024);
});
