import { expect, it } from 'vitest';
import { createFaults } from '../../../src/fake-openstack/faults/faults.ts';

const never = new AbortController().signal;

it('has a fault only after it was added', () => {
  const faults = createFaults<'a' | 'b'>();
  faults.add('a');
  expect([faults.has('a'), faults.has('b')]).toEqual([true, false]);
});

it('whenClear resolves once none of the faults is present at the same time', async () => {
  const faults = createFaults<'a' | 'b'>();
  faults.add('a');
  faults.add('b');
  let resolved = false;
  const wait = faults.whenClear(['a', 'b'], never).then(() => {
    resolved = true;
  });
  faults.clear('a');
  faults.add('a');
  faults.clear('b');
  await Promise.resolve();
  expect(resolved).toBe(false);
  faults.clear('a');
  await wait;
  expect(resolved).toBe(true);
});

it('whenClear rejects when the signal aborts', async () => {
  const faults = createFaults<'a'>();
  faults.add('a');
  const stop = new AbortController();
  const wait = faults.whenClear(['a'], stop.signal);
  stop.abort();
  await expect(wait).rejects.toMatchObject({ name: 'AbortError' });
  await expect(faults.whenClear([], stop.signal)).rejects.toMatchObject({ name: 'AbortError' });
});
