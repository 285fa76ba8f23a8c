import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { chartSchema, chartTasksSchema } from '../../../src/api/chart.ts';
import { taskDowntimes } from '../../../src/domain/upgrade/task-downtime.ts';
import { createTaskRegistry } from '../../../src/domain/upgrade/task-registry.ts';
import {
  around,
  BEGAN,
  BOOT,
  LIST_KEPT,
  live,
  liveSeries,
  ofListNew,
  report,
  summary,
  window,
} from '../../support/live.ts';
import { failedSample, okSample, voidSample } from '../../support/samples.ts';
import { ask, serve } from '../../support/served.ts';
import { task } from '../../support/tasks.ts';

const full = () => {
  const open = window({ series: LIST_KEPT, start: around(700), end: null, provisional: true });
  return live({
    series: [
      liveSeries(),
      liveSeries({ series: LIST_KEPT, status: 'down', open, pending: { since: BEGAN + 746_000, note: '' } }),
      liveSeries({
        series: BOOT,
        status: 'unknown',
        suspended: 'paused',
        last: {
          at: BEGAN,
          outcome: 'failed',
          cause: { kind: 'no-valid-host', service: 'nova-scheduler', message: '<b>none</b>' },
          seconds: 4,
        },
      }),
    ],
    report: report({
      windows: [window({ gaps: [{ from: BEGAN + 301_000, until: BEGAN + 302_000 }] }), open],
      probes: [summary({ windows: 1 }), summary({ series: LIST_KEPT, latency: null, availability: null })],
      observationGaps: [{ kind: 'stalled', from: BEGAN, until: BEGAN + 1500, message: 'stalled' }],
    }),
  });
};

describe('the status', () => {
  it('returns the current state, with times in ISO 8601 and durations in seconds', async () => {
    await using served = await serve({ now: full() });
    const status = await (await fetch(`${served.url}/api/v1/status`)).json();
    expect(status).toMatchObject({
      at: '2026-11-23T07:22:30.000Z',
      version: '0.1.0',
      run: 'run-1',
      paused: false,
      warnings: [],
      journal: { state: 'recording' },
      sampler: { at: '2026-11-23T07:22:29.500Z', lagSeconds: 0.003, inFlight: 1, clockOffsetSeconds: 0 },
    });
    expect(status).toHaveProperty('series.1.state', 'down');
    expect(status).toHaveProperty('series.1.waiting', { since: '2026-11-23T07:22:26.000Z', seconds: 4, note: '' });
    expect(status).toHaveProperty('series.1.open.end', null);
    expect(status).toHaveProperty('series.2.suspended', 'paused');
  });

  it('warns if the plan recognises no phase of the upgrade', async () => {
    const unrecognised = { plan: 'our', tasks: 80, millis: 400_000 };
    await using served = await serve({ now: live({ unrecognised }) });
    expect(await (await fetch(`${served.url}/api/v1/status`)).json()).toMatchObject({
      warnings: [
        'no phase of the plan our has begun, although 80 tasks have run in 6 min 40 s; ' +
          "unless Nova's turn is still to come, begin a phase by hand ('rollwatch phase NAME'), and see 'rollwatch plan check --help'",
      ],
    });
  });

  it('returns why nothing is recorded', async () => {
    const journal = {
      kind: 'stopped',
      since: BEGAN,
      reason: 'no space left on device',
      waiting: 3,
      dropped: 1,
    } as const;
    await using served = await serve({ now: live({ journal, health: null }) });
    expect(await (await fetch(`${served.url}/api/v1/status`)).json()).toMatchObject({
      journal: {
        state: 'stopped',
        since: '2026-11-23T07:10:00.000Z',
        reason: 'no space left on device',
        waitingEntries: 3,
        droppedEntries: 1,
      },
      sampler: null,
    });
  });
});

describe('the windows', () => {
  it('are returned in the documented shape, and can be filtered', async () => {
    await using served = await serve({ now: full() });
    const get = async (query: string) => (await fetch(`${served.url}/api/v1/windows${query}`)).json();
    expect(await get('')).toHaveProperty('windows.length', 2);
    expect(await get('?connection=reused')).toHaveProperty('windows.length', 1);
    expect(await get('?probe=server-boot')).toEqual({ windows: [] });
    expect(await get('?kind=down&connection=new&cloud=prod')).toHaveProperty('windows.0', {
      id: 'down-prod-lab-server-list-new-1-300',
      cloud: 'prod',
      vantage: 'lab',
      probe: 'server-list',
      connection: 'new',
      target: '',
      countsFor: 'server-list',
      startBy: 'server-list',
      endBy: 'server-list',
      kind: 'down',
      start: {
        earliest: '2026-11-23T07:14:59.500Z',
        estimate: '2026-11-23T07:15:00.000Z',
        latest: '2026-11-23T07:15:00.500Z',
      },
      end: {
        earliest: '2026-11-23T07:15:06.500Z',
        estimate: '2026-11-23T07:15:07.000Z',
        latest: '2026-11-23T07:15:07.500Z',
      },
      durationSeconds: { min: 6, estimate: 7, max: 8 },
      downtimeSeconds: { min: 6, estimate: 7, max: 8 },
      failedShare: null,
      slots: 7,
      failedSlots: 7,
      longestRun: 7,
      failedSamples: 12,
      causes: [
        { kind: 'connection-refused', service: 'nova-api', count: 10 },
        { kind: 'http-503', service: 'load-balancer', count: 2 },
      ],
      task: null,
      candidates: [],
      phase: null,
      provisional: false,
      gaps: [{ startedAt: '2026-11-23T07:15:01.000Z', endedAt: '2026-11-23T07:15:02.000Z' }],
    });
  });
});

describe('the report', () => {
  it('is JSON unless another format is requested, by name or by the Accept header', async () => {
    await using served = await serve({ now: full() });
    const get = async (query: string, accept = '*/*') => {
      const answer = await fetch(`${served.url}/api/v1/report${query}`, { headers: { accept } });
      return { type: answer.headers.get('content-type'), text: await answer.text() };
    };
    const json = await get('');
    expect(json.type).toBe('application/json; charset=utf-8');
    expect(JSON.parse(json.text)).toHaveProperty('run.id', 'run-1');
    expect((await get('', 'text/plain, application/json;q=0.5')).type).toBe('text/plain; charset=utf-8');
    const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';
    expect((await get('', browser)).type).toBe('text/html; charset=utf-8');
    expect((await get('?format=json', 'text/plain')).type).toBe('application/json; charset=utf-8');
    const text = await get('?format=text&width=80&zone=Europe/Berlin');
    expect(text.text).toContain('08:10:00');
    expect(text.text).not.toContain('\u001b');
    expect((await get('?format=text&colour=true')).text).toContain('\u001b[');
    const ticket = await get(`?format=ticket&link=${encodeURIComponent('https://host/rollwatch/#last=15m')}`);
    expect(ticket.type).toBe('text/markdown; charset=utf-8');
    expect(ticket.text.trimEnd().split('\n').at(-1)).toBe('- <https://host/rollwatch/#last=15m>');
    expect((await get('', 'text/markdown')).text).toContain('### ');
  });
});

describe('the page', () => {
  it('may load scripts and data only from the daemon itself', async () => {
    await using served = await serve({ now: full() });
    const page = await fetch(`${served.url}/`);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(await page.text()).toBe('<!doctype html><title>the page</title>');
    const types = ['page.js', 'page.css'].map(async (name) =>
      (await fetch(`${served.url}/${name}`)).headers.get('content-type'),
    );
    expect(await Promise.all(types)).toEqual(['text/javascript; charset=utf-8', 'text/css; charset=utf-8']);
  });
});

describe('the chart', () => {
  it('has every sample of the journal in columns', async () => {
    const samples = [
      okSample({ seq: 0, at: BEGAN }, 42),
      failedSample({ seq: 1, at: BEGAN + 1000 }),
      { ...failedSample({ seq: 2, at: BEGAN + 1100 }), extra: true },
      voidSample({ seq: 3, at: BEGAN + 2000 }),
    ].map(ofListNew);
    await using served = await serve({
      stored: async function* () {
        yield* samples;
      },
    });
    const chart = async (query: string) =>
      chartSchema.parse(await (await fetch(`${served.url}/api/v1/chart${query}`)).json());
    const whole = await chart('');
    expect(whole).toMatchObject({
      causes: [{ kind: 'connection-refused', service: 'nova-api' }],
      series: [{ after: [0, 1000, 100, 900], outcomes: 'ofFv', causes: [0, 0], stages: [] }],
    });
    expect(whole.series[0]?.took[0]).toBe(42);
    const from = new Date(BEGAN + 1000).toISOString();
    expect((await chart(`?from=${from}`)).origin).toBe(from);
    expect(served.filters).toEqual([{}, { from: BEGAN + 1000 }]);
  });

  it('has every task that was running at a given time or started later', async () => {
    const registry = createTaskRegistry();
    registry.report(task({ id: 'a', name: 'over', start: BEGAN, end: BEGAN + 1000 }));
    registry.report(
      task({
        id: 'b',
        name: 'restart',
        role: 'os_nova',
        kind: 'handler',
        start: BEGAN + 1000,
        end: null,
        status: 'running',
      }),
    );
    await using served = await serve({ now: live({ report: report({ tasks: taskDowntimes(registry.all(), []) }) }) });
    const chartTasks = async (query: string) =>
      chartTasksSchema.parse(await (await fetch(`${served.url}/api/v1/chart/tasks${query}`)).json());
    expect(await chartTasks('')).toEqual({
      origin: new Date(BEGAN).toISOString(),
      names: ['over', 'os_nova : restart'],
      name: [0, 1],
      after: [0, 1000],
      took: [1000, null],
      kinds: 'th',
      statuses: 'or',
    });
    expect((await chartTasks(`?from=${new Date(BEGAN + 2000).toISOString()}`)).names).toEqual(['os_nova : restart']);
  });

  it('is compressed if the client accepts it', async () => {
    await using served = await serve({ now: full() });
    const { headers } = await ask(`${served.url}/api/v1/report?format=json`, {
      headers: { 'accept-encoding': 'gzip, br' },
    });
    expect(headers['content-encoding']).toBe('br');
  });
});

describe('the metrics', () => {
  it('show the state at the time of the scrape', async () => {
    await using served = await serve({ now: full() });
    const answer = await fetch(`${served.url}/metrics`);
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(await answer.text()).toContain(
      'rollwatch_downtime_open{cloud="prod",vantage="lab",probe="server-list",connection="reused"} 1\n',
    );
  });
});

describe('readiness', () => {
  const ready = async (now = live()) => {
    await using served = await serve({ now });
    const answer = await fetch(`${served.url}/readyz`);
    return { status: answer.status, body: await answer.json() };
  };

  it('requires a sampler that sends and a journal that records, paused or not', async () => {
    expect(await ready()).toEqual({ status: 200, body: { ready: true, paused: false } });
    expect(await ready(live({ paused: true, series: [] }))).toEqual({
      status: 200,
      body: { ready: true, paused: true },
    });
  });

  it('names what is missing', async () => {
    const journal = { kind: 'stopped', since: BEGAN, reason: 'disk full', waiting: 3, dropped: 0 } as const;
    const silent = { at: BEGAN + 740_000, lag: 0, inFlight: 0, suspended: {}, clockOffset: 0 };
    const nothingSent = [liveSeries({ last: null })];
    expect(await ready(live({ journal, health: silent, series: nothingSent }))).toEqual({
      status: 503,
      body: {
        type: 'about:blank',
        title: 'Service Unavailable',
        status: 503,
        detail:
          'the sampler has been silent for 10 s; no sample has been sent yet; the journal is not recording: disk full',
        reasons: [
          'the sampler has been silent for 10 s',
          'no sample has been sent yet',
          'the journal is not recording: disk full',
        ],
      },
    });
    expect(await ready(live({ health: null }))).toMatchObject({
      body: { reasons: ['the sampler has not reported yet'] },
    });
  });

  it('does not affect /healthz', async () => {
    await using served = await serve({ now: live({ health: null }) });
    const answer = await fetch(`${served.url}/healthz`);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ alive: true, version: '0.1.0' });
  });
});

describe('the OpenAPI document', () => {
  /** The schemas of an operation's answers in the document, as far as the test needs them. */
  const content = z.record(z.string(), z.object({ schema: z.record(z.string(), z.json()) }));
  const operation = z.object({
    operationId: z.string(),
    requestBody: z.unknown().optional(),
    responses: z.record(z.string(), z.object({ description: z.string(), content: content.optional() })),
  });
  const document = z.object({ openapi: z.string(), paths: z.record(z.string(), z.record(z.string(), operation)) });

  it('describes every route, and every route responds as described', async () => {
    const samples = [
      { ...okSample({ seq: 0, at: BEGAN }, 42), stages: { connect: 0.01 } },
      failedSample({ seq: 1, at: BEGAN }),
      voidSample({ seq: 2, at: BEGAN }),
    ];
    await using served = await serve({
      now: full(),
      stored: async function* () {
        yield* samples;
      },
    });
    const { openapi, paths } = document.parse(await (await fetch(`${served.url}/api/v1/openapi.json`)).json());
    expect(openapi).toBe('3.1.0');
    const operations = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { requestBody, responses }]) => ({
        path,
        method,
        requestBody,
        responses,
      })),
    );
    expect(operations.map(({ path, method }) => `${method} ${path}`).sort()).toEqual([
      'delete /api/annotations/{id}',
      'get /',
      'get /api/annotations',
      'get /api/annotations/{id}',
      'get /api/v1/chart',
      'get /api/v1/chart/tasks',
      'get /api/v1/checks',
      'get /api/v1/events',
      'get /api/v1/incidents',
      'get /api/v1/openapi.json',
      'get /api/v1/phases',
      'get /api/v1/report',
      'get /api/v1/samples',
      'get /api/v1/status',
      'get /api/v1/tasks',
      'get /api/v1/windows',
      'get /healthz',
      'get /metrics',
      'get /page.css',
      'get /page.js',
      'get /readyz',
      'patch /api/annotations/{id}',
      'post /api/annotations',
      'post /api/annotations/graphite',
      'post /api/v1/checks',
      'post /api/v1/pause',
      'post /api/v1/phases',
      'post /api/v1/resume',
      'post /api/v1/tasks',
      'put /api/annotations/{id}',
    ]);
    for (const { path, method, requestBody, responses } of operations) {
      expect(requestBody !== undefined, path).toBe(`${method} ${path}` in BODIES);
      for (const [type, { schema }] of Object.entries(responses['200']?.content ?? {})) {
        if (type === 'text/event-stream') continue; // never ends: see events.test.ts
        const sent = BODIES[`${method} ${path}`];
        const answer = await ask(served.url + path.replace('{id}', '1'), {
          method: method.toUpperCase(),
          headers: { accept: type, ...(sent === undefined ? {} : { 'content-type': 'application/json' }) },
          ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
        });
        expect(answer.status, path).toBe(200);
        expect(String(answer.headers['content-type']), path).toMatch(new RegExp(`^${type}(;|$)`));
        for (const value of valuesOf(answer.body, type)) {
          expect(z.fromJSONSchema(schema).safeParse(value).error?.issues ?? [], `${path} as ${type}`).toEqual([]);
        }
      }
      const refused = await ask(`${served.url}${path}?nonsense=1`, { method: method.toUpperCase() });
      if (refused.status === 400) {
        const schema = responses['400']?.content?.['application/problem+json']?.schema ?? {};
        expect(z.fromJSONSchema(schema).safeParse(JSON.parse(refused.body)).success, path).toBe(true);
      }
    }
  });

  /** The request for each operation. */
  const BODIES: Readonly<Record<string, object>> = {
    'post /api/v1/tasks': { tasks: [] },
    'post /api/v1/checks': { runs: [] },
    'post /api/v1/phases': { name: 'maintenance' },
    'post /api/annotations': { text: 'x' },
    'post /api/annotations/graphite': { what: 'x' },
    'patch /api/annotations/{id}': { text: 'y' },
    'put /api/annotations/{id}': { text: 'z' },
  };

  const valuesOf = (body: string, type: string): readonly unknown[] => {
    if (type === 'application/json') return [JSON.parse(body)];
    if (type === 'application/x-ndjson')
      return body
        .trimEnd()
        .split('\n')
        .map((line): unknown => JSON.parse(line));
    return [body];
  };
});
