import { setImmediate as settled } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createBackpressure } from '../../../src/openstack/http/backpressure.ts';
import type { Failed, Result } from '../../../src/openstack/result.ts';

const never = new AbortController().signal;
const timing = { stages: {}, sentAt: 0, settledAt: 0, requestId: null };

/** An API whose answers come when the test says so. */
function setUp({ free = 3 } = {}) {
  const state = { now: 0, free };
  const requests: { answer(how: 'ok' | 'hung' | 'refused' | 'reset'): Promise<void> }[] = [];
  const questions: { answer(how: 'answered' | 'timed out' | 'reset'): Promise<void> }[] = [];
  const backpressure = createBackpressure({
    clock: { now: () => state.now },
    gate: { free: () => state.free },
    service: 'nova-api',
    ping() {
      const { promise, resolve } = Promise.withResolvers<{ timedOut: boolean; reset: Failed | null }>();
      const sentAt = state.now;
      questions.push({
        answer: async (how) => {
          const timing = { stages: {}, sentAt, settledAt: state.now, requestId: null };
          const cause = { kind: 'connection-reset', service: 'nova-api', message: 'ECONNRESET' } as const;
          const reset = { ...timing, type: 'failed', cause, hung: false } as const;
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
        else resolve({ ...timing, type: 'failed', cause, hung: how === 'hung' });
        await settled();
      },
    });
    return promise;
  }

  function series() {
    const send = backpressure.samples();
    /** 'ok at 0', 'failed at 1000: ...', 'void: ...', with the moment for which it stands. */
    return async (): Promise<string> => {
      const result = await send(request, never);
      if (result.type === 'void') return `void: ${result.cause.message}`;
      return `${result.type} at ${result.sentAt}${result.type === 'failed' ? `: ${result.cause.message}` : ''}`;
    };
  }
  /** Goes on to a moment. */
  const at = async (moment: number): Promise<void> => {
    await settled();
    state.now = moment;
  };
  return { state, requests, questions, backpressure, series, at };
}

test('while answers come at once, every request is sent and nothing else is asked', async () => {
  const { requests, questions, series, at } = setUp();
  const list = series();
  for (const moment of [0, 1000, 2000]) {
    await at(moment);
    const listed = list();
    await at(moment + 50);
    await requests.at(-1)?.answer('ok');
    await expect(listed).resolves.toBe(`ok at ${moment}`);
  }
  expect(questions).toHaveLength(0);
});

test('failures that come back at once are no reason to ask', async () => {
  const { requests, questions, series, at } = setUp();
  const list = series();
  for (const moment of [0, 100, 200]) {
    await at(moment);
    const listed = list();
    await requests.at(-1)?.answer('refused');
    await expect(listed).resolves.toBe(`failed at ${moment}: refused`);
  }
  expect([requests.length, questions.length]).toEqual([3, 0]);
});

test('while a request hangs, none is added, and samples share its fate at the moments at which was asked', async () => {
  const { requests, questions, series, at } = setUp();
  const list = series();
  const first = list();
  await at(1000);
  const second = list();
  await at(2000);
  const third = list();
  expect([requests.length, questions.length]).toEqual([1, 2]);
  await at(5000);
  await questions[0]?.answer('timed out');
  await at(6000);
  await questions[1]?.answer('timed out');
  await at(10_000);
  await requests[0]?.answer('hung');
  const why = 'no answer to GET / within 7 s, nor to a request before: hung';
  await expect(Promise.all([first, second, third])).resolves.toEqual([
    'failed at 0: hung',
    `failed at 1000: ${why}`,
    `failed at 2000: ${why}`,
  ]);
  expect(requests).toHaveLength(1);
});

test('where the API resets its queue as it exits, samples have failed at the moments at which was asked', async () => {
  const { requests, questions, series, at } = setUp();
  const list = series();
  const first = list();
  await at(1000);
  const second = list();
  await at(2000);
  const third = list();
  await at(3000);
  await requests[0]?.answer('reset');
  await questions[0]?.answer('reset');
  await questions[1]?.answer('reset');
  await expect(Promise.all([first, second, third])).resolves.toEqual([
    'failed at 0: reset',
    'failed at 1000: GET / was not answered: ECONNRESET',
    'failed at 2000: GET / was not answered: ECONNRESET',
  ]);
  expect(requests).toHaveLength(1);
  // Nobody answers for it now.
  await at(3100);
  const fourth = list();
  await questions[2]?.answer('answered');
  await requests[1]?.answer('refused');
  await expect(fourth).resolves.toBe('failed at 3100: refused');
});

test('where request and question are answered at last, the API was up at the moment of the question, if slow', async () => {
  const { requests, questions, series, at } = setUp();
  const list = series();
  const first = list();
  await at(1000);
  const second = list();
  await at(3500);
  await questions[0]?.answer('answered');
  await requests[0]?.answer('ok');
  await expect(Promise.all([first, second])).resolves.toEqual(['ok at 0', 'ok at 1000']);
  expect(requests).toHaveLength(1);
});

test('where the request that hung is answered at last, but the question was not, nobody knows', async () => {
  const { requests, questions, series, at } = setUp();
  const list = series();
  const first = list();
  await at(1000);
  const second = list();
  await at(8000);
  await questions[0]?.answer('timed out');
  await requests[0]?.answer('ok');
  await expect(Promise.all([first, second])).resolves.toEqual([
    'ok at 0',
    'void: nova-api is slow: an earlier request was answered after all',
  ]);
});

test('an answer that is null is an answer, and no shared one', async () => {
  const { backpressure } = setUp();
  const send = backpressure.series();
  const gone = { ...timing, type: 'ok', value: null } as const;
  await expect(send(async () => gone, never)).resolves.toEqual(gone);
});

test('a request that was lost holds up no more than one other, as long as the API answers at once', async () => {
  const { requests, questions, series, at } = setUp();
  const list = series();
  void list();
  await at(1000);
  const second = list();
  await questions[0]?.answer('answered');
  expect(requests).toHaveLength(2);
  await at(1020);
  await requests[1]?.answer('ok');
  await expect(second).resolves.toBe('ok at 1000');
  // The first was sent before one that has been answered: it counts no more.
  await at(2000);
  void list();
  expect([requests.length, questions.length]).toEqual([3, 1]);
});

test('no third request is sent while two have no answer', async () => {
  const { requests, questions, series, at } = setUp();
  const list = series();
  void list();
  await at(1000);
  void list();
  await questions[0]?.answer('answered');
  await at(2000);
  const third = list();
  await questions[1]?.answer('answered');
  expect(requests).toHaveLength(2);
  await at(10_000);
  await requests[0]?.answer('hung');
  await expect(third).resolves.toBe('void: an earlier request of this probe waits for its answer');
});

test('a second request leaves a place to others, unless the API was away and is back', async () => {
  const { requests, questions, series, at } = setUp({ free: 1 });
  const list = series();
  void list();
  await at(1000);
  void list();
  await questions[0]?.answer('answered');
  expect(requests).toHaveLength(1);
  await at(2000);
  void list();
  await at(3000);
  void list();
  await questions[2]?.answer('answered');
  expect(requests).toHaveLength(2);
});

test('series ask once for all of them, and each stands for the moment of the question', async () => {
  const { requests, questions, series, at } = setUp();
  const [a, b] = [series(), series()];
  const hung = a();
  await at(1000);
  const first = a();
  await at(1500);
  const second = b();
  expect([requests.length, questions.length]).toEqual([1, 1]);
  await at(5000);
  await questions[0]?.answer('timed out');
  await at(10_000);
  await requests[0]?.answer('hung');
  await hung;
  await expect(Promise.all([first, second])).resolves.toEqual([
    expect.stringMatching('^failed at 1000:'),
    expect.stringMatching('^failed at 1000:'),
  ]);
});

test('after a request went unanswered, none is sent until the API answers the question', async () => {
  const { requests, questions, series, at } = setUp();
  const list = series();
  void list();
  await at(10_000);
  await requests[0]?.answer('hung');
  await at(11_000);
  const silent = list();
  await at(15_000);
  await questions[0]?.answer('timed out');
  await expect(silent).resolves.toMatch(/^failed at 11000: no answer to GET/);
  await at(16_000);
  const back = list();
  await questions[1]?.answer('answered');
  expect(requests).toHaveLength(2);
  await requests[1]?.answer('ok');
  await expect(back).resolves.toBe('ok at 16000');
  await at(17_000);
  void list();
  expect([requests.length, questions.length]).toEqual([3, 2]);
});

test('an API that lags behind is asked at a pace that follows its answers', async () => {
  const { requests, questions, series, at } = setUp();
  const list = series();
  void list();
  await at(3000);
  await requests[0]?.answer('ok');
  for (const [moment, sent] of [
    [4000, 1],
    [8000, 1],
    [12_500, 2],
  ] as const) {
    await at(moment);
    const listed = list();
    await at(moment + 2000);
    await questions.at(-1)?.answer('answered');
    expect(requests, `at ${moment}`).toHaveLength(sent);
    if (sent === 1) await expect(listed).resolves.toBe('void: nova-api is slow to answer: it is asked less often');
  }
});

test('an API that lags behind gets one request at a time, whichever series it is of', async () => {
  const { requests, questions, series, at } = setUp();
  const [a, b] = [series(), series()];
  void a();
  await at(3000);
  await requests[0]?.answer('ok');
  await at(15_500);
  const samples = [a(), b()];
  await at(17_500);
  await questions[0]?.answer('answered');
  expect([requests.length, questions.length]).toEqual([2, 1]);
  await requests[1]?.answer('ok');
  await expect(Promise.all(samples)).resolves.toEqual(['ok at 17500', 'ok at 15500']);
});

test('a list that has waited for less than half a second already holds up that of the other connection', async () => {
  const { requests, questions, series, at } = setUp();
  void series()();
  await at(300);
  void series()();
  expect([requests.length, questions.length]).toEqual([2, 0]);
  await at(500);
  void series()();
  expect([requests.length, questions.length]).toEqual([2, 1]);
});

test('what can wait is not sent before there is a place for it, and not while requests hang', async () => {
  const { state, requests, questions, backpressure, series, at } = setUp({ free: 1 });
  let turns = 0;
  void backpressure.turn(never).then(() => turns++);
  await at(100);
  expect(turns, 'no place to spare').toBe(0);
  void series()();
  await at(1000);
  state.free = 3;
  await expect.poll(() => questions.length, { timeout: 5000 }).toBe(1);
  expect(turns, 'a request hangs').toBe(0);
  await questions[0]?.answer('answered');
  expect([turns, requests.length]).toEqual([1, 1]);
});

test('what can be done without is not sent unless the API answers at once', async () => {
  const { requests, questions, backpressure, series, at } = setUp();
  const other = series();
  void other();
  await at(1000);
  const answer = async () => ({ ...timing, type: 'ok', value: 1 }) as const;
  const unsent = backpressure.spare(answer, never);
  await expect(unsent).resolves.toMatchObject({ type: 'void', cause: { kind: 'throttled' } });
  await questions[0]?.answer('timed out');
  await at(9000);
  await requests[0]?.answer('ok');
  await at(20_000);
  await expect(backpressure.spare(answer, never)).resolves.toMatchObject({ type: 'void' });
  await at(22_000);
  const sent = backpressure.spare(answer, never);
  await questions[2]?.answer('answered');
  await expect(sent).resolves.toMatchObject({ type: 'ok', value: 1 });
});

test('the longer an API is silent, the more rarely it is asked', async () => {
  const { questions, series, at } = setUp();
  const list = series();
  void list();
  for (let moment = 1000; moment <= 100_000; moment += 1000) {
    await at(moment);
    void list();
  }
  expect(questions.length).toBeGreaterThan(20);
  expect(questions.length).toBeLessThan(50);
});
