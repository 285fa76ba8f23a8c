import { setImmediate as settled } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ProbeResult } from '../../../src/domain/probe.ts';
import type { HttpResult } from '../../../src/openstack/http/http-message.ts';
import { pilot } from '../../../src/probes/pilot.ts';

const VERSIONS = '{"versions": []}';

/** A pilot of an API that answers when the test lets it. */
function setUp(url: string | null = 'http://api/') {
  const state = { now: 0, url };
  let recoveries = 0;
  const requests: { readonly isAborted: () => boolean; answer(result: Partial<HttpResult> | 'ok'): Promise<void> }[] =
    [];
  const probe = pilot(
    {
      clock: { now: () => state.now },
      versionsUrl: () => state.url,
      openUngated: () => ({
        close() {},
        send({ signal }) {
          const sentAt = state.now;
          const { promise, resolve } = Promise.withResolvers<HttpResult>();
          const base = { stages: {}, sentAt };
          signal.addEventListener('abort', () =>
            resolve({ ...base, type: 'failure', kind: 'shutdown', message: '', status: null, endedAt: state.now }),
          );
          requests.push({
            isAborted: () => signal.aborted,
            answer: async (result) => {
              const ok = { type: 'response', status: 200, headers: {}, body: VERSIONS } as const;
              const failure = {
                type: 'failure',
                kind: 'connection-refused',
                message: 'refused',
                status: null,
              } as const;
              const given = result === 'ok' ? ok : { ...(result.type === 'response' ? ok : failure), ...result };
              resolve({ ...base, ...given, endedAt: state.now } as HttpResult);
              await settled();
            },
          });
          return promise;
        },
      }),
    },
    { cloud: 'cloud', vantage: 'here' },
    {
      interval: 100,
      slow: 1000,
      timeout: 10_000,
      afterFailure: { interval: 30, limit: 60_000 },
    },
  );
  probe.onRecovery?.(() => recoveries++);
  const context = { signal: new AbortController().signal, clock: { now: () => state.now }, progress: () => {} };
  /** Sends a sample at a time. */
  const ask = (at: number): Promise<ProbeResult> => {
    state.now = at;
    return probe.run(context);
  };
  const isBusyAt = (at: number): boolean => {
    state.now = at;
    return probe.isBusy?.() ?? false;
  };
  return { state, probe, requests, ask, isBusyAt, recoveries: () => recoveries };
}

const summary = (result: ProbeResult): string =>
  `${result.outcome}${result.cause === null ? '' : ` ${result.cause.kind}`}`;

describe('the pilot', () => {
  it.each([
    ['a version document', { type: 'response', status: 300 }, 'ok'],
    [
      'a 404 of the service',
      { type: 'response', status: 404, body: '{"itemNotFound": {"code": 404, "message": ""}}' },
      'ok',
    ],
    [
      "HAProxy's 503",
      {
        type: 'response',
        status: 503,
        body: '<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>',
      },
      'failed http-503',
    ],
    ['a page of another service', { type: 'response', body: '<html></html>' }, 'failed invalid-body'],
    ['too many requests', { type: 'response', status: 429 }, 'void rate-limited'],
    ['a refused connection', { type: 'failure' }, 'failed connection-refused'],
  ] as const)('takes %s for what it is', async (_, answer, expected) => {
    const { requests, ask } = setUp();
    const first = ask(0);
    await requests[0]?.answer('ok');
    await first;
    const second = ask(100);
    await requests[1]?.answer(answer);
    expect(summary(await second)).toBe(expected);
  });

  it('proves nothing until it has been answered once, or while the address is unknown', async () => {
    const { state, requests, ask } = setUp(null);
    expect(summary(await ask(0))).toBe('void unproven');
    state.url = 'http://api/';
    const refused = ask(100);
    await requests[0]?.answer({ type: 'failure' });
    expect(summary(await refused)).toBe('void unproven');
  });

  it('has at most two requests in flight, and replaces the newer one less and less often', async () => {
    const { requests, ask, isBusyAt } = setUp();
    const first = ask(0);
    await requests[0]?.answer('ok');
    await first;
    const hung = [ask(100), ask(200)];
    expect([isBusyAt(300), isBusyAt(399), isBusyAt(400)]).toEqual([true, true, false]);
    hung.push(ask(400));
    expect(requests.map(({ isAborted }) => isAborted())).toEqual([false, false, true, false]);
    expect([isBusyAt(599), isBusyAt(600)]).toEqual([true, false]);
    hung.push(ask(2400));
    expect([isBusyAt(2650), isBusyAt(2660)]).toEqual([true, false]);
    for (const request of requests.slice(1)) await request.answer({ type: 'failure', kind: 'response-timeout' });
    await Promise.all(hung);
  });

  it('fails what it gave up if the older request fails, and knows nothing of it otherwise', async () => {
    const timedOut = { type: 'failure', kind: 'response-timeout', message: 'no answer' } as const;
    for (const [answer, expected] of [
      [timedOut, 'failed response-timeout'],
      ['ok', 'void superseded'],
    ] as const) {
      const { state, requests, ask } = setUp();
      const first = ask(0);
      await requests[0]?.answer('ok');
      await first;
      const [older, givenUp, newest] = [ask(100), ask(200), ask(400)];
      state.now = 5000;
      await requests[3]?.answer('ok');
      await requests[1]?.answer(answer);
      expect(summary(await newest)).toBe('ok');
      expect(summary(await older)).toBe(answer === 'ok' ? 'ok' : expected);
      const shared = await givenUp;
      expect(summary(shared)).toBe(expected);
      if (shared.outcome === 'failed') expect([shared.failureStartedAt, shared.timedOut]).toEqual([200, true]);
    }
  });

  it('reports a recovery after a failure or a hang, once', async () => {
    const { state, probe, requests, ask, recoveries } = setUp();
    const answers = ['ok', 'ok', { type: 'failure' }, { type: 'failure' }, 'ok', 'ok'] as const;
    const seen: (readonly [boolean | undefined, number])[] = [];
    for (const [index, answer] of answers.entries()) {
      const sample = ask(100 * index);
      await requests[index]?.answer(answer);
      await sample;
      seen.push([probe.isFailing?.(), recoveries()]);
    }
    expect(seen).toEqual([
      [false, 0],
      [false, 0],
      [true, 0],
      [true, 0],
      [false, 1],
      [false, 1],
    ]);
    const hung = ask(1000);
    const next = ask(1600);
    state.now = 1610;
    await requests[7]?.answer('ok');
    await next;
    expect(recoveries()).toBe(2);
    // The request that hung says nothing any more.
    const later = ask(2200);
    await requests[8]?.answer('ok');
    await later;
    expect(recoveries()).toBe(2);
    await requests[6]?.answer('ok');
    await hung;
  });
});
