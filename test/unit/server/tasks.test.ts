import { describe, expect, it } from 'vitest';
import { taskDowntimes } from '../../../src/domain/upgrade/task-downtime.ts';
import { createTaskRegistry } from '../../../src/domain/upgrade/task-registry.ts';
import { BEGAN, live, report } from '../../support/live.ts';
import { serve } from '../../support/served.ts';
import { task } from '../../support/tasks.ts';
import { neverBegun } from '../../support/verdicts.ts';

const START = '2026-11-23T07:10:01.000Z';

const post = (url: string, body: unknown) =>
  fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

describe('POST /api/v1/tasks', () => {
  it('accepts tasks as sources report them, and fills in missing fields', async () => {
    await using served = await serve();
    const whole = {
      id: 'callback-1-2',
      name: 'Stop services',
      role: 'os_nova',
      play: 'Upgrade',
      playbook: 'upgrade.yml',
      hosts: ['a', 'b'],
      groups: ['nova_compute'],
      tags: ['nova'],
      kind: 'handler',
      status: 'ok',
      start: START,
      end: '2026-11-23T09:10:02.500+02:00',
      source: 'callback',
    };
    const answer = await post(`${served.url}/api/v1/tasks`, {
      tasks: [whole, { id: 'x', name: ' <b>\n\u0007x ', start: START }],
    });
    expect([answer.status, await answer.json()]).toEqual([200, { accepted: 2 }]);
    expect(served.tasks).toEqual([
      { ...whole, start: BEGAN + 1000, end: BEGAN + 2500 },
      {
        id: 'x',
        name: '<b> x',
        role: null,
        play: null,
        playbook: null,
        hosts: [],
        groups: [],
        tags: [],
        kind: 'task',
        status: 'running',
        start: BEGAN + 1000,
        end: null,
        source: 'shell',
      },
    ]);
  });

  it.each([
    ['not JSON', '{', 400, /JSON/],
    ['no object', [], 400, /^body: must be a mapping$/],
    ['an unknown key', { tasks: [], colour: 'red' }, 400, /^colour: no such key; allowed: tasks$/],
    [
      'a slip in a key of a task',
      { tasks: [{ id: 'a', nmae: 'a', start: START }] },
      400,
      /^tasks\[0\]\.nmae: no such key; did you mean name\?$/,
    ],
    [
      'a kind that there is not',
      { tasks: [{ id: 'a', name: 'a', start: START, kind: 'play' }] },
      400,
      /^tasks\[0\]\.kind: must be task or handler$/,
    ],
    ['hosts that are no list', { tasks: [{ id: 'a', name: 'a', start: START, hosts: 'h' }] }, 400, /: must be a list$/],
    [
      'too many tags',
      { tasks: [{ id: 'a', name: 'a', start: START, tags: Array.from({ length: 101 }, () => 't') }] },
      400,
      /^tasks\[0\]\.tags: must have at most 100 entries$/,
    ],
    ['a task without a name', { tasks: [{ id: 'a', start: START }] }, 400, /^tasks\[0\]\.name: is missing$/],
    ['an empty name', { tasks: [{ id: 'a', name: '\n', start: START }] }, 400, /^tasks\[0\]\.name: is empty$/],
    [
      'a local time',
      { tasks: [{ id: 'a', name: 'a', start: '2026-11-23T07:10:01' }] },
      400,
      /^tasks\[0\]\.start: is not a timestamp/,
    ],
    [
      'the year 10000',
      { tasks: [{ id: 'a', name: 'a', start: '10000-01-01T00:00:00.000Z' }] },
      400,
      /^tasks\[0\]\.start: /,
    ],
    [
      'an end before the start',
      { tasks: [{ id: 'a', name: 'a', start: START, end: '2026-11-23T07:10:00.000Z' }] },
      400,
      /^tasks\[0\].end: is before start$/,
    ],
    ['two megabytes', JSON.stringify({ tasks: [], pad: 'x'.repeat(2_000_000) }), 413, /1048576|large/],
  ] as const)('rejects %s completely, with one clear answer', async (_what, body, status, detail) => {
    await using served = await serve();
    const answer = await post(`${served.url}/api/v1/tasks`, body);
    const problem: unknown = await answer.json();
    expect(answer.status).toBe(status);
    expect(problem).toMatchObject({ status, detail: expect.stringMatching(detail) });
    expect(served.tasks).toEqual([]);
  });

  it('accepts 5000 running tasks, and another only once one of them has ended', async () => {
    await using served = await serve();
    const report = async (tasks: readonly object[]) => (await post(`${served.url}/api/v1/tasks`, { tasks })).status;
    const running = (id: string) => ({ id, name: 'a', start: START });
    expect(await report(Array.from({ length: 5000 }, (_, index) => running(`t${index}`)))).toBe(200);
    const answer = await post(`${served.url}/api/v1/tasks`, { tasks: [running('more')] });
    expect(await answer.json()).toMatchObject({
      status: 409,
      detail: expect.stringMatching(/^tasks: 5001 running with these/),
    });
    expect(await report([running('t7'), running('t7')])).toBe(200);
    expect(await report([{ ...running('t7'), status: 'ok' }, running('more')])).toBe(200);
    expect(served.tasks).toHaveLength(5004);
  });

  it.each([
    ['10', 200],
    ['0', 400],
    ['3601', 400],
    ['often', 400],
  ])('answers a heartbeat of %s s with %d', async (heartbeat, status) => {
    await using served = await serve();
    const headers = { 'Content-Type': 'application/json', 'Rollwatch-Heartbeat': heartbeat };
    const answer = await fetch(`${served.url}/api/v1/tasks`, { method: 'POST', headers, body: '{"tasks": []}' });
    expect(answer.status).toBe(status);
  });

  it('requires the token unless the listener is on loopback', async () => {
    await using served = await serve({ writeToken: 'hush', listen: { host: '0.0.0.0', port: 0 } });
    const url = `http://127.0.0.1:${new URL(served.url).port}/api/v1/tasks`;
    expect((await post(url, { tasks: [] })).status).toBe(401);
    expect((await post(url.replace('tasks', 'phases'), { name: 'x' })).status).toBe(401);
  });
});

describe('GET /api/v1/tasks', () => {
  it('returns tasks by start with the downtime of each, and can be filtered', async () => {
    const registry = createTaskRegistry();
    registry.report(task({ id: 'a', start: BEGAN, end: BEGAN + 1500 }));
    registry.report(
      task({ id: 'b', name: 'Start', kind: 'handler', start: BEGAN + 2000, end: null, status: 'running' }),
    );
    await using served = await serve({ now: live({ report: report({ tasks: taskDowntimes(registry.all(), []) }) }) });
    const get = async (query = ''): Promise<unknown> => (await fetch(`${served.url}/api/v1/tasks${query}`)).json();
    expect(await get('?kind=task')).toEqual({
      tasks: [
        {
          id: 'a',
          name: 'Stop services',
          role: null,
          play: null,
          playbook: null,
          hosts: ['controller'],
          groups: [],
          tags: [],
          kind: 'task',
          status: 'ok',
          start: '2026-11-23T07:10:00.000Z',
          end: '2026-11-23T07:10:01.500Z',
          source: 'callback',
          sources: ['callback'],
          windows: 0,
          downtimeAttributedSeconds: 0,
          downtimeDuringSeconds: 0,
        },
      ],
    });
    expect(await get('?status=running')).toMatchObject({ tasks: [{ id: 'b', end: null }] });
    expect(await get('?source=log')).toEqual({ tasks: [] });
  });
});

describe('POST /api/v1/phases', () => {
  it('rejects more names than a report can measure', async () => {
    await using served = await serve({ now: live({ phases: Array.from({ length: 200 }, (_, index) => `p${index}`) }) });
    const begin = async (name: string) => (await post(`${served.url}/api/v1/phases`, { name })).status;
    expect([await begin('p7'), await begin('end'), await begin('another')]).toEqual([200, 200, 409]);
  });

  it('rejects a name that is not in the plan, unless `unplanned` is set', async () => {
    const verdict = { plan: 'night', phases: [neverBegun('pre-maintenance'), neverBegun('maintenance')] };
    await using served = await serve({ now: live({ report: report({ verdict }) }) });
    const begin = async (body: object) => post(`${served.url}/api/v1/phases`, body);
    const refused = await begin({ name: 'maintenence' });
    expect([refused.status, refused.headers.get('content-type')]).toEqual([
      400,
      'application/problem+json; charset=utf-8',
    ]);
    expect(await refused.json()).toMatchObject({
      detail: expect.stringContaining("the plan night has no phase 'maintenence'; did you mean 'maintenance'?"),
      suggestion: 'maintenance',
      phases: ['pre-maintenance', 'maintenance'],
    });
    expect(await (await begin({ name: 'lunch' })).json()).toMatchObject({
      detail: expect.stringContaining('it has pre-maintenance and maintenance'),
    });
    const statuses = await Promise.all(
      [{ name: 'End' }, { name: 'end' }, { name: 'maintenance' }, { name: 'lunch', unplanned: true }].map(
        async (body) => (await begin(body)).status,
      ),
    );
    expect(statuses).toEqual([400, 200, 200, 200]);
  });

  it('starts a phase now or at a given time', async () => {
    await using served = await serve();
    expect((await post(`${served.url}/api/v1/phases`, { name: 'maintenance' })).status).toBe(200);
    expect((await post(`${served.url}/api/v1/phases`, { name: 'finish', at: START })).status).toBe(200);
    expect(served.phases).toEqual([
      { name: 'maintenance', at: live().at },
      { name: 'finish', at: BEGAN + 1000 },
    ]);
  });
});
