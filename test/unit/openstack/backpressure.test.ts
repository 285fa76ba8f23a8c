import { setImmediate as settled } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createBackpressure } from '../../../src/openstack/http/backpressure.ts';
import type { Failed, Result } from '../../../src/openstack/result.ts';

const never = new AbortController().signal;
const timing = { stages: {}, sentAt: 0, settledAt: 0, requestId: null };

/** An API that answers when the test lets it. */
function setUp({ free = 3 } = {}) {
  const state = { now: 0, free };
  const requests: { answer(how: 'ok' | 'hung' | 'refused' | 'reset'): Promise<void> }[] = [];
  const pings: { answer(how: 'answered' | 'timed out' | 'reset'): Promise<void> }[] = [];
  const backpressure = createBackpressure({
    clock: { now: () => state.now },
    gate: { freePlaces: () => state.free },
    service: 'nova-api',
    ping() {
      const { promise, resolve } = Promise.withResolvers<{ timedOut: boolean; reset: Failed | null }>();
      const sentAt = state.now;
      pings.push({
        answer: async (how) => {
          const timing = { stages: {}, sentAt, settledAt: state.now, requestId: null };
          const cause = { kind: 'connection-reset', service: 'nova-api', message: 'ECONNRESET' } as const;
          const reset = { ...timing, type: 'failed', cause, timedOut: false } as const;
          resolve({ timedOut: how === 'timed out', reset: how === 'reset' ? reset : null });
          await settled();
        },
      });
      return promise;
    },
  });

  function request(): Promise<Result<string>> {
    const sentAt = state.now;
    const { promise, resolve } = Promise.withResolvers<Result<string>>();
    requests.push({
      answer: async (how) => {
        const timing = { stages: {}, sentAt, settledAt: state.now, requestId: 'req-1' };
        const kind = how === 'hung' ? 'response-timeout' : 'connection-refused';
        const cause = { kind, service: 'nova-api', message: how } as const;
        if (how === 'ok') resolve({ ...timing, type: 'ok', value: 'ok' });
        else resolve({ ...timing, type: 'failed', cause, timedOut: how === 'hung' });
        await settled();
      },
    });
    return promise;
  }

  function series(limit = 5000) {
    const send = backpressure.guardSamples(limit);
    /** 'ok at 0', 'failed at 1000: ...', 'void: ...', with the sample's time. */
    return async (): Promise<string> => {
      const result = await send(request, never);
      if (result.type === 'void') return `void: ${result.cause.message}`;
      return `${result.type} at ${result.sentAt}${result.type === 'failed' ? `: ${result.cause.message}` : ''}`;
    };
  }
  /** Advances the clock. */
  const at = async (time: number): Promise<void> => {
    await settled();
    state.now = time;
  };
  return { state, requests, pings, backpressure, series, at };
}

test('an API that answers promptly gets every request and no ping', async () => {
  const { requests, pings, series, at } = setUp();
  const list = series();
  for (const time of [0, 1000, 2000]) {
    await at(time);
    const listed = list();
    await at(time + 50);
    await requests.at(-1)?.answer('ok');
    await expect(listed).resolves.toBe(`ok at ${time}`);
  }
  expect(pings).toHaveLength(0);
});

test('prompt failures do not trigger a ping', async () => {
  const { requests, pings, series, at } = setUp();
  const list = series();
  for (const time of [0, 100, 200]) {
    await at(time);
    const listed = list();
    await requests.at(-1)?.answer('refused');
    await expect(listed).resolves.toBe(`failed at ${time}: refused`);
  }
  expect([requests.length, pings.length]).toEqual([3, 0]);
});

test('while a request hangs, none is added, and samples fail as it does at the time of their ping', async () => {
  const { requests, pings, series, at } = setUp();
  const list = series();
  const first = list();
  await at(1000);
  const second = list();
  await at(2000);
  const third = list();
  expect([requests.length, pings.length]).toEqual([1, 2]);
  await at(5000);
  await pings[0]?.answer('timed out');
  await at(6000);
  await pings[1]?.answer('timed out');
  await at(10_000);
  await requests[0]?.answer('hung');
  const why = 'no answer to GET / within 7 s, nor to an earlier request: hung';
  await expect(Promise.all([first, second, third])).resolves.toEqual([
    'failed at 0: hung',
    `failed at 1000: ${why}`,
    `failed at 2000: ${why}`,
  ]);
  expect(requests).toHaveLength(1);
});

test('a request that gives up sooner than a sample would does not fail it', async () => {
  const { requests, pings, series, at } = setUp();
  const poll = series(4000);
  const list = series(10_000);
  const polled = poll();
  await at(100);
  const first = list();
  await at(1000);
  const second = list();
  await at(4000);
  await requests[0]?.answer('hung');
  await at(8000);
  await pings[0]?.answer('timed out');
  await at(9000);
  await requests[1]?.answer('ok');
  await expect(polled).resolves.toBe('failed at 0: hung');
  await expect(first).resolves.toBe('ok at 100');
  await expect(second).resolves.toMatch(/^void: nova-api is slow, and it is unknown whether/);
});

test('if the API resets its queue as it exits, samples fail at the time of their ping', async () => {
  const { requests, pings, series, at } = setUp();
  const list = series();
  const first = list();
  await at(1000);
  const second = list();
  await at(2000);
  const third = list();
  await at(3000);
  await requests[0]?.answer('reset');
  await pings[0]?.answer('reset');
  await pings[1]?.answer('reset');
  await expect(Promise.all([first, second, third])).resolves.toEqual([
    'failed at 0: reset',
    'failed at 1000: GET / was not answered: ECONNRESET',
    'failed at 2000: GET / was not answered: ECONNRESET',
  ]);
  expect(requests).toHaveLength(1);
  // No load balancer answers for the API now.
  await at(3100);
  const fourth = list();
  await pings[2]?.answer('answered');
  await requests[1]?.answer('refused');
  await expect(fourth).resolves.toBe('failed at 3100: refused');
});

test('if request and ping are answered late, samples are ok at the time of the ping', async () => {
  const { requests, pings, series, at } = setUp();
  const list = series();
  const first = list();
  await at(1000);
  const second = list();
  await at(3500);
  await pings[0]?.answer('answered');
  await requests[0]?.answer('ok');
  await expect(Promise.all([first, second])).resolves.toEqual(['ok at 0', 'ok at 1000']);
  expect(requests).toHaveLength(1);
});

test('if the request is answered late but the ping is not, samples are void', async () => {
  const { requests, pings, series, at } = setUp();
  const list = series();
  const first = list();
  await at(1000);
  const second = list();
  await at(8000);
  await pings[0]?.answer('timed out');
  await requests[0]?.answer('ok');
  await expect(Promise.all([first, second])).resolves.toEqual([
    'ok at 0',
    'void: nova-api is slow, and it is unknown whether it would have answered in time',
  ]);
});

test('a value of null is not taken for a shared answer', async () => {
  const { backpressure } = setUp();
  const send = backpressure.guardRequests(5000);
  const gone = { ...timing, type: 'ok', value: null } as const;
  await expect(send(async () => gone, never)).resolves.toEqual(gone);
});

test('a lost request delays only one other while the API answers promptly', async () => {
  const { requests, pings, series, at } = setUp();
  const list = series();
  void list();
  await at(1000);
  const second = list();
  await pings[0]?.answer('answered');
  expect(requests).toHaveLength(2);
  await at(1020);
  await requests[1]?.answer('ok');
  await expect(second).resolves.toBe('ok at 1000');
  // The first request was sent before one that has been answered, so it is ignored.
  await at(2000);
  void list();
  expect([requests.length, pings.length]).toEqual([3, 1]);
});

test('no third request is sent while two are outstanding', async () => {
  const { requests, pings, series, at } = setUp();
  const list = series();
  void list();
  await at(1000);
  void list();
  await pings[0]?.answer('answered');
  await at(2000);
  const third = list();
  await pings[1]?.answer('answered');
  expect(requests).toHaveLength(2);
  await at(10_000);
  await requests[0]?.answer('hung');
  await expect(third).resolves.toBe('void: an earlier request of this probe is still outstanding');
});

test('a second request leaves a place to others, unless the API has recovered', async () => {
  const { requests, pings, series, at } = setUp({ free: 1 });
  const list = series();
  void list();
  await at(1000);
  void list();
  await pings[0]?.answer('answered');
  expect(requests).toHaveLength(1);
  await at(2000);
  void list();
  await at(3000);
  void list();
  await pings[2]?.answer('answered');
  expect(requests).toHaveLength(2);
});

test('all series share one ping, and their samples have its time', async () => {
  const { requests, pings, series, at } = setUp();
  const [a, b] = [series(), series()];
  const timedOut = a();
  await at(1000);
  const first = a();
  await at(1400);
  const second = b();
  expect([requests.length, pings.length]).toEqual([1, 1]);
  await at(5000);
  await pings[0]?.answer('timed out');
  await at(10_000);
  await requests[0]?.answer('hung');
  await timedOut;
  await expect(Promise.all([first, second])).resolves.toEqual([
    expect.stringMatching('^failed at 1000:'),
    expect.stringMatching('^failed at 1000:'),
  ]);
});

test('after a timeout, no request is sent until the API answers a ping', async () => {
  const { requests, pings, series, at } = setUp();
  const list = series();
  void list();
  await at(10_000);
  await requests[0]?.answer('hung');
  await at(11_000);
  const silent = list();
  await at(15_000);
  await pings[0]?.answer('timed out');
  await expect(silent).resolves.toMatch(/^failed at 11000: no answer to GET/);
  await at(16_000);
  const back = list();
  await pings[1]?.answer('answered');
  expect(requests).toHaveLength(2);
  await requests[1]?.answer('ok');
  await expect(back).resolves.toBe('ok at 16000');
  await at(17_000);
  void list();
  expect([requests.length, pings.length]).toEqual([3, 2]);
});

test('a slow API gets requests at a pace that follows its latency', async () => {
  const { requests, pings, series, at } = setUp();
  const list = series();
  void list();
  await at(3000);
  await requests[0]?.answer('ok');
  for (const [time, sent] of [
    [4000, 1],
    [8000, 1],
    [12_500, 2],
  ] as const) {
    await at(time);
    const listed = list();
    await at(time + 2000);
    await pings.at(-1)?.answer('answered');
    expect(requests, `at ${time}`).toHaveLength(sent);
    if (sent === 1) await expect(listed).resolves.toBe('void: nova-api is slow, so fewer requests are sent');
  }
});

test('a slow API gets one request at a time over all series', async () => {
  const { requests, pings, series, at } = setUp();
  const [a, b] = [series(), series()];
  void a();
  await at(3000);
  await requests[0]?.answer('ok');
  await at(15_500);
  const samples = [a(), b()];
  await at(17_500);
  await pings[0]?.answer('answered');
  expect([requests.length, pings.length]).toEqual([2, 1]);
  await requests[1]?.answer('ok');
  await expect(Promise.all(samples)).resolves.toEqual(['ok at 17500', 'ok at 15500']);
});

test('a list that has waited for half a second already delays that of the other connection', async () => {
  const { requests, pings, series, at } = setUp();
  void series()();
  await at(300);
  void series()();
  expect([requests.length, pings.length]).toEqual([2, 0]);
  await at(500);
  void series()();
  expect([requests.length, pings.length]).toEqual([2, 1]);
});

test('a request that can wait is sent when a place is free and no request hangs', async () => {
  const { state, requests, pings, backpressure, series, at } = setUp({ free: 1 });
  let turns = 0;
  void backpressure.waitForTurn(never).then(() => turns++);
  await at(100);
  expect(turns, 'no free place').toBe(0);
  void series()();
  await at(1000);
  state.free = 3;
  await expect.poll(() => pings.length, { timeout: 5000 }).toBe(1);
  expect(turns, 'a request hangs').toBe(0);
  await pings[0]?.answer('answered');
  expect([turns, requests.length]).toEqual([1, 1]);
});

test('an optional request is sent only if the API answers promptly', async () => {
  const { requests, pings, backpressure, series, at } = setUp();
  const other = series();
  void other();
  await at(1000);
  const answer = async () => ({ ...timing, type: 'ok', value: 1 }) as const;
  const unsent = backpressure.optional(answer, never);
  await expect(unsent).resolves.toMatchObject({ type: 'void', cause: { kind: 'throttled' } });
  await pings[0]?.answer('timed out');
  await at(9000);
  await requests[0]?.answer('ok');
  await at(20_000);
  await expect(backpressure.optional(answer, never)).resolves.toMatchObject({ type: 'void' });
  await at(22_000);
  const sent = backpressure.optional(answer, never);
  await pings[2]?.answer('answered');
  await expect(sent).resolves.toMatchObject({ type: 'ok', value: 1 });
});

test('the longer an API is silent, the fewer pings it gets', async () => {
  const { pings, series, at } = setUp();
  const list = series();
  void list();
  for (let time = 1000; time <= 100_000; time += 1000) {
    await at(time);
    void list();
  }
  expect(pings.length).toBeGreaterThan(20);
  expect(pings.length).toBeLessThan(50);
});

test('while nothing is answered, each slot of two connections has a ping of its own at first', async () => {
  const { requests, pings, series, at } = setUp();
  const [a, b] = [series(), series()];
  void a();
  for (const slot of [500, 1000, 1500, 2000]) {
    await at(slot);
    void (slot % 1000 === 0 ? a : b)();
  }
  expect([requests.length, pings.length]).toEqual([1, 4]);
});

test('the longer nothing is answered, the fewer pings are sent', async () => {
  const { requests, pings, series, at } = setUp();
  const list = series();
  void list();
  for (let slot = 500; slot <= 60_000; slot += 500) {
    await at(slot);
    void list();
  }
  expect(requests).toHaveLength(1);
  expect(pings.length).toBeGreaterThan(20);
  expect(pings.length).toBeLessThan(40);
});
