import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { HttpClient } from '../../../src/openstack/http/http.ts';
import type { HttpRequest, HttpResponse, HttpResult } from '../../../src/openstack/http/http-message.ts';
import {
  type Admission,
  createRequestGate,
  isRateLimited,
  MAX_OUTSTANDING,
  MAX_PER_SECOND,
  retryAfterMs,
} from '../../../src/openstack/http/request-gate.ts';

const NO_WAIT: Admission = { maxWaitMs: 0, reservedPlaces: 0 };
const never = new AbortController().signal;

/** A server that answers each request when the test lets it. */
function setUp() {
  const state = { now: 0 };
  const sent: {
    readonly request: HttpRequest;
    answer(status: number, headers?: Record<string, string>, body?: string): void;
  }[] = [];
  const http: HttpClient = {
    send(request) {
      const { promise, resolve } = Promise.withResolvers<HttpResult>();
      const sentAt = state.now;
      sent.push({
        request,
        answer: (status, headers = {}, body = '') =>
          resolve({ type: 'response', status, headers, body, stages: {}, sentAt, endedAt: state.now }),
      });
      return promise;
    },
    close: () => {},
  };
  const gate = createRequestGate({ now: () => state.now });
  const send = (admission: Admission, { url = 'https://api:8774/v2.1/servers', signal = never } = {}) =>
    gate
      .wrap(http, admission)
      .send({ method: 'GET', url, headers: {}, timeouts: { connect: 1, response: 1 }, signal })
      .then((result) => (result.type === 'response' ? result.status : `${result.kind}: ${result.message}`));
  return { state, sent, gate, send };
}

const settled = () => delay(5);

test('a request beyond the limit of outstanding ones is throttled if it may not wait', async () => {
  const { sent, gate, send } = setUp();
  const results = Array.from({ length: MAX_OUTSTANDING + 1 }, () => send(NO_WAIT));
  await expect(results.at(-1)).resolves.toBe(`throttled: ${MAX_OUTSTANDING} requests to this cloud are outstanding`);
  expect(sent).toHaveLength(MAX_OUTSTANDING);
  expect(gate.freePlaces()).toBe(0);
  await settled();
  sent[0]?.answer(200);
  await expect(results[0]).resolves.toBe(200);
  expect(gate.freePlaces()).toBe(1);
});

test('requests that may wait get free places in order of arrival', async () => {
  const { sent, send } = setUp();
  for (let index = 0; index < MAX_OUTSTANDING; index++) void send(NO_WAIT);
  const patient = { maxWaitMs: 60_000, reservedPlaces: 0 };
  const results = ['a', 'b'].map((name) => send(patient, { url: `https://api/${name}` }));
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
  await expect(Promise.all(results)).resolves.toEqual([200, 200]);
});

test('the rate limit holds however fast the answers are', async () => {
  const { state, sent, send } = setUp();
  for (let index = 0; index < MAX_PER_SECOND; index++) {
    state.now = index * 10;
    const results = send(NO_WAIT);
    await settled();
    sent.at(-1)?.answer(200);
    await results;
  }
  await expect(send(NO_WAIT)).resolves.toMatch(/^throttled: 25 requests were sent to this cloud within a second/);
  state.now = 1000;
  void send(NO_WAIT);
  await settled();
  expect(sent).toHaveLength(MAX_PER_SECOND + 1);
});

test('requests with a reserved place leave it to others', async () => {
  const { sent, send } = setUp();
  for (let index = 0; index < MAX_OUTSTANDING; index++) void send({ maxWaitMs: 0, reservedPlaces: 1 });
  await settled();
  expect(sent).toHaveLength(MAX_OUTSTANDING - 1);
  void send(NO_WAIT);
  await settled();
  expect(sent).toHaveLength(MAX_OUTSTANDING);
});

test('a waiting request that is aborted is sent with its aborted signal', async () => {
  const { sent, send } = setUp();
  for (let index = 0; index < MAX_OUTSTANDING; index++) void send(NO_WAIT);
  const stop = new AbortController();
  void send({ maxWaitMs: 60_000, reservedPlaces: 0 }, { signal: stop.signal });
  await settled();
  stop.abort();
  await settled();
  expect(sent.at(-1)?.request.signal.aborted).toBe(true);
});

test('after a 429 nothing is sent to that API until Retry-After has passed, but to other APIs', async () => {
  const { state, sent, send } = setUp();
  const first = send(NO_WAIT);
  await settled();
  sent[0]?.answer(429, { 'retry-after': '10' });
  await expect(first).resolves.toBe(429);
  state.now = 9_999;
  await expect(send(NO_WAIT)).resolves.toBe('throttled: rate limited by HTTP 429, no requests for 10 s');
  void send(NO_WAIT, { url: 'https://api:5000/v3/auth/tokens' });
  state.now = 10_000;
  void send(NO_WAIT);
  await settled();
  expect(sent.map(({ request }) => request.url)).toEqual([
    'https://api:8774/v2.1/servers',
    'https://api:5000/v3/auth/tokens',
    'https://api:8774/v2.1/servers',
  ]);
});

test('services that share a host and port are distinguished by path', async () => {
  const { sent, send } = setUp();
  const first = send(NO_WAIT, { url: 'https://cloud/compute/v2.1/servers' });
  await settled();
  sent[0]?.answer(429, { 'retry-after': '10' });
  await first;
  void send(NO_WAIT, { url: 'https://cloud/image/v2/images' });
  await expect(send(NO_WAIT, { url: 'https://cloud/compute/v2.1/flavors' })).resolves.toMatch(/^throttled/);
  expect(sent).toHaveLength(2);
});

test.each([
  ['has no Retry-After', {}, [5000, 10_000, 20_000, 40_000, 60_000, 60_000]],
  ['asks for 20 s', { 'retry-after': '20' }, [20_000, 20_000, 20_000]],
  ['asks for 0 s', { 'retry-after': '0' }, [1000, 1000]],
  ['asks for a year', { 'retry-after': '31536000' }, [600_000]],
])('a 429 that %s: requests are sent again after the expected time', async (_name, headers, waits) => {
  const { state, sent, send } = setUp();
  for (const wait of waits) {
    const results = send(NO_WAIT);
    await settled();
    sent.at(-1)?.answer(429, headers);
    await expect(results).resolves.toBe(429);
    state.now += wait - 1;
    await expect(send(NO_WAIT)).resolves.toMatch(/^throttled/);
    state.now += 1;
  }
});

test('only an answer to a request sent after the hold resets the backoff', async () => {
  const { state, sent, send } = setUp();
  void send(NO_WAIT);
  void send(NO_WAIT);
  await settled();
  sent[0]?.answer(429);
  await settled();
  await settled();
  sent[1]?.answer(200);
  await settled();
  await expect(send(NO_WAIT)).resolves.toMatch(/^throttled/);
  state.now = 5000;
  void send(NO_WAIT);
  await settled();
  sent[2]?.answer(200);
  await settled();
  void send(NO_WAIT);
  await settled();
  sent[3]?.answer(429);
  await settled();
  await expect(send(NO_WAIT)).resolves.toBe('throttled: rate limited by HTTP 429, no requests for 5 s');
});

const answer = (status: number, headers: Record<string, string> = {}, body = ''): HttpResponse => ({
  ...{ type: 'response', status, headers, body, stages: {}, sentAt: 0, endedAt: 0 },
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
])('Retry-After %j is parsed', (given, headers, expected) => {
  expect(retryAfterMs(answer(429, { 'retry-after': given, ...headers }), { now: () => 0 })).toBe(expected);
});

test.each([
  [429, '', true],
  [413, '{"overLimit": {"code": 413, "message": "This request was rate-limited."}}', true],
  [413, '{"forbidden": {"message": "Quota exceeded for instances: Requested 1"}}', false],
  [503, '', false],
])('status %d with body %s is a rate limit: %s', (status, body, expected) => {
  expect(isRateLimited(answer(status, {}, body))).toBe(expected);
});
