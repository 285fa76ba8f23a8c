/**
 * Whatever it receives, the server answers in time with the mistake, never with an internal error, and keeps running.
 */

import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPlan } from '../../../src/config/plan-file.ts';
import type { JournalEntry } from '../../../src/domain/journal.ts';
import { createRunState } from '../../../src/domain/run/run-state.ts';
import { TASK_KINDS, TASK_SOURCES, TASK_STATUSES } from '../../../src/domain/upgrade/task.ts';
import { describeProbes } from '../../../src/probes/registry.ts';
import { BEGAN, LIST_KEPT, LIST_NEW, ofListNew, readerOfState } from '../../support/live.ts';
import { failedSample, okSample } from '../../support/samples.ts';
import { ask, type Served, serve } from '../../support/served.ts';

/** For longer runs set ROLLWATCH_FUZZ=20000 and another ROLLWATCH_FUZZ_SEED. */
const RUNS = Number(process.env['ROLLWATCH_FUZZ'] ?? 300);
const SEED = Number(process.env['ROLLWATCH_FUZZ_SEED'] ?? 16);
/** The time limit of an answer on a busy machine, in milliseconds. */
const PATIENCE = 10_000;
const LIMIT = 60_000 + RUNS * 200;

let served: Served;

beforeAll(async () => {
  const plan = loadPlan('nova-rolling-upgrade', 'plan', (path) => path);
  const observation = createRunState({
    run: 'run-1',
    version: '0.1.0',
    overall: ['server-list'],
    probes: describeProbes(),
    plan,
  });
  const session = {
    id: 1,
    startedAt: BEGAN,
    version: '0.1.0',
    vantage: 'lab',
    facts: {},
    aliveAt: BEGAN,
    ended: false,
  };
  observation.openSession(session, [LIST_NEW, LIST_KEPT]);
  const samples = Array.from({ length: 60 }, (_, seq) => {
    const at = BEGAN + seq * 1000;
    return ofListNew(seq > 20 && seq < 30 ? failedSample({ seq, at }) : okSample({ seq, at }, 20));
  });
  for (const sample of samples) observation.accept({ type: 'sample', sample });
  const accept = (entry: JournalEntry) => observation.accept(entry);
  served = await serve({
    run: readerOfState(observation, () => BEGAN + 60_000),
    async *stored() {
      yield* samples;
    },
    upgrade: {
      task: (task) => accept({ type: 'task', task }),
      taskLoadWith: observation.taskLoadWith,
      phase: (phase) => accept({ type: 'phase', phase }),
      annotate: (annotation) => accept({ type: 'annotation', annotation }),
      annotations: observation.annotations,
      check: (run) => accept({ type: 'check', run }),
      checkRuns: observation.checkRuns,
    },
  });
});

afterAll(async () => {
  await served[Symbol.asyncDispose]();
});

type Sent = {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
};

/** Sends a request and checks the answer against the rules. */
async function hold({ method, path, headers = {}, body = '' }: Sent): Promise<number> {
  const began = performance.now();
  const { status, headers: given, body: got } = await ask(served.url + path, { method, headers, body });
  expect(performance.now() - began).toBeLessThan(PATIENCE);
  // Never ready, because this server has no health.
  if (!path.startsWith('/readyz'))
    expect({ status, log: served.log, got: status < 500 ? '' : got }).toEqual({
      status: Math.min(status, 499),
      log: [],
      got: '',
    });
  if (status >= 400 && method !== 'HEAD') {
    expect(given['content-type']).toMatch(/^application\/problem\+json/);
    expect(JSON.parse(got)).toMatchObject({ status });
  }
  return status;
}

async function alive(): Promise<void> {
  expect((await ask(`${served.url}/healthz`)).status).toBe(200);
}

const READS = [
  '/',
  '/metrics',
  '/api/v1/status',
  '/api/v1/windows',
  '/api/v1/tasks',
  '/api/v1/phases',
  '/api/v1/checks',
  '/api/v1/chart',
  '/api/v1/chart/tasks',
  '/api/annotations?limit=100000',
  ...['json', 'text', 'junit', 'markdown', 'html', 'csv'].map((format) => `/api/v1/report?format=${format}`),
];

/** Whatever was accepted can be read back. */
async function readable(): Promise<void> {
  for (const path of READS)
    expect({ path, status: await hold({ method: 'GET', path }) }).toEqual({ path, status: 200 });
  await alive();
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('', ' ', '\0', '\u202e', '\ud800', '__proto__', 'constructor', 'x'.repeat(9000)),
);
const anyNumber = fc.oneof(
  fc.constantFrom(0, -0, -1, 1e18, 1e308, 253_402_300_799_999, 253_402_300_800_000, 5e-324, BEGAN),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: BEGAN - 1e7, max: BEGAN + 1e7 }),
);
const anyMoment = fc.oneof(
  fc
    .date({ noInvalidDate: true, min: new Date(BEGAN - 1e6), max: new Date(BEGAN + 1e6) })
    .map((date) => date.toISOString()),
  fc.constantFrom(
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999Z',
    '2026-02-30T00:00:00Z',
    '2026-11-23T07:10:00+23:59',
  ),
  fc.constantFrom(
    '+275760-09-13T00:00:00.001Z',
    '-271821-04-20T00:00:00Z',
    '2016-12-31T23:59:60Z',
    '2026-11-23T24:00:00Z',
  ),
);
const anything = fc.oneof(fc.jsonValue({ maxDepth: 4 }), anyText, anyNumber, anyMoment, fc.constant(null));
/** Usually a valid value, sometimes any other. */
const mostly = <Value>(right: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 12, arbitrary: right as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: anything });
const optional = <Value>(model: Record<string, fc.Arbitrary<Value>>): fc.Arbitrary<Record<string, Value>> =>
  fc
    .record(model, { requiredKeys: [] })
    .map((given) => Object.fromEntries(Object.entries(given)) as Record<string, Value>);

const task = optional({
  id: mostly(anyText),
  name: mostly(anyText),
  role: mostly(anyText),
  play: mostly(anyText),
  playbook: mostly(anyText),
  hosts: mostly(fc.array(anyText, { maxLength: 5 })),
  tags: mostly(fc.array(anyText, { maxLength: 5 })),
  kind: mostly(fc.constantFrom(...TASK_KINDS)),
  status: mostly(fc.constantFrom(...TASK_STATUSES)),
  start: mostly(anyMoment),
  end: mostly(fc.option(anyMoment)),
  source: mostly(fc.constantFrom(...TASK_SOURCES)),
}).map((given) => ({ id: 'a', name: 'b', start: '2026-11-23T07:10:20Z', ...given }));

const annotation = optional({
  dashboardUID: mostly(anyText),
  dashboardId: mostly(anyNumber),
  panelId: mostly(fc.integer()),
  time: mostly(anyNumber),
  timeEnd: mostly(anyNumber),
  tags: mostly(fc.array(anyText, { maxLength: 3 })),
  text: mostly(anyText),
  data: anything,
}).map((given) => ({ text: 'x', ...given }));

const run = fc.record({
  stage: mostly(fc.constantFrom('before', 'after')),
  cloud: mostly(anyText),
  vantage: mostly(anyText),
  at: mostly(anyNumber),
  checks: mostly(
    fc.array(
      fc.record({
        name: mostly(anyText),
        status: mostly(fc.constantFrom('pass', 'fail', 'skip')),
        detail: mostly(anyText),
      }),
      { maxLength: 3 },
    ),
  ),
  baseline: mostly(anyText),
});

const posted = fc.oneof(
  fc.tuple(fc.constant('/api/v1/tasks'), fc.record({ tasks: mostly(fc.array(task, { maxLength: 4 })) })),
  fc.tuple(
    fc.constant('/api/v1/phases'),
    optional({ name: mostly(fc.oneof(anyText, fc.constantFrom('prepare', 'maintenance'))), at: mostly(anyMoment) }),
  ),
  fc.tuple(fc.constantFrom('/api/annotations', '/api/annotations/1'), annotation),
  fc.tuple(
    fc.constant('/api/annotations/graphite'),
    optional({ what: mostly(anyText), tags: mostly(anyText), when: mostly(anyNumber), data: mostly(anyText) }),
  ),
  fc.tuple(fc.constant('/api/v1/checks'), fc.record({ runs: mostly(fc.array(run, { maxLength: 2 })) })),
  fc.tuple(fc.constantFrom('/api/v1/pause', '/api/v1/resume', '/api/v1/status', '/nowhere'), anything),
);
const nested = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.constantFrom('[', '{"a":', '[{"a":'))
  .map(([power, open]) => open.repeat(10 ** power));

const JSON_TYPE = { 'content-type': 'application/json' };

describe('a body', { timeout: LIMIT }, () => {
  it.each([50, 5000, 100_000])('nested %i deep is accepted or rejected, at any place', async (depth) => {
    const deep = `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const bodies = [
      deep,
      `{"text":"x","data":${deep}}`,
      `{"tasks":${deep}}`,
      `{"name":${deep}}`,
      `{"runs":${deep}}`,
      `{"text":"${'[{'.repeat(500)}"}`,
    ];
    for (const path of [
      '/api/annotations',
      '/api/v1/tasks',
      '/api/v1/phases',
      '/api/v1/checks',
      '/api/v1/pause',
      '/api/annotations/graphite',
    ]) {
      for (const body of bodies) await hold({ method: 'POST', path, body, headers: JSON_TYPE });
    }
    const status = await hold({ method: 'POST', path: '/api/annotations', body: bodies[1] ?? '', headers: JSON_TYPE });
    expect(status).toBe(depth <= 50 ? 200 : 400);
    await readable();
  });

  it('of any shape is accepted or rejected', async () => {
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(
        posted,
        fc.constantFrom('POST', 'POST', 'POST', 'PATCH', 'PUT', 'DELETE'),
        async ([path, body], method) => {
          const status = await hold({ method, path, body: JSON.stringify(body), headers: JSON_TYPE });
          if (status === 200) taken += 1;
          await alive();
        },
      ),
      { seed: SEED, numRuns: RUNS },
    );
    await readable();
    // Otherwise only rejections were tested.
    expect(taken).toBeGreaterThan(RUNS / 10);
  });

  it('of any text, type and encoding is accepted or rejected', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          anyText,
          nested,
          posted.map(([, body]) => JSON.stringify(body).slice(0, -1)),
          fc.json(),
        ),
        fc.constantFrom('/api/v1/tasks', '/api/annotations', '/api/v1/pause', '/api/v1/checks', '/nowhere'),
        optional({
          'content-type': fc.constantFrom(
            'application/json',
            'application/json; charset=utf-16',
            'text/plain',
            'a/b;c',
            ';',
            'application/JSON',
          ),
          'content-encoding': fc.constantFrom('gzip', 'br', 'deflate', 'identity', 'zstd', 'gzip, gzip', 'x'),
        }),
        async (body, path, headers) => {
          await hold({ method: 'POST', path, body, headers: { ...headers } });
          await alive();
        },
      ),
      { seed: SEED, numRuns: RUNS },
    );
    await readable();
  });
});

describe('a query, a path and headers', { timeout: LIMIT }, () => {
  const value = fc.oneof(
    anyText.map((some) => encodeURIComponent(some.toWellFormed())),
    anyNumber.map(String),
    anyMoment.map(encodeURIComponent),
    fc.constantFrom('%zz', '%00', '%ff', 'true', 'json', 'csv', 'NaN', '1e999'),
  );
  const name = fc.constantFrom(
    'format',
    'width',
    'zone',
    'link',
    'tasks',
    'strict',
    'colour',
    'from',
    'to',
    'limit',
    'cloud',
    'probe',
    'kind',
    'tags',
    'matchAny',
    'type',
    '__proto__',
    'constructor',
    'a[b]',
    'panelId',
  );
  const query = fc
    .array(fc.tuple(name, value), { maxLength: 4 })
    .map((pairs) => pairs.map(([key, given]) => `${key}=${given}`).join('&'));
  const path = fc.oneof(
    fc.constantFrom(
      ...READS.map((path) => path.split('?')[0] ?? ''),
      '/api/v1/samples',
      '/api/v1/openapi.json',
      '/readyz',
      '/healthz',
      '/page.js',
    ),
    value.map((id) => `/api/annotations/${id.slice(0, 3000)}`),
    value.map((path) => `/${path.slice(0, 3000)}`),
  );
  /** Characters that a client can put into a header. */
  const header = fc
    .oneof(
      fc.string({ maxLength: 60 }),
      fc.constantFrom(
        '*/*',
        'gzip',
        'identity;q=0',
        '*;q=0',
        'br;q=nan',
        'text/html,application/json;q=x',
        'bytes=0-',
        'bytes=-1,5-',
        'Bearer x',
        'Basic !!',
        'Basic Og==',
        'null',
        ',,,',
        'a'.repeat(8000),
      ),
    )
    .map((text) => text.replaceAll(/[^\x20-\x7e\x80-\xff]/g, ''));
  const headers = optional({
    accept: header,
    'accept-encoding': header,
    authorization: header,
    origin: header,
    range: header,
    'if-none-match': header,
    'if-modified-since': header,
    'last-event-id': header,
    'x-forwarded-for': header,
    'content-type': header,
    cookie: header,
    'x-http-method-override': header,
  });
  it('with any content are answered', async () => {
    await fc.assert(
      fc.asyncProperty(
        path,
        query,
        headers,
        fc.constantFrom('GET', 'GET', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'DELETE'),
        async (where, asked, given, method) => {
          await hold({ method, path: `${where}?${asked}`, headers: { ...given } });
          await alive();
        },
      ),
      { seed: SEED, numRuns: RUNS },
    );
  });
});

describe('input that is not HTTP', { timeout: LIMIT }, () => {
  it('is rejected or disconnected', async () => {
    const line = fc.constantFrom(
      'GET / HTTP/1.1',
      'GET  HTTP/1.1',
      'POST /api/v1/tasks HTTP/1.1',
      'CONNECT a:1 HTTP/1.1',
      'PRI * HTTP/2.0',
      'GET http://evil/ HTTP/1.1',
      'OPTIONS * HTTP/1.1',
      'GET / HTTP/0.9',
    );
    const field = fc.constantFrom(
      'Host: localhost',
      'Content-Length: 5',
      'Content-Length: -1',
      'Content-Length: 5, 6',
      'Transfer-Encoding: chunked',
      'Transfer-Encoding: x',
      'Upgrade: websocket',
      'Connection: upgrade',
      'Expect: 100-continue',
      'Expect: x',
      ' folded',
      ': empty',
      'A\0: b',
      'Content-Type: application/json',
    );
    const request = fc
      .tuple(line, fc.array(field, { maxLength: 6 }), anyText)
      .map(([first, fields, rest]) => `${[first, ...fields].join('\r\n')}\r\n\r\n${rest}`);
    const bytes = fc.uint8Array({ maxLength: 300 }).map((given) => Buffer.from(given).toString('latin1'));
    await fc.assert(
      fc.asyncProperty(fc.oneof(request, bytes), async (sent) => {
        const socket = connect({ port: Number(new URL(served.url).port), host: '127.0.0.1' });
        socket.on('error', () => {});
        socket.end(sent, 'latin1');
        const got = await text(socket).catch(() => '');
        expect(got).not.toMatch(/^HTTP\/1\.1 5/);
        expect(served.log).toEqual([]);
        await alive();
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });
});
