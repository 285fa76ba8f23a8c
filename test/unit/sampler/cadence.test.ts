import { describe, expect, it } from 'vitest';
import { dueAt, phase, serve, slotFrom } from '../../../src/sampler/cadence.ts';

const CADENCE = { start: 1000, interval: 250 };

describe('the cadence', () => {
  it.each([
    { at: 0, slot: 0 },
    { at: 1000, slot: 0 },
    { at: 1000.1, slot: 1 },
    { at: 1250, slot: 1 },
    { at: 2000, slot: 4 },
  ])('has slot $slot as the first one from $at on', ({ at, slot }) => {
    expect(slotFrom(CADENCE, at)).toBe(slot);
  });

  it('does not drift: the millionth slot is due where arithmetic says', () => {
    expect(dueAt(CADENCE, 1_000_000)).toBe(250_001_000);
  });

  it.each([
    { now: 1500, served: 2, missed: 0 },
    { now: 1749, served: 2, missed: 0 },
    { now: 1750, served: 3, missed: 1 },
    { now: 2600, served: 6, missed: 4 },
  ])('serves slot $served when woken for slot 2 at $now, with $missed missed', ({ now, served, missed }) => {
    expect(serve(CADENCE, 2, now)).toEqual({ slot: served, missed });
  });

  it('spreads four series over a second', () => {
    expect([0, 1, 2, 3].map((index) => phase(1000, index, 4))).toEqual([0, 250, 500, 750]);
  });
});
