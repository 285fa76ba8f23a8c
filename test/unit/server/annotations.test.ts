import { describe, expect, it } from 'vitest';
import { BEGAN, live } from '../../support/live.ts';
import { type Served, serve } from '../../support/served.ts';

const NOW = live().at;

async function send(
  served: Served,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
) {
  const answer = await fetch(`${served.url}/api/annotations${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as unknown };
}

describe("Grafana's annotations API", () => {
  it('adds a point in time or an interval: now if no time is given, swapped if reversed', async () => {
    await using served = await serve();
    const bodies = [
      { text: 'now', tags: ['a'] },
      { text: 'moment', time: BEGAN },
      { text: 'end alone', timeEnd: BEGAN + 5 },
      {
        text: 'swapped',
        time: BEGAN + 9,
        timeEnd: BEGAN,
        isRegion: true,
        dashboardUID: 'x',
        panelId: 3,
        data: { a: 1 },
      },
    ];
    const answers = [];
    for (const body of bodies) answers.push(await send(served, 'POST', '', body));
    expect(answers).toEqual([1, 2, 3, 4].map((id) => ({ status: 200, body: { message: 'Annotation added', id } })));
    const all = await send(served, 'GET', '');
    expect(all.body).toMatchObject([
      { id: 1, time: NOW, timeEnd: NOW, text: 'now', tags: ['a'], data: {} },
      { id: 4, time: BEGAN, timeEnd: BEGAN + 9, dashboardUID: 'x', panelId: 3, data: { a: 1 } },
      { id: 3, time: BEGAN + 5, timeEnd: BEGAN + 5 },
      { id: 2, time: BEGAN, timeEnd: BEGAN },
    ]);
    expect(await send(served, 'GET', '/2')).toMatchObject({ status: 200, body: { text: 'moment' } });
  });

  it('patches the given fields, replaces all fields, and deletes', async () => {
    await using served = await serve();
    await send(served, 'POST', '', { text: 'a', time: BEGAN, tags: ['x'] });
    expect(await send(served, 'PATCH', '/1', { timeEnd: BEGAN + 7000 })).toEqual({
      status: 200,
      body: { message: 'Annotation patched' },
    });
    expect((await send(served, 'GET', '/1')).body).toMatchObject({
      text: 'a',
      tags: ['x'],
      time: BEGAN,
      timeEnd: BEGAN + 7000,
    });
    expect((await send(served, 'PUT', '/1', { text: 'b' })).body).toEqual({ message: 'Annotation updated' });
    expect((await send(served, 'GET', '/1')).body).toMatchObject({ text: 'b', tags: [], timeEnd: BEGAN + 7000 });
    expect((await send(served, 'DELETE', '/1')).body).toEqual({ message: 'Annotation deleted' });
    expect((await send(served, 'GET', '')).body).toEqual([]);
    for (const [method, body] of [
      ['GET', undefined],
      ['PATCH', {}],
      ['DELETE', undefined],
    ] as const) {
      expect(await send(served, method, '/1', body)).toMatchObject({
        status: 404,
        body: { message: 'there is no annotation 1' },
      });
    }
  });

  it('returns annotations that overlap a range, with all tags or any, latest end first, up to a limit', async () => {
    await using served = await serve();
    const add = (text: string, time: number, timeEnd: number, tags: readonly string[]) =>
      send(served, 'POST', '', { text, time: BEGAN + time, timeEnd: BEGAN + timeEnd, tags });
    await add('early', 0, 10, ['a']);
    await add('long', 5, 100, ['a', 'b']);
    await add('late', 90, 95, ['b']);
    const texts = async (query: string) =>
      ((await send(served, 'GET', query)).body as readonly { text: string }[]).map(({ text }) => text);
    expect(await texts('')).toEqual(['long', 'late', 'early']);
    expect(await texts(`?from=${BEGAN + 10}&to=${BEGAN + 89}`)).toEqual(['long', 'early']);
    expect(await texts(`?from=${BEGAN + 11}&to=${BEGAN + 89}`)).toEqual(['long']);
    expect(await texts('?tags=a&tags=b')).toEqual(['long']);
    expect(await texts('?tags=a&tags=b&matchAny=true&limit=2')).toEqual(['long', 'late']);
  });

  it('accepts what Graphite sends', async () => {
    await using served = await serve();
    const answer = await send(served, 'POST', '/graphite', {
      what: 'deploy',
      tags: 'a b',
      when: BEGAN / 1000,
      data: 'v2',
    });
    expect(answer.body).toEqual({ message: 'Graphite annotation added', id: 1 });
    expect((await send(served, 'GET', '')).body).toMatchObject([{ text: 'deploy\nv2', tags: ['a', 'b'], time: BEGAN }]);
  });

  it.each([
    ['an empty text', { text: ' ' }, 400, 'text: must not be empty'],
    ['no text', {}, 400, 'text: must not be empty'],
    [
      'the year 10000',
      { text: 'x', time: 253_402_300_800_000 },
      400,
      'time: is after the year 9999; times are milliseconds since 1970',
    ],
    ['a time in words', { text: 'x', time: 'noon' }, 400, 'time: is not a time in milliseconds since 1970'],
    ['too many tags', { text: 'x', tags: ['y'.repeat(501)] }, 400, 'tags: must have at most 500 characters in total'],
    ['two megabytes', JSON.stringify({ text: 'x'.repeat(2_000_000) }), 413, undefined],
  ])('rejects %s with one clear answer', async (_what, body, status, message) => {
    await using served = await serve();
    const answer = await send(served, 'POST', '', body);
    expect(answer).toMatchObject({
      status,
      body: { status, ...(message === undefined ? {} : { message, detail: message }) },
    });
    expect((await send(served, 'GET', '')).body).toEqual([]);
  });

  it('truncates a text of a megabyte, keeps markup as text, and drops the result of a failed task', async () => {
    await using served = await serve();
    await send(served, 'POST', '', { text: `<script>alert(1)</script>\u0007${'x'.repeat(900_000)}` });
    const failed = 'Task failed: Stop services\n\n{"msg": "denied", "password": "hunter2"}';
    await send(served, 'POST', '', { text: failed, tags: ['ansible', 'ansible_event_failure', 'pb.yml', 'vm'] });
    const [second, first] = (await send(served, 'GET', '')).body as readonly { text: string }[];
    expect(first?.text).toHaveLength(8000);
    expect(first?.text.slice(0, 26)).toBe('<script>alert(1)</script> ');
    expect(second?.text).toBe('Task failed: Stop services');
  });

  it('requires the token, as bearer or as password of any user, unless the listener is on loopback', async () => {
    await using served = await serve({ writeToken: 'hush', listen: { host: '0.0.0.0', port: 0 } });
    const there = { ...served, url: `http://127.0.0.1:${new URL(served.url).port}` };
    const basic = (pair: string) => ({ Authorization: `Basic ${Buffer.from(pair).toString('base64')}` });
    const statuses = [];
    for (const headers of [{}, basic('ansible:ansible'), basic('ansible:hush'), { Authorization: 'Bearer hush' }]) {
      statuses.push((await send(there, 'POST', '', { text: 'x' }, headers)).status);
    }
    expect(statuses).toEqual([401, 401, 200, 200]);
  });
});
