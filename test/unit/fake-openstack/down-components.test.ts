import { expect, it } from 'vitest';
import { createDownComponents } from '../../../src/fake-openstack/faults/down-components.ts';

const never = new AbortController().signal;

it('has a fault only after it was added', () => {
  const downComponents = createDownComponents<'a' | 'b'>();
  downComponents.add('a');
  expect([downComponents.has('a'), downComponents.has('b')]).toEqual([true, false]);
});

it('whenClear resolves once none of the components is down at the same time', async () => {
  const downComponents = createDownComponents<'a' | 'b'>();
  downComponents.add('a');
  downComponents.add('b');
  let resolved = false;
  const wait = downComponents.whenClear(['a', 'b'], never).then(() => {
    resolved = true;
  });
  downComponents.clear('a');
  downComponents.add('a');
  downComponents.clear('b');
  await Promise.resolve();
  expect(resolved).toBe(false);
  downComponents.clear('a');
  await wait;
  expect(resolved).toBe(true);
});

it('whenClear rejects when the signal aborts', async () => {
  const downComponents = createDownComponents<'a'>();
  downComponents.add('a');
  const stop = new AbortController();
  const wait = downComponents.whenClear(['a'], stop.signal);
  stop.abort();
  await expect(wait).rejects.toMatchObject({ name: 'AbortError' });
  await expect(downComponents.whenClear([], stop.signal)).rejects.toMatchObject({ name: 'AbortError' });
});
