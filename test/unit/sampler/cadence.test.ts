import { describe, expect, it } from 'vitest';
import { dueAt, firstSlotFrom, slotToServe, staggerOffset } from '../../../src/sampler/cadence.ts';

const CADENCE = { start: 1000, interval: 250 };

describe('the cadence', () => {
  it.each([
    { at: 0, slot: 0 },
    { at: 1000, slot: 0 },
    { at: 1000.1, slot: 1 },
    { at: 1250, slot: 1 },
    { at: 2000, slot: 4 },
  ])('has $slot as the first slot from $at on', ({ at, slot }) => {
    expect(firstSlotFrom(CADENCE, at)).toBe(slot);
  });

  it('does not drift, even after a million slots', () => {
    expect(dueAt(CADENCE, 1_000_000)).toBe(250_001_000);
  });

  it.each([
    { now: 1500, served: 2, missed: 0 },
    { now: 1749, served: 2, missed: 0 },
    { now: 1750, served: 3, missed: 1 },
    { now: 2600, served: 6, missed: 4 },
  ])('serves slot $served and misses $missed when woken for slot 2 at $now', ({ now, served, missed }) => {
    expect(slotToServe(CADENCE, 2, now)).toEqual({ slot: served, missed });
  });

  it('staggers four series evenly over a second', () => {
    expect([0, 1, 2, 3].map((index) => staggerOffset(1000, index, 4))).toEqual([0, 250, 500, 750]);
  });
});
