import { expect, it } from 'vitest';
import { createConditions } from '../../../src/fake-openstack/faults/faults.ts';

const never = new AbortController().signal;

it('holds until it is said not to', () => {
  const conditions = createConditions<'a' | 'b'>();
  conditions.set('a', false);
  expect([conditions.holds('a'), conditions.holds('b')]).toEqual([false, true]);
});

it('is waited for until all of them hold at once', async () => {
  const conditions = createConditions<'a' | 'b'>();
  conditions.set('a', false);
  conditions.set('b', false);
  let reached = false;
  const wait = conditions.when(['a', 'b'], never).then(() => {
    reached = true;
  });
  conditions.set('a', true);
  conditions.set('a', false);
  conditions.set('b', true);
  await Promise.resolve();
  expect(reached).toBe(false);
  conditions.set('a', true);
  await wait;
  expect(reached).toBe(true);
});

it('is not waited for any more when the signal aborts', async () => {
  const conditions = createConditions<'a'>();
  conditions.set('a', false);
  const stop = new AbortController();
  const wait = conditions.when(['a'], stop.signal);
  stop.abort();
  await expect(wait).rejects.toMatchObject({ name: 'AbortError' });
  await expect(conditions.when([], stop.signal)).rejects.toMatchObject({ name: 'AbortError' });
});
