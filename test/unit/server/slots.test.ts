import { expect, it } from 'vitest';
import { createSlots, type Slots } from '../../../src/server/limits.ts';

/** Takes slots; `dropped` contains the names of clients that lost theirs. */
const taker = (slots: Slots) => {
  const dropped: string[] = [];
  const take = (name: string, address: string, burden = 0) =>
    slots.take({ address, burden: () => burden, drop: () => dropped.push(name) });
  return { dropped, take };
};

it('drops the oldest holder at an address that has too many', () => {
  const { dropped, take } = taker(createSlots({ total: 10, perAddress: 2 }));
  for (const name of ['a1', 'a2', 'a3']) take(name, 'a');
  take('b1', 'b');
  take('a4', 'a');
  expect(dropped).toEqual(['a1', 'a2']);
});

it('drops the holder with the highest burden before an older holder, whatever its address', () => {
  const slots = createSlots({ total: 3, perAddress: 3 });
  const { dropped, take } = taker(slots);
  take('old', 'a');
  take('slow', 'b', 10);
  take('slower', 'c', 20);
  take('new', 'd');
  take('newer', 'e');
  take('newest', 'f');
  expect(dropped).toEqual(['slower', 'slow', 'old']);
  expect(slots.held()).toBe(3);
});

it('has a free slot after a release, even if the holder was dropped before', () => {
  const slots = createSlots({ total: 1, perAddress: 1 });
  const { dropped, take } = taker(slots);
  const release = take('a', 'a');
  const other = take('b', 'b');
  release();
  expect([dropped, slots.held()]).toEqual([['a'], 1]);
  other();
  take('c', 'c');
  expect([dropped, slots.held()]).toEqual([['a'], 1]);
});
