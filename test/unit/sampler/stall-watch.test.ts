import { describe, expect, it } from 'vitest';
import { createStallWatch } from '../../../src/sampler/stall-watch.ts';

const watch = () => createStallWatch({ start: 0, every: 25, limit: 250 });

describe('the stall watch', () => {
  it('reports no stall for beats that are late within the limit, but their lag', () => {
    const stalls = watch();
    expect([25, 60, 300].map((at) => stalls.beat(at))).toEqual([null, null, null]);
    expect(stalls.takeLag()).toBe(215);
    expect(stalls.takeLag()).toBe(0);
  });

  it('reports the time of a stall, and for samples that overlap it', () => {
    const stalls = watch();
    stalls.beat(25);
    expect(stalls.beat(1600)).toEqual({ from: 25, until: 1600 });
    const stall = { kind: 'stalled', from: 25, until: 1600 };
    expect(stalls.during({ from: 0, until: 20 })).toEqual([]);
    expect(stalls.during({ from: 0, until: 30 })).toEqual([stall]);
    expect(stalls.during({ from: 1599, until: 1601 })).toEqual([stall]);
    expect(stalls.during({ from: 1600, until: 1610 })).toEqual([]);
  });

  it('reports all interruptions of a sample that spans several', () => {
    const stalls = watch();
    for (const at of [25, 400, 425, 900, 925]) stalls.beat(at);
    stalls.addInterruption({ kind: 'suspended', from: 910, until: 5000 });
    expect(stalls.during({ from: 0, until: 6000 })).toMatchObject([
      { kind: 'stalled', from: 25, until: 400 },
      { kind: 'stalled', from: 425, until: 900 },
      { kind: 'suspended', from: 910, until: 5000 },
      { kind: 'stalled', from: 925, until: 6000 },
    ]);
  });

  it('reports a stall before its late beat has run', () => {
    const stalls = watch();
    stalls.beat(25);
    expect(stalls.during({ from: 20, until: 1500 })).toEqual([{ kind: 'stalled', from: 25, until: 1500 }]);
  });
});
