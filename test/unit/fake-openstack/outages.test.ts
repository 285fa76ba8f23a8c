import { expect, it } from 'vitest';
import { createOutages } from '../../../src/fake-openstack/faults/outages.ts';

const never = new AbortController().signal;

it('has a fault only after it was added', () => {
  const outages = createOutages<'a' | 'b'>();
  outages.add('a');
  expect([outages.has('a'), outages.has('b')]).toEqual([true, false]);
});

it('whenClear resolves once none of the components is down at the same time', async () => {
  const outages = createOutages<'a' | 'b'>();
  outages.add('a');
  outages.add('b');
  let resolved = false;
  const wait = outages.whenClear(['a', 'b'], never).then(() => {
    resolved = true;
  });
  outages.clear('a');
  outages.add('a');
  outages.clear('b');
  await Promise.resolve();
  expect(resolved).toBe(false);
  outages.clear('a');
  await wait;
  expect(resolved).toBe(true);
});

it('whenClear rejects when the signal aborts', async () => {
  const outages = createOutages<'a'>();
  outages.add('a');
  const stop = new AbortController();
  const wait = outages.whenClear(['a'], stop.signal);
  stop.abort();
  await expect(wait).rejects.toMatchObject({ name: 'AbortError' });
  await expect(outages.whenClear([], stop.signal)).rejects.toMatchObject({ name: 'AbortError' });
});
