import { describe, expect, it } from 'vitest';
import { type Clocks, createTimeline } from '../../../src/sampler/clock.ts';

/** A machine whose clocks the test sets. */
function machine() {
  const at = { monotonic: 5000, boot: 5000, wall: 1_000_000 };
  const clocks: Clocks = { monotonic: () => at.monotonic, boot: () => at.boot, wall: () => at.wall };
  const pass = (millis: number) => {
    at.monotonic += millis;
    at.boot += millis;
    at.wall += millis;
  };
  return { at, pass, timeline: createTimeline(clocks, 500) };
}

describe('the timeline', () => {
  it('is anchored to the wall clock at the start', () => {
    const { pass, timeline } = machine();
    pass(1234.5);
    expect(timeline.now()).toBe(1_001_234.5);
    expect(timeline.check()).toBeNull();
  });

  it('is anchored exactly, even if the thread is interrupted between two readings of the clocks', () => {
    const at = { monotonic: 5000, wall: 1_000_000 };
    const interruptions = [0.08, 3, 0, 40, 1, 0.5, 0, 0, 7];
    const pass = () => {
      const millis = interruptions.shift() ?? 0;
      at.monotonic += millis;
      at.wall += millis;
    };
    const read = (value: () => number) => () => {
      const result = value();
      pass();
      return result;
    };
    const clocks = { monotonic: read(() => at.monotonic), wall: read(() => at.wall), boot: () => at.monotonic };
    const timeline = createTimeline(clocks, 500);
    expect(timeline.now() - at.wall).toBeCloseTo(0, 6);
  });

  it.each([3_600_000, -3_600_000])('ignores a wall clock change of %d ms, and reports it once', (jump) => {
    const { at, pass, timeline } = machine();
    pass(100);
    timeline.check();
    pass(50);
    at.wall += jump;
    expect(timeline.now()).toBe(1_000_150);
    expect(timeline.check()).toEqual({ kind: 'clock-step', from: 1_000_100, until: 1_000_150, jump });
    expect(timeline.offset()).toBe(jump);
    pass(50);
    expect(timeline.check()).toBeNull();
    at.wall -= jump;
    expect(timeline.check()).toMatchObject({ kind: 'clock-step', jump: -jump });
    expect(timeline.offset()).toBe(0);
  });

  it('reports no wall clock change below the limit', () => {
    const { at, pass, timeline } = machine();
    pass(50);
    at.wall += 400;
    expect(timeline.check()).toBeNull();
  });

  it('jumps ahead by the time for which the host was suspended', () => {
    const { at, pass, timeline } = machine();
    pass(100);
    timeline.check();
    at.boot += 60_000;
    at.wall += 60_000;
    pass(20);
    expect(timeline.check()).toEqual({ kind: 'suspended', from: 1_000_100, until: 1_060_120, jump: 60_000 });
    expect(timeline.now()).toBe(1_060_120);
    expect(timeline.offset()).toBe(0);
    expect(timeline.check()).toBeNull();
  });
});
