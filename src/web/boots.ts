import { BOOT_STAGES } from '../domain/sample.ts';
import { latency } from '../format/quantities.ts';
import type { Palette } from './palette.ts';
import type { Brush, Hit, HitTimes, Pane } from './pane.ts';
import { FAILED, firstFrom, nearest, OK, outcomeOf, type SampleColumns, VOID } from './samples.ts';
import type { Scene, SeriesLane } from './scene.ts';

/** The names of the stages, in order. */
export const STAGE_NAMES: readonly string[] = ['accepted', 'to ACTIVE', 'delete accepted', 'gone'];

const stageColours = (palette: Palette): readonly string[] => [
  palette['stage-accepted'],
  palette['stage-active'],
  palette['stage-delete'],
  palette['stage-gone'],
];

const bootLanes = ({ lanes }: Scene): readonly SeriesLane[] => lanes.filter(({ probe }) => probe === 'server-boot');

/** Draws one bar per boot with its stages stacked; a failed boot is a red outline up to its failure. */
export const bootsPane: Pane = {
  name: 'boots',
  height: (scene) => (bootLanes(scene).length > 0 ? 130 : 0),
  axis: {
    log: false,
    range(scene) {
      const highest = Math.max(...bootLanes(scene).map(({ slow, samples }) => Math.max(slow, longest(samples))), 1);
      return [0, Math.min(120, highest * 1.1)];
    },
    label: (value) => `${value} s`,
  },
  draw(brush, scene) {
    for (const { samples } of bootLanes(scene)) if (samples !== null) drawBoots(brush, samples);
    drawLimit(brush, scene);
  },
  hit({ at, slack }, scene, times) {
    for (const { name, samples } of bootLanes(scene)) {
      const index = samples === null ? -1 : bootAt(samples, at, slack);
      if (samples !== null && index >= 0) return bootHit(samples, { index, name, times });
    }
    return null;
  },
};

/** Returns the sum of all stages of a boot, or how long its outcome took if that is longer, in seconds. */
function totalSeconds(samples: SampleColumns, index: number): number {
  let sum = 0;
  for (let stage = 0; stage < BOOT_STAGES.length; stage++) {
    const seconds = samples.stages[index * BOOT_STAGES.length + stage] ?? Number.NaN;
    if (!Number.isNaN(seconds)) sum += seconds;
  }
  return Math.max(sum, samples.took[index] ?? 0);
}

function longest(samples: SampleColumns | null): number {
  let found = 0;
  for (let index = 0; index < (samples?.count ?? 0); index++) {
    if (samples !== null) found = Math.max(found, totalSeconds(samples, index));
  }
  return found;
}

function drawBoots({ context, palette, ratio, x, y, from, until }: Brush, samples: SampleColumns): void {
  const colours = stageColours(palette);
  const bottom = y(0);
  for (let index = Math.max(0, firstFrom(samples, from) - 1); index < samples.count; index++) {
    const at = samples.at[index] ?? 0;
    if (at > until) break;
    const outcome = outcomeOf(samples.marks[index] ?? VOID);
    if (outcome === VOID) continue;
    const begin = x(at);
    const width = Math.max(x(at + totalSeconds(samples, index) * 1000) - begin - ratio, 2 * ratio);
    let done = 0;
    let barBottom = bottom;
    for (let stage = 0; stage < BOOT_STAGES.length; stage++) {
      const seconds = samples.stages[index * BOOT_STAGES.length + stage] ?? Number.NaN;
      if (Number.isNaN(seconds)) continue;
      done += seconds;
      const barTop = y(done);
      context.fillStyle = colours[stage] ?? palette.muted;
      context.fillRect(begin, barTop, width, barBottom - barTop);
      barBottom = barTop;
    }
    if (outcome !== FAILED) continue;
    drawFailure({ context, palette, ratio }, { begin, width, bottom, top: y(samples.took[index] ?? 0) });
  }
}

/** Draws a failed boot as a red outline that is closed at the time of the failure, with a cross on it. */
function drawFailure(
  { context, palette, ratio }: Pick<Brush, 'context' | 'palette' | 'ratio'>,
  { begin, width, bottom, top: failedAt }: { begin: number; width: number; bottom: number; top: number },
): void {
  const top = Math.min(failedAt, bottom - 2 * ratio);
  context.fillStyle = palette['down-soft'];
  context.globalAlpha = 0.45;
  context.fillRect(begin, top, width, bottom - top);
  context.globalAlpha = 1;
  context.strokeStyle = palette.down;
  context.lineWidth = 1.5 * ratio;
  const [middle, arm] = [begin + width / 2, 3 * ratio];
  context.beginPath();
  context.rect(begin, top, width, bottom - top);
  for (const side of [-arm, arm]) {
    context.moveTo(middle + side, top - arm);
    context.lineTo(middle - side, top + arm);
  }
  context.stroke();
}

function drawLimit({ context, palette, ratio, y, left, width }: Brush, scene: Scene): void {
  context.strokeStyle = palette.degraded;
  context.lineWidth = ratio;
  context.setLineDash([4 * ratio, 4 * ratio]);
  context.beginPath();
  for (const { slow } of bootLanes(scene)) {
    context.moveTo(left, y(slow));
    context.lineTo(left + width, y(slow));
  }
  context.stroke();
  context.setLineDash([]);
}

function bootAt(samples: SampleColumns, at: number, slack: number): number {
  const before = firstFrom(samples, at + 0.001) - 1;
  if (before >= 0 && (samples.at[before] ?? 0) + totalSeconds(samples, before) * 1000 + slack >= at) return before;
  const nearestIndex = nearest(samples, at);
  return nearestIndex >= 0 && Math.abs((samples.at[nearestIndex] ?? 0) - at) <= slack ? nearestIndex : -1;
}

function bootHit(
  samples: SampleColumns,
  { index, name, times }: { readonly index: number; readonly name: string; readonly times: HitTimes },
): Hit {
  const outcome = outcomeOf(samples.marks[index] ?? VOID);
  const took = latency(samples.took[index] ?? 0);
  const how = outcome === OK ? `ACTIVE after ${took}` : outcome === FAILED ? `failed after ${took}` : 'void';
  const stages = STAGE_NAMES.flatMap((stage, place) => {
    const seconds = samples.stages[index * BOOT_STAGES.length + place] ?? Number.NaN;
    return Number.isNaN(seconds) ? [] : [`${stage}: ${latency(seconds)}`];
  });
  return { lines: [`${name}: ${how}`, times.exact(samples.at[index] ?? 0), ...stages] };
}
