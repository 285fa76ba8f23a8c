import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Http } from '../../../src/openstack/http/http.ts';
import type { HttpAnswer, HttpRequest, HttpResult } from '../../../src/openstack/http/http-message.ts';
import {
  type Admission,
  createRequestGate,
  isRateLimited,
  MAX_OUTSTANDING,
  MAX_PER_SECOND,
  retryAfter,
} from '../../../src/openstack/http/request-gate.ts';

const AT_ONCE: Admission = { patience: 0, leave: 0 };
const never = new AbortController().signal;

/** A server that answers each request when, and as, the test says. */
function setUp() {
  const state = { now: 0 };
  const sent: {
    readonly request: HttpRequest;
    answer(status: number, headers?: Record<string, string>, body?: string): void;
  }[] = [];
  const http: Http = {
    send(request) {
      const { promise, resolve } = Promise.withResolvers<HttpResult>();
      const sentAt = state.now;
      sent.push({
        request,
        answer: (status, headers = {}, body = '') =>
          resolve({ type: 'answer', status, headers, body, stages: {}, sentAt, endedAt: state.now }),
      });
      return promise;
    },
    close: () => {},
  };
  const gate = createRequestGate({ now: () => state.now });
  const ask = (admission: Admission, { url = 'https://api:8774/v2.1/servers', signal = never } = {}) =>
    gate
      .through(http, admission)
      .send({ method: 'GET', url, headers: {}, limits: { connect: 1, response: 1 }, signal })
      .then((result) => (result.type === 'answer' ? result.status : `${result.kind}: ${result.message}`));
  return { state, sent, gate, ask };
}

const settled = () => delay(5);

test('no more than the most are outstanding, and who may not wait is throttled', async () => {
  const { sent, gate, ask } = setUp();
  const asked = Array.from({ length: MAX_OUTSTANDING + 1 }, () => ask(AT_ONCE));
  await expect(asked.at(-1)).resolves.toBe(`throttled: ${MAX_OUTSTANDING} requests to this cloud are outstanding`);
  expect(sent).toHaveLength(MAX_OUTSTANDING);
  expect(gate.free()).toBe(0);
  await settled();
  sent[0]?.answer(200);
  await expect(asked[0]).resolves.toBe(200);
  expect(gate.free()).toBe(1);
});

test('who may wait gets the next place, in the order in which they came', async () => {
  const { sent, ask } = setUp();
  for (let index = 0; index < MAX_OUTSTANDING; index++) void ask(AT_ONCE);
  const patient = { patience: 60_000, leave: 0 };
  const asked = ['a', 'b'].map((name) => ask(patient, { url: `https://api/${name}` }));
  await settled();
  await settled();
  sent[0]?.answer(200);
  await settled();
  expect(sent.slice(MAX_OUTSTANDING).map(({ request }) => request.url)).toEqual(['https://api/a']);
  await settled();
  sent[1]?.answer(200);
  await settled();
  expect(sent.slice(MAX_OUTSTANDING).map(({ request }) => request.url)).toEqual(['https://api/a', 'https://api/b']);
  for (const one of sent) one.answer(200);
  await expect(Promise.all(asked)).resolves.toEqual([200, 200]);
});

test('no more than the most are sent in any second, however soon they are answered', async () => {
  const { state, sent, ask } = setUp();
  for (let index = 0; index < MAX_PER_SECOND; index++) {
    state.now = index * 10;
    const asked = ask(AT_ONCE);
    await settled();
    sent.at(-1)?.answer(200);
    await asked;
  }
  await expect(ask(AT_ONCE)).resolves.toMatch(/^throttled: 20 requests were sent to this cloud within a second/);
  state.now = 1000;
  void ask(AT_ONCE);
  await settled();
  expect(sent).toHaveLength(MAX_PER_SECOND + 1);
});

test('clean-up leaves a place to the probes', async () => {
  const { sent, ask } = setUp();
  for (let index = 0; index < MAX_OUTSTANDING; index++) void ask({ patience: 0, leave: 1 });
  await settled();
  expect(sent).toHaveLength(MAX_OUTSTANDING - 1);
  void ask(AT_ONCE);
  await settled();
  expect(sent).toHaveLength(MAX_OUTSTANDING);
});

test('who waits when we are told to stop goes on to hear of it from the request itself', async () => {
  const { sent, ask } = setUp();
  for (let index = 0; index < MAX_OUTSTANDING; index++) void ask(AT_ONCE);
  const stop = new AbortController();
  void ask({ patience: 60_000, leave: 0 }, { signal: stop.signal });
  await settled();
  stop.abort();
  await settled();
  expect(sent.at(-1)?.request.signal.aborted).toBe(true);
});

test('nothing is sent to an API that asked for time until that is over, and other APIs are not concerned', async () => {
  const { state, sent, ask } = setUp();
  const first = ask(AT_ONCE);
  await settled();
  sent[0]?.answer(429, { 'retry-after': '10' });
  await expect(first).resolves.toBe(429);
  state.now = 9_999;
  await expect(ask(AT_ONCE)).resolves.toBe('throttled: HTTP 429 asked us to wait for 10 s');
  void ask(AT_ONCE, { url: 'https://api:5000/v3/auth/tokens' });
  state.now = 10_000;
  void ask(AT_ONCE);
  await settled();
  expect(sent.map(({ request }) => request.url)).toEqual([
    'https://api:8774/v2.1/servers',
    'https://api:5000/v3/auth/tokens',
    'https://api:8774/v2.1/servers',
  ]);
});

test('services that share a host and a port are told apart by their paths', async () => {
  const { sent, ask } = setUp();
  const first = ask(AT_ONCE, { url: 'https://cloud/compute/v2.1/servers' });
  await settled();
  sent[0]?.answer(429, { 'retry-after': '10' });
  await first;
  void ask(AT_ONCE, { url: 'https://cloud/image/v2/images' });
  await expect(ask(AT_ONCE, { url: 'https://cloud/compute/v2.1/flavors' })).resolves.toMatch(/^throttled/);
  expect(sent).toHaveLength(2);
});

test.each([
  ['says nothing', {}, [5000, 10_000, 20_000, 40_000, 60_000, 60_000]],
  ['asks for 20 s', { 'retry-after': '20' }, [20_000, 20_000, 20_000]],
  ['asks for nothing at all', { 'retry-after': '0' }, [1000, 1000]],
  ['asks for a year', { 'retry-after': '31536000' }, [600_000]],
])('where a 429 %s, it is asked again after so long', async (_name, headers, waits) => {
  const { state, sent, ask } = setUp();
  for (const wait of waits) {
    const asked = ask(AT_ONCE);
    await settled();
    sent.at(-1)?.answer(429, headers);
    await expect(asked).resolves.toBe(429);
    state.now += wait - 1;
    await expect(ask(AT_ONCE)).resolves.toMatch(/^throttled/);
    state.now += 1;
  }
});

test('an answer to what was sent before the limit does not lift it; one sent after it does', async () => {
  const { state, sent, ask } = setUp();
  void ask(AT_ONCE);
  void ask(AT_ONCE);
  await settled();
  sent[0]?.answer(429);
  await settled();
  await settled();
  sent[1]?.answer(200);
  await settled();
  await expect(ask(AT_ONCE)).resolves.toMatch(/^throttled/);
  state.now = 5000;
  void ask(AT_ONCE);
  await settled();
  sent[2]?.answer(200);
  await settled();
  void ask(AT_ONCE);
  await settled();
  sent[3]?.answer(429);
  await settled();
  await expect(ask(AT_ONCE)).resolves.toBe('throttled: HTTP 429 asked us to wait for 5 s');
});

const answer = (status: number, headers: Record<string, string> = {}, body = ''): HttpAnswer => ({
  ...{ type: 'answer', status, headers, body, stages: {}, sentAt: 0, endedAt: 0 },
});

test.each([
  ['120', {}, 120_000],
  [' 7 ', {}, 7000],
  ['Wed, 25 Nov 2026 20:00:30 GMT', { date: 'Wed, 25 Nov 2026 20:00:00 GMT' }, 30_000],
  ['Wed, 25 Nov 2026 19:00:00 GMT', { date: 'Wed, 25 Nov 2026 20:00:00 GMT' }, 0],
  ['soon', {}, null],
  ['-1', {}, null],
  ['1e9', {}, null],
  ['', {}, null],
  ['99999999999999999999', {}, null],
])('Retry-After %j is read as it is meant', (given, headers, expected) => {
  expect(retryAfter(answer(429, { 'retry-after': given, ...headers }), { now: () => 0 })).toBe(expected);
});

test.each([
  [429, '', true],
  [413, '{"overLimit": {"code": 413, "message": "This request was rate-limited."}}', true],
  [413, '{"forbidden": {"message": "Quota exceeded for instances: Requested 1"}}', false],
  [503, '', false],
])('an answer of %d with %s is a rate limit: %s', (status, body, expected) => {
  expect(isRateLimited(answer(status, {}, body))).toBe(expected);
});
