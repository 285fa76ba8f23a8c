import type { Scene, SeriesLane } from './scene.ts';

/** In CSS pixels. */
export const PHASE_HEIGHT = 22;
export const TASK_HEIGHT = 15;
const LABEL_HEIGHT = 15;
const BAR_HEIGHT = 18;
const GROUPED_BAR_HEIGHT = 7;
const SPACING = 7;

/** A lane and where its bar is. */
export type PlacedLane = { readonly lane: SeriesLane; readonly top: number; readonly height: number };

/** A name, and where what it names is. */
export type PlacedName = { readonly text: string; readonly top: number; readonly height: number };

/** Where everything is, from the top of the pane. */
type Layout = {
  readonly tasks: number;
  readonly series: number;
  readonly lanes: readonly PlacedLane[];
  readonly names: readonly PlacedName[];
  readonly end: number;
};

export function layoutOf({ phases, rows, lanes, narrow }: Scene): Layout {
  const label = narrow ? LABEL_HEIGHT : 0;
  const tasks = phases.length > 0 ? PHASE_HEIGHT + SPACING : 0;
  const series = tasks + (rows.count > 0 ? label + rows.count * TASK_HEIGHT + SPACING : 0);
  const names: PlacedName[] = [
    ...(phases.length > 0 && !narrow ? [{ text: 'phases', top: 0, height: PHASE_HEIGHT }] : []),
    ...(rows.count > 0 ? [{ text: 'tasks', top: tasks + label, height: rows.count * TASK_HEIGHT }] : []),
  ];
  const placed: PlacedLane[] = [];
  let end = series;
  for (const [name, group] of Map.groupBy(lanes, (lane) => lane.group ?? lane.name)) {
    const height = group[0]?.group === null ? BAR_HEIGHT : GROUPED_BAR_HEIGHT;
    end += label;
    names.push({ text: name, top: end, height: group.length * height });
    for (const lane of group) {
      placed.push({ lane, top: end, height });
      end += height;
    }
    end += SPACING;
  }
  return { tasks: tasks + label, series, lanes: placed, names, end };
}

/** Returns the lane at a distance from the top of the pane, or the one nearest to it; null above all lanes. */
export function laneAt(lanes: readonly PlacedLane[], y: number): SeriesLane | null {
  const under =
    lanes.find(({ top, height }) => top <= y && y < top + height) ?? lanes.findLast(({ top }) => top - SPACING <= y);
  return under?.lane ?? null;
}
