import { isOutage } from '../domain/downtime/window.ts';
import { RESULT_WORDS } from '../format/budgets.ts';
import { causeLabel } from '../format/causes.ts';
import { duration, errorBar, shareText } from '../format/quantities.ts';
import { WINDOW_WORDS } from '../format/run-labels.ts';
import type { Hit, HitTimes, Pointer } from './pane.ts';
import type { Scene, SeriesLane, WindowBand } from './scene.ts';
import { firstTaskAfter, type TaskBar } from './tasks.ts';

/** How many tasks before the pointer are searched for the one under it. It is not found if more have started since. */
const MAX_SEARCHED_TASKS = 400;

/** Finds the phase under the pointer. */
export function hitPhase({ at }: Pointer, { phases }: Scene, { time }: HitTimes): Hit | null {
  for (const { name, promise, result, intervals } of phases.toReversed()) {
    const found = intervals.find(({ from, until }) => from <= at && at <= until);
    if (found === undefined) continue;
    const state = result === null ? '' : `: ${RESULT_WORDS[result]}`;
    return { lines: [`phase ${name}${state}`, promise, `${time(found.from)} to ${time(found.until)}`] };
  }
  return null;
}

/** Finds the task under the pointer. `y` is in task rows. */
export function hitTask({ at, slack, y }: Pointer, scene: Scene, times: HitTimes): Hit | null {
  const row = Math.floor(y);
  const last = firstTaskAfter(scene.tasks, at + slack) - 1;
  for (let index = last; index >= Math.max(0, last - MAX_SEARCHED_TASKS); index--) {
    const task = scene.tasks[index];
    if (task !== undefined && scene.rows.of[index] === row && task.end >= at - slack)
      return taskHit(task, scene, times);
  }
  return null;
}

function taskHit(task: TaskBar, { until, attributed }: Scene, { exact }: HitTimes): Hit {
  const took = duration((Math.min(task.end, until) - task.start) / 1000);
  return {
    lines: [
      `${task.handler ? 'handler' : 'task'} '${task.name}'`,
      `${exact(task.start)}, ${task.end === Infinity ? `running for ${took}` : `${task.status} after ${took}`}`,
      ...(attributed.has(task.start) ? ['downtime attributed'] : []),
    ],
  };
}

/** Finds the window or gap of a lane under the pointer. */
export function hitLane(
  { at, slack }: Pointer,
  lane: SeriesLane,
  { scene, times: { exact } }: { readonly scene: Scene; readonly times: HitTimes },
): Hit {
  const isNear = ({ start, end }: WindowBand) =>
    start.earliest - slack <= at && at <= (end?.latest ?? scene.until) + slack;
  const found = lane.windows.filter(isNear).sort((a, b) => Number(isOutage(b.window)) - Number(isOutage(a.window)))[0];
  if (found !== undefined) {
    const { window, start } = found;
    const cause = window.causes[0] === undefined ? [] : [causeLabel(window.causes[0])];
    const task = window.task === null ? [] : [`attributed to ${window.task.kind} '${window.task.name}'`];
    const state = `${WINDOW_WORDS[window.kind]} ${errorBar(window.durationSeconds)}`;
    const share = window.failedShare === null ? [] : [`${shareText(window.failedShare)} failed`];
    return {
      window: window.id,
      lines: [
        `${lane.name}: ${state}`,
        `from ${exact(start.estimate)}${window.end === null ? ', not over yet' : ''}`,
        ...share,
        ...cause,
        ...task,
      ],
    };
  }
  const gap = lane.gaps.find(({ from, until }) => from - slack <= at && at <= until + slack);
  if (gap !== undefined) {
    return {
      lines: [`${lane.name}: unobserved for ${duration((gap.until - gap.from) / 1000)}`, `from ${exact(gap.from)}`],
    };
  }
  return { lines: [`${lane.name}: ${at > lane.knownUntil ? 'no answer yet' : 'up'}`, exact(at)] };
}
