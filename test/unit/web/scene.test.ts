import { describe, expect, it } from 'vitest';
import { createDrawing } from '../../../src/api/drawing.ts';
import type { Report } from '../../../src/domain/run/report.ts';
import { reportData } from '../../../src/report/json.ts';
import { addSamples } from '../../../src/web/samples.ts';
import { packTasks, readReport, type Scene, sceneOf } from '../../../src/web/scene.ts';
import { createStore, nowOf } from '../../../src/web/state.ts';
import { readTasks } from '../../../src/web/tasks.ts';
import { BEGAN, ofListNew, report, window } from '../../support/live.ts';
import { okSample } from '../../support/samples.ts';
import { phaseVerdict } from '../../support/verdicts.ts';

const DAY = 86_400_000;
const ENDED = BEGAN + 750_000;

/** The scene of a report file that is opened a day later. */
function sceneInFile(some: Report): Scene {
  const drawing = createDrawing(some);
  drawing.add(ofListNew(okSample({ seq: 0, at: BEGAN + 1000 }, 40)));
  drawing.add(ofListNew(okSample({ seq: 1, at: ENDED - 2000 }, 40)));
  const store = createStore();
  const { chart, tasks } = drawing.finish();
  addSamples(store.get().samples, chart);
  store.set({ link: { kind: 'file' }, report: reportData(some), tasks: readTasks(tasks) });
  const state = store.get();
  const read = readReport(reportData(some));
  return sceneOf(read, state, { rows: packTasks(state.tasks), now: nowOf(state, ENDED + DAY) });
}

describe('a report file that is opened a day later', () => {
  const running = report({
    run: { ...report().run, running: true },
    windows: [window({ end: null, provisional: true })],
    verdict: { plan: 'p', result: 'pass', phases: [phaseVerdict({ running: true })] },
  });

  it('ends with what was observed, even if the run was still active', () => {
    for (const some of [report(), running]) {
      const { until, running: grows, phases } = sceneInFile(some);
      expect(until).toBe(ENDED);
      expect(grows).toBe(false);
      expect(phases.flatMap(({ intervals }) => intervals).filter(({ until }) => until > ENDED)).toEqual([]);
    }
  });

  it('shows a series as up only as far as its samples go', () => {
    expect(sceneInFile(running).lanes.map(({ knownUntil }) => knownUntil - ENDED)).toEqual([expect.closeTo(-1960, 1)]);
  });

  it('shows a run that has ended completely, with unobserved time as gaps', () => {
    expect(sceneInFile(report()).lanes.map(({ knownUntil }) => knownUntil)).toEqual([ENDED]);
  });
});

it('a page of a daemon follows the clock of the daemon, however wrong that of the browser is', () => {
  const state = { ...createStore().get(), link: { kind: 'live' } as const, ahead: -5000 };
  expect(nowOf(state, ENDED)).toBe(ENDED - 5000);
});
