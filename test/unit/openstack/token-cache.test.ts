import { describe, expect, it } from 'vitest';
import type { Token } from '../../../src/openstack/identity/keystone.ts';
import { createTokenCache } from '../../../src/openstack/identity/token-cache.ts';
import type { Result } from '../../../src/openstack/result.ts';

const HOUR = 3_600_000;
const never = new AbortController().signal;

/** A cache with a fake clock and a Keystone that answers when the test lets it. */
function setUp() {
  const state = { now: 0, requests: 0 };
  const clock = { now: () => state.now };
  let waiting = Promise.withResolvers<Result<Token>>();
  const cache = createTokenCache(clock, () => {
    state.requests++;
    waiting = Promise.withResolvers();
    return waiting.promise;
  });
  const timing = () => ({ stages: {}, sentAt: state.now, settledAt: state.now, requestId: null });
  return {
    cache,
    state,
    async issues(id: string, lifetimeMs = HOUR) {
      const value = { id, issuedAt: state.now, lifetimeMs, clockAheadMs: null, catalogue: [], projectId: 'p' };
      waiting.resolve({ type: 'ok', value, ...timing() });
      await new Promise((resolve) => setImmediate(resolve));
    },
    async fails(timedOut = false) {
      const cause = { kind: 'connection-refused', service: 'keystone', message: 'refused' } as const;
      waiting.resolve({ type: 'failed', cause, timedOut, ...timing() });
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const idOf = (result: Result<Token>) => (result.type === 'ok' ? result.value.id : result.cause.kind);

describe('the token cache', () => {
  it('sends one request for all callers', async () => {
    const { cache, issues, state } = setUp();
    const wanted = [cache.get(never), cache.get(never), cache.get(never)];
    await issues('one');
    expect((await Promise.all(wanted)).map(idOf)).toEqual(['one', 'one', 'one']);
    expect(state.requests).toBe(1);
  });

  it('keeps a token until a quarter of its lifetime is left', async () => {
    const { cache, issues, state } = setUp();
    const first = cache.get(never);
    await issues('one');
    await first;
    state.now = 0.74 * HOUR;
    expect(idOf(await cache.get(never))).toBe('one');
    expect(state.requests).toBe(1);
  });

  it('renews a token while the old one is in use', async () => {
    const { cache, issues, state } = setUp();
    const first = cache.get(never);
    await issues('one');
    await first;
    state.now = 0.76 * HOUR;
    expect(idOf(await cache.get(never))).toBe('one');
    expect(idOf(await cache.get(never))).toBe('one');
    expect(state.requests).toBe(2);
    await issues('two');
    expect(idOf(await cache.get(never))).toBe('two');
    expect(state.requests).toBe(2);
  });

  it('uses a token that cannot be renewed until it expires, with an attempt every 5 s', async () => {
    const { cache, issues, fails, state } = setUp();
    const first = cache.get(never);
    await issues('one');
    await first;
    state.now = 0.8 * HOUR;
    await cache.get(never);
    await fails();
    await cache.get(never);
    expect(state.requests).toBe(2);
    state.now += 5001;
    expect(idOf(await cache.get(never))).toBe('one');
    expect(state.requests).toBe(3);
    await fails();
    state.now = HOUR - 4000;
    const last = cache.get(never);
    await fails();
    expect(await last).toMatchObject({ type: 'failed', cause: { kind: 'connection-refused', service: 'keystone' } });
  });

  it('replaces a rejected token once for all callers', async () => {
    const { cache, issues, state } = setUp();
    const first = cache.get(never);
    await issues('one');
    const token = await first;
    if (token.type !== 'ok') throw new Error('no token');
    const renewed = [cache.renew(token.value, never), cache.renew(token.value, never)];
    await issues('two');
    expect((await Promise.all(renewed)).map(idOf)).toEqual(['two', 'two']);
    expect(idOf(await cache.renew(token.value, never))).toBe('two');
    expect(state.requests).toBe(2);
  });

  it('ends the wait of one caller at its shutdown, but not that of others', async () => {
    const { cache, issues } = setUp();
    const shutdown = new AbortController();
    const [aborted, other] = [cache.get(shutdown.signal), cache.get(never)];
    shutdown.abort();
    expect(await aborted).toMatchObject({ type: 'void', cause: { kind: 'shutdown' } });
    await issues('one');
    expect(idOf(await other)).toBe('one');
  });

  it('reports when each caller started to wait, not when the request was sent', async () => {
    const { cache, fails, state } = setUp();
    const first = cache.get(never);
    state.now = 9000;
    const late = cache.get(never);
    state.now = 10_000;
    await fails(true);
    expect(await first).toMatchObject({ sentAt: 0, settledAt: 10_000, timedOut: true });
    expect(await late).toMatchObject({ sentAt: 9000, settledAt: 10_000, timedOut: true });
  });
});
