import { isOutage, type WindowKind } from '../domain/downtime/window.ts';
import { hitLane, hitPhase, hitTask } from './lane-hits.ts';
import { laneAt, layoutOf, PHASE_HEIGHT, type PlacedLane, type PlacedName, TASK_HEIGHT } from './lane-layout.ts';
import type { Brush, Pane } from './pane.ts';
import type { PhaseBand, Scene, Span, WindowBand } from './scene.ts';
import { firstTaskAfter } from './tasks.ts';

/** The height of a bar where the series is up, as a share of the lane. */
const UP_SHARE = 0.22;
/** A partial window is drawn at least this high. */
const MIN_FAILED_SHARE = 0.15;
/** What is drawn first, and covered by the others. */
const LAYERS: readonly WindowKind[] = ['degraded', 'partial', 'down'];
/** How strongly a task is drawn that a search did not find. */
const PALE = 0.2;

/** Draws phases, tasks, and one lane per series: up, slow, down or unobserved. */
export const lanesPane: Pane = {
  name: 'lanes',
  height: (scene) => layoutOf(scene).end,
  axis: null,
  draw(brush, scene) {
    const { tasks, lanes, names, end } = layoutOf(scene);
    for (const phase of scene.phases) drawPhase(brush, phase, end);
    drawAttributed(brush, scene, { top: tasks, bottom: end });
    if (scene.tasks.length > 0) drawTasks(brush, scene, tasks);
    for (const placed of lanes) drawLane(brush, placed, scene);
    if (scene.narrow) for (const name of names) drawNameAbove(brush, name);
  },
  drawNames(brush, scene) {
    if (!scene.narrow) for (const name of layoutOf(scene).names) drawNameBeside(brush, name);
  },
  hit(pointer, scene, times) {
    const { tasks, series, lanes } = layoutOf(scene);
    if (pointer.y < tasks && scene.phases.length > 0) return hitPhase(pointer, scene, times);
    if (pointer.y < series) return hitTask({ ...pointer, y: (pointer.y - tasks) / TASK_HEIGHT }, scene, times);
    const lane = laneAt(lanes, pointer.y);
    return lane === null ? null : hitLane(pointer, lane, { scene, times });
  },
};

function drawPhase({ context, palette, ratio, top, x, left, width }: Brush, phase: PhaseBand, end: number): void {
  const colour = { pass: palette.good, 'not-proven': palette.warn, fail: palette.bad, 'not-judged': palette.muted };
  for (const { from, until } of phase.intervals) {
    const begin = Math.max(x(from), left);
    const barWidth = Math.min(x(until), left + width) - begin;
    if (barWidth <= 0) continue;
    context.fillStyle = palette['phase-shade'];
    context.fillRect(begin, top, barWidth, end * ratio);
    context.fillStyle = palette.phase;
    context.fillRect(begin, top, barWidth, PHASE_HEIGHT * ratio);
    context.fillStyle = colour[phase.result ?? 'not-judged'];
    context.fillRect(begin, top, barWidth, 3 * ratio);
    // A line through all lanes marks the start of the phase.
    context.fillRect(begin, top, ratio, end * ratio);
    label(context, phase.name, {
      x: begin + 5 * ratio,
      y: top + 15 * ratio,
      room: barWidth - 8 * ratio,
      ratio,
      colour: palette.text,
      bold: true,
    });
  }
}

/** Shades the tasks that downtime is attributed to, through all lanes. */
function drawAttributed(
  brush: Brush,
  { tasks, attributed, until }: Scene,
  { top, bottom }: { top: number; bottom: number },
): void {
  const { context, palette, ratio, x } = brush;
  if (attributed.size === 0) return;
  context.fillStyle = palette.attributed;
  for (const task of tasks) {
    if (!attributed.has(task.start) || task.start > brush.until || task.end < brush.from) continue;
    const begin = x(task.start);
    const barWidth = Math.max(x(Math.min(task.end, until)) - begin, 2 * ratio);
    context.globalAlpha = 0.22;
    context.fillRect(begin, brush.top + top * ratio, barWidth, (bottom - top) * ratio);
    context.globalAlpha = 1;
  }
}

/** Draws the tasks; those that a search did not find are pale. */
function drawTasks(brush: Brush, { tasks, rows, found, attributed, until }: Scene, top: number): void {
  const { context, palette, ratio, x, left } = brush;
  const last = firstTaskAfter(tasks, brush.until);
  for (let index = 0; index < last; index++) {
    const task = tasks[index];
    const row = rows.of[index] ?? -1;
    if (task === undefined || row < 0 || task.end < brush.from) continue;
    const begin = Math.max(x(task.start), left);
    const barWidth = Math.max(x(Math.min(task.end, until)) - begin, ratio);
    const y = brush.top + (top + row * TASK_HEIGHT) * ratio;
    context.globalAlpha = found === null || found[index] === 1 ? 1 : PALE;
    context.fillStyle = attributed.has(task.start)
      ? palette.attributed
      : task.status === 'failed'
        ? palette.bad
        : task.handler
          ? palette.handler
          : index % 2 === 0
            ? palette.task
            : palette['task-other'];
    context.fillRect(begin, y, barWidth, (TASK_HEIGHT - 2) * ratio);
    if (barWidth > 40 * ratio) {
      const place = {
        x: begin + 4 * ratio,
        y: y + 10 * ratio,
        room: barWidth - 6 * ratio,
        ratio,
        colour: palette.text,
      };
      label(context, task.name, place);
    }
  }
  context.globalAlpha = 1;
}

function drawLane(brush: Brush, { lane, top, height: barHeight }: PlacedLane, scene: Scene): void {
  const { context, palette, ratio, x, left, width } = brush;
  const bar = brush.top + top * ratio;
  const fillSpan = ({ from, until }: Span, share: number, minWidth = 0) => {
    const begin = Math.max(x(from), left);
    const barWidth = Math.max(Math.min(x(until), left + width) - begin, minWidth * ratio);
    if (begin > left + width || x(until) < left - ratio) return;
    const height = Math.max(2, barHeight * share);
    context.fillRect(begin, bar + ((barHeight - height) / 2) * ratio, barWidth, height * ratio);
  };
  context.fillStyle = palette.up;
  fillSpan({ from: scene.from, until: lane.knownUntil }, UP_SHARE);
  for (const gap of lane.gaps) {
    context.fillStyle = palette.surface;
    fillSpan(gap, 1);
    context.fillStyle = brush.hatched;
    fillSpan(gap, 1);
  }
  for (const band of lane.windows.toSorted((a, b) => LAYERS.indexOf(a.window.kind) - LAYERS.indexOf(b.window.kind)))
    drawWindow(brush, band, { scene, fillSpan, bar, barHeight });
}

/**
 * Draws the estimate of a window solid (of a partial one, as high as the share that failed), what else it may cover in a
 * softer colour, and brackets as whiskers.
 */
function drawWindow(
  { context, palette, ratio, x, selected }: Brush,
  { window, start, end }: WindowBand,
  {
    scene,
    fillSpan,
    bar,
    barHeight,
  }: {
    scene: Scene;
    /** Fills a share of the height of the bar, which is at least `minWidth` wide. */
    fillSpan: (span: Span, share: number, minWidth?: number) => void;
    bar: number;
    barHeight: number;
  },
): void {
  const down = isOutage(window);
  const share = down ? 1 : 0.5;
  const failed = window.failedShare === null ? 1 : Math.max(MIN_FAILED_SHARE, window.failedShare.estimate);
  const until = end?.estimate ?? scene.until;
  context.fillStyle = down ? palette['down-soft'] : palette['degraded-soft'];
  fillSpan({ from: start.earliest, until: end?.latest ?? scene.until }, share);
  context.fillStyle = down ? palette.down : palette.degraded;
  fillSpan({ from: start.estimate, until }, share * failed, 2);
  context.strokeStyle = palette.text;
  context.lineWidth = ratio;
  const middle = bar + (barHeight / 2) * ratio;
  const whisker = Math.min(4, barHeight / 3) * ratio;
  for (const edge of end === null ? [start] : [start, end]) {
    const [a, b] = [x(edge.earliest), x(edge.latest)];
    if (b - a < 5 * ratio) continue;
    context.beginPath();
    context.moveTo(a, middle);
    context.lineTo(b, middle);
    for (const place of [a, b]) {
      context.moveTo(place, middle - whisker);
      context.lineTo(place, middle + whisker);
    }
    context.stroke();
  }
  if (selected !== window.id) return;
  context.strokeStyle = palette.focus;
  context.lineWidth = 2 * ratio;
  const begin = x(start.earliest) - 3 * ratio;
  context.strokeRect(
    begin,
    bar - 3 * ratio,
    x(end?.latest ?? scene.until) + 3 * ratio - begin,
    (barHeight + 6) * ratio,
  );
}

/** Draws a name in the plot, above what it names, where there is no room beside it. */
function drawNameAbove({ context, palette, ratio, left, top, width }: Brush, { text, top: y }: PlacedName): void {
  const place = { x: left + 2 * ratio, y: top + (y - 4) * ratio, room: width, ratio, colour: palette.muted };
  label(context, text, place);
}

/** Draws a name beside the plot, level with what it names. */
function drawNameBeside(
  { context, palette, ratio, left, top: paneTop }: Brush,
  { text, top, height }: PlacedName,
): void {
  const y = paneTop + (top + height / 2 + 4) * ratio;
  label(context, text, { x: 4 * ratio, y, room: left - 8 * ratio, ratio, colour: palette.muted });
}

type LabelPlace = { x: number; y: number; room: number; ratio: number; colour: string; bold?: boolean };

/** Draws text, truncated to the available width. */
function label(
  context: CanvasRenderingContext2D,
  text: string,
  { x, y, room, ratio, colour, bold = false }: LabelPlace,
): void {
  context.font = `${bold ? '600 ' : ''}${11 * ratio}px system-ui, sans-serif`;
  const characterWidth = 6 * ratio;
  const fits = Math.floor(room / characterWidth);
  if (fits < 3) return;
  context.fillStyle = colour;
  context.textAlign = 'left';
  context.textBaseline = 'alphabetic';
  const isWhole = text.length <= fits || (text.length < fits * 2 && context.measureText(text).width <= room);
  context.fillText(isWhole ? text : `${text.slice(0, Math.max(1, fits - 1))}…`, x, y);
}
