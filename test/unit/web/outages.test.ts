import { describe, expect, it } from 'vitest';
import { toApiWindow } from '../../../src/api/window.ts';
import { reportData } from '../../../src/report/json.ts';
import { affected, outagesOf } from '../../../src/web/outages.ts';
import { around, BEGAN, BOOT, LIST_KEPT, LIST_NEW, report, window } from '../../support/live.ts';

/** A down window between two seconds of the run, each within half a second. */
const between = (from: number, until: number, series = LIST_NEW) =>
  toApiWindow(
    window({
      id: `${series.probe} ${from}`,
      series,
      start: around(from),
      end: around(until),
      duration: { min: until - from - 1, estimate: until - from, max: until - from + 1 },
    }),
  );

describe('outages', () => {
  it.each([
    ['apart', [between(10, 20), between(21, 30)], [1, 1]],
    ['that touch', [between(10, 20), between(20, 30, BOOT)], [2]],
    ['that overlap', [between(10, 20), between(15, 30, BOOT)], [2]],
    ['within another', [between(10, 60), between(15, 20, BOOT), between(50, 70, LIST_KEPT)], [3]],
    ['in any order', [between(50, 60), between(10, 20), between(15, 52, BOOT)], [3]],
  ] as const)('are united from windows %s', (_, windows, sizes) => {
    expect(outagesOf(windows).map((outage) => outage.windows.length)).toEqual(sizes);
  });

  it('last from the first start to the last end, with bounds that contain the truth', () => {
    const [outage] = outagesOf([between(10, 20), between(15, 30, BOOT)]);
    expect(outage?.from).toBe(BEGAN + 10_000);
    expect(outage?.until).toBe(BEGAN + 30_000);
    expect(outage?.durationSeconds).toEqual({ min: 14, estimate: 20, max: 21 });
  });

  it('have the bounds of their only window', () => {
    expect(outagesOf([between(10, 20)])[0]?.durationSeconds).toEqual({ min: 9, estimate: 10, max: 11 });
  });

  it('are open as long as one of their windows is', () => {
    const open = toApiWindow(window({ start: around(15), end: null, duration: { min: 4, estimate: 5, max: 6 } }));
    expect(outagesOf([between(10, 18), open])).toMatchObject([{ isOpen: true, until: BEGAN + 20_000 }]);
  });

  it('leave slow windows out', () => {
    expect(outagesOf([toApiWindow(window({ kind: 'degraded' }))])).toEqual([]);
  });

  it('say what was affected, and on which clouds if there are several', () => {
    const [outage] = outagesOf([between(10, 20), between(11, 20, LIST_KEPT), between(12, 20, BOOT)]);
    if (outage === undefined) throw new Error('no outage');
    expect(affected(outage, reportData(report()))).toBe('API, boot');
    const two = report({ run: { ...report().run, clouds: ['prod', 'staging'] } });
    expect(affected(outage, reportData(two))).toBe('prod: API, boot');
  });
});
