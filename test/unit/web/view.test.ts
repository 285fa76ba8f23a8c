import { describe, expect, it } from 'vitest';
import { panBy, wholeOf, zoomAround, zoomTo } from '../../../src/web/view.ts';

const WHOLE = { from: 0, until: 3_600_000 };

describe('the visible part of the timeline', () => {
  it('is slightly more than the whole run, and at least ten seconds', () => {
    expect(wholeOf({ from: 0, until: 100_000 })).toEqual({ from: -1000, until: 102_000 });
    expect(wholeOf({ from: 0, until: 10 })).toEqual({ from: -100, until: 10_200 });
  });

  it('keeps the time under the pointer when zoomed', () => {
    const near = zoomAround(WHOLE, WHOLE, { factor: 0.5, at: 900_000 });
    expect(near).toEqual({ from: 450_000, until: 2_250_000 });
    expect(zoomAround(near ?? WHOLE, WHOLE, { factor: 2, at: 900_000 })).toBeNull();
  });

  it('is never shorter than half a second, and never outside the run', () => {
    expect(zoomTo({ from: 1000, until: 1001 }, WHOLE)).toEqual({ from: 1000, until: 1500 });
    expect(zoomTo({ from: -500, until: 500 }, WHOLE)).toEqual({ from: 0, until: 1000 });
    expect(panBy({ from: 3_500_000, until: 3_600_000 }, WHOLE, 0.5)).toEqual({ from: 3_500_000, until: 3_600_000 });
  });

  it('is the whole run again when zoomed out far enough', () => {
    expect(zoomTo({ from: -10, until: 3_600_001 }, WHOLE)).toBeNull();
  });
});
