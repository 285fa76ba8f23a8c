import { describe, expect, it } from 'vitest';
import type { Token } from '../../../src/openstack/identity/keystone.ts';
import { createTokenKeeper } from '../../../src/openstack/identity/token-keeper.ts';
import type { Result } from '../../../src/openstack/result.ts';

const HOUR = 3_600_000;
const never = new AbortController().signal;

/** A keeper under a clock of the test's, and a Keystone that answers when told to. */
function keeper() {
  const state = { now: 0, asked: 0 };
  const clock = { now: () => state.now };
  let waiting = Promise.withResolvers<Result<Token>>();
  const keep = createTokenKeeper(clock, () => {
    state.asked++;
    waiting = Promise.withResolvers();
    return waiting.promise;
  });
  const timing = () => ({ stages: {}, sentAt: state.now, settledAt: state.now, requestId: null });
  return {
    keep,
    state,
    async issues(id: string, lifetime = HOUR) {
      const value = { id, issuedAt: state.now, lifetime, ahead: null, catalogue: [], projectId: 'p' };
      waiting.resolve({ type: 'ok', value, ...timing() });
      await new Promise((resolve) => setImmediate(resolve));
    },
    async fails(hung = false) {
      const cause = { kind: 'connection-refused', service: 'keystone', message: 'refused' } as const;
      waiting.resolve({ type: 'failed', cause, hung, ...timing() });
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const idOf = (result: Result<Token>) => (result.type === 'ok' ? result.value.id : result.cause.kind);

describe('the token of a cloud', () => {
  it('is asked for once, however many want it', async () => {
    const { keep, issues, state } = keeper();
    const wanted = [keep.get(never), keep.get(never), keep.get(never)];
    await issues('one');
    expect((await Promise.all(wanted)).map(idOf)).toEqual(['one', 'one', 'one']);
    expect(state.asked).toBe(1);
  });

  it('is kept until a quarter of its life is left', async () => {
    const { keep, issues, state } = keeper();
    const first = keep.get(never);
    await issues('one');
    await first;
    state.now = 0.74 * HOUR;
    expect(idOf(await keep.get(never))).toBe('one');
    expect(state.asked).toBe(1);
  });

  it('is renewed while the old one does', async () => {
    const { keep, issues, state } = keeper();
    const first = keep.get(never);
    await issues('one');
    await first;
    state.now = 0.76 * HOUR;
    expect(idOf(await keep.get(never))).toBe('one');
    expect(idOf(await keep.get(never))).toBe('one');
    expect(state.asked).toBe(2);
    await issues('two');
    expect(idOf(await keep.get(never))).toBe('two');
    expect(state.asked).toBe(2);
  });

  it('that cannot be renewed does until its end, with a try every 5 s', async () => {
    const { keep, issues, fails, state } = keeper();
    const first = keep.get(never);
    await issues('one');
    await first;
    state.now = 0.8 * HOUR;
    await keep.get(never);
    await fails();
    await keep.get(never);
    expect(state.asked).toBe(2);
    state.now += 5001;
    expect(idOf(await keep.get(never))).toBe('one');
    expect(state.asked).toBe(3);
    await fails();
    state.now = HOUR - 4000;
    const last = keep.get(never);
    await fails();
    expect(await last).toMatchObject({ type: 'failed', cause: { kind: 'connection-refused', service: 'keystone' } });
  });

  it('that a service refuses is replaced once, for all who had it refused', async () => {
    const { keep, issues, state } = keeper();
    const first = keep.get(never);
    await issues('one');
    const token = await first;
    if (token.type !== 'ok') throw new Error('no token');
    const renewed = [keep.renew(token.value, never), keep.renew(token.value, never)];
    await issues('two');
    expect((await Promise.all(renewed)).map(idOf)).toEqual(['two', 'two']);
    expect(idOf(await keep.renew(token.value, never))).toBe('two');
    expect(state.asked).toBe(2);
  });

  it('is waited for no longer than until our shutdown, which does not take it from the others', async () => {
    const { keep, issues } = keeper();
    const shutdown = new AbortController();
    const [mine, theirs] = [keep.get(shutdown.signal), keep.get(never)];
    shutdown.abort();
    expect(await mine).toMatchObject({ type: 'void', cause: { kind: 'shutdown' } });
    await issues('one');
    expect(idOf(await theirs)).toBe('one');
  });

  it('says of who waited when they wanted it, not when it was asked for', async () => {
    const { keep, fails, state } = keeper();
    const first = keep.get(never);
    state.now = 9000;
    const late = keep.get(never);
    state.now = 10_000;
    await fails(true);
    expect(await first).toMatchObject({ sentAt: 0, settledAt: 10_000, hung: true });
    expect(await late).toMatchObject({ sentAt: 9000, settledAt: 10_000, hung: true });
  });
});
