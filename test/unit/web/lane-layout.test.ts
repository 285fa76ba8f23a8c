import { describe, expect, it } from 'vitest';
import { reportData } from '../../../src/report/json.ts';
import { laneAt, layoutOf } from '../../../src/web/lane-layout.ts';
import { packTasks, readReport, type Scene, sceneOf } from '../../../src/web/scene.ts';
import { createStore } from '../../../src/web/state.ts';
import { LIST_KEPT, LIST_NEW, report, summary, TOKEN } from '../../support/live.ts';
import { phaseVerdict } from '../../support/verdicts.ts';

const CLOUDS = ['a', 'b', 'c'];
const SERIES = [LIST_NEW, LIST_KEPT, TOKEN];

function sceneWith(clouds: readonly string[], { narrow = false } = {}): Scene {
  const probes = clouds.flatMap((cloud) => SERIES.map((series) => summary({ series: { ...series, cloud } })));
  const some = report({
    run: { ...report().run, clouds },
    probes,
    verdict: { plan: 'p', phases: [phaseVerdict()] },
  });
  return sceneOf(readReport(reportData(some)), createStore().get(), { rows: packTasks([]), narrow, now: 0 });
}

/** Returns the lanes that the pointer is on, from the top of the pane to its bottom. */
function lanesFrom(scene: Scene): readonly string[] {
  const { lanes, end } = layoutOf(scene);
  const names = Array.from({ length: end }, (_, y) => laneAt(lanes, y)?.name ?? 'none');
  return names.filter((name, index) => name !== names[index - 1]);
}

describe('the lanes of the timeline', () => {
  const single = ['server-list new', 'server-list reused', 'token'];

  it.each([[false], [true]])('are found in order, even if there is little room (%s)', (narrow) => {
    expect(lanesFrom(sceneWith(['a'], { narrow }))).toEqual(['none', ...single]);
  });

  it('are all found when they are grouped by cloud', () => {
    const expected = CLOUDS.flatMap((cloud) => single.map((name) => `${cloud} ${name}`));
    expect(lanesFrom(sceneWith(CLOUDS))).toEqual(['none', ...expected]);
  });

  it('share the name of their cloud when they are grouped, and need less room', () => {
    const { names, end } = layoutOf(sceneWith(CLOUDS));
    expect(names.map(({ text }) => text)).toEqual(['phases', 'a', 'b', 'c']);
    expect(end).toBeLessThan(layoutOf(sceneWith(['a'])).end * 1.5);
  });
});
