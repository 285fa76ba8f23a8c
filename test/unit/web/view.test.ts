import { describe, expect, it } from 'vitest';
import {
  type Extent,
  panBy,
  type Range,
  showEnd,
  showStart,
  viewOf,
  WHOLE,
  wholeOf,
  zoomAround,
  zoomTo,
} from '../../../src/web/view.ts';

const HOUR = 3_600_000;
const ENDED: Extent = { from: 0, until: HOUR, running: false };
const RUNNING: Extent = { ...ENDED, running: true };
/** The same run a minute later. */
const LATER: Extent = { ...RUNNING, until: HOUR + 60_000 };
const LAST_15: Range = { kind: 'last', millis: 900_000 };

describe('the visible part of the timeline', () => {
  it('is slightly more than the whole run, and at least ten seconds', () => {
    expect(wholeOf({ from: 0, until: 100_000 })).toEqual({ from: -1000, until: 102_000 });
    expect(wholeOf({ from: 0, until: 10 })).toEqual({ from: -100, until: 10_200 });
    expect(viewOf(WHOLE, LATER)).toEqual(wholeOf(LATER));
  });

  it('follows the run when the last minutes are chosen', () => {
    expect(viewOf(LAST_15, RUNNING)).toEqual({ from: HOUR + 18_000 - 900_000, until: HOUR + 18_000 });
    const moved = viewOf(LAST_15, LATER).until - viewOf(LAST_15, RUNNING).until;
    expect(moved).toBe(60_000);
  });

  it('is the whole run while the run is shorter than the last minutes', () => {
    expect(viewOf(LAST_15, { from: 0, until: 60_000, running: true })).toEqual(wholeOf({ from: 0, until: 60_000 }));
  });

  it('does not move when it was fixed', () => {
    const fixed = { kind: 'fixed', from: 1000, until: 61_000 } as const;
    expect(viewOf(fixed, LATER)).toEqual({ from: 1000, until: 61_000 });
  });

  it('keeps the time under the pointer when zoomed', () => {
    const view = { from: 0, until: HOUR };
    const near = zoomAround(view, ENDED, { factor: 0.5, at: 900_000 });
    expect(near).toEqual({ kind: 'fixed', from: 450_000, until: 2_250_000 });
    expect(zoomAround(viewOf(near, ENDED), ENDED, { factor: 3, at: 900_000 })).toEqual(WHOLE);
  });

  it('is never shorter than half a second, and never outside the run', () => {
    expect(zoomTo({ from: 1000, until: 1001 }, ENDED)).toEqual({ kind: 'fixed', from: 1000, until: 1500 });
    expect(zoomTo({ from: -50_000, until: -49_000 }, ENDED)).toEqual({ kind: 'fixed', from: -36_000, until: -35_000 });
    expect(viewOf({ kind: 'fixed', from: 2 * HOUR, until: 2 * HOUR + 100_000 }, ENDED)).toEqual({
      from: HOUR - 98_000,
      until: HOUR + 2000,
    });
  });

  it('is the whole run again when zoomed out far enough', () => {
    expect(zoomTo({ from: -100_000, until: HOUR + 100_000 }, ENDED)).toEqual(WHOLE);
  });

  it('follows an active run once it reaches the end of it, by panning, by zooming or by key', () => {
    const view = { from: HOUR - 200_000, until: HOUR - 100_000 };
    const last = { kind: 'last', millis: 100_000 };
    expect(panBy(view, RUNNING, 0.5)).toMatchObject({ kind: 'fixed' });
    expect(panBy(view, RUNNING, 1)).toEqual(last);
    expect(zoomTo({ from: HOUR - 60_000, until: HOUR + 1 }, RUNNING)).toMatchObject({ kind: 'last', millis: 60_001 });
    expect(showEnd(view, RUNNING)).toEqual(last);
    expect(showEnd(view, ENDED)).toEqual({ kind: 'fixed', from: HOUR - 98_000, until: HOUR + 2000 });
  });

  it('keeps following when it is zoomed at its right edge', () => {
    const view = viewOf(LAST_15, RUNNING);
    expect(zoomAround(view, RUNNING, { factor: 0.5, at: view.until })).toEqual({ kind: 'last', millis: 450_000 });
  });

  it('stops following when it is panned back or shows the start', () => {
    const view = viewOf(LAST_15, RUNNING);
    expect(panBy(view, RUNNING, -0.2)).toEqual({
      kind: 'fixed',
      from: view.from - 180_000,
      until: view.until - 180_000,
    });
    expect(showStart(view, RUNNING)).toEqual({ kind: 'fixed', from: -36_000, until: 864_000 });
  });
});
