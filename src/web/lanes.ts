import { hitLane, hitPhase, hitTask } from './lane-hits.ts';
import type { Brush, Pane } from './pane.ts';
import type { PhaseBand, Scene, SeriesLane, Span, WindowBand } from './scene.ts';
import { firstTaskAfter } from './tasks.ts';

/** In CSS pixels. */
const PHASE_HEIGHT = 22;
const TASK_HEIGHT = 15;
const LABEL_HEIGHT = 15;
const BAR_HEIGHT = 18;
const SPACING = 7;

/** Where each part begins, and where the last one ends. */
type Layout = { readonly tasks: number; readonly series: number; readonly end: number };

const layoutOf = ({ phases, rows, lanes }: Scene): Layout => {
  const tasksTop = phases.length > 0 ? PHASE_HEIGHT + SPACING : 0;
  const series = tasksTop + (rows.count > 0 ? LABEL_HEIGHT + rows.count * TASK_HEIGHT + SPACING : 0);
  return { tasks: tasksTop, series, end: series + lanes.length * (LABEL_HEIGHT + BAR_HEIGHT + SPACING) };
};

/** Draws phases, tasks, and one lane per series: up, slow, down or unobserved. */
export const lanesPane: Pane = {
  name: 'lanes',
  height: (scene) => layoutOf(scene).end,
  axis: null,
  draw(brush, scene) {
    const { tasks, series, end } = layoutOf(scene);
    for (const phase of scene.phases) drawPhase(brush, phase, end);
    drawAttributed(brush, scene, { top: tasks, bottom: end });
    if (scene.tasks.length > 0) drawTasks(brush, scene, tasks);
    scene.lanes.forEach((lane, index) => {
      drawLane(brush, lane, { scene, top: series + index * (LABEL_HEIGHT + BAR_HEIGHT + SPACING) });
    });
  },
  hit(pointer, scene, times) {
    const { tasks, series } = layoutOf(scene);
    if (pointer.y < tasks) return hitPhase(pointer, scene, times);
    if (pointer.y < series)
      return hitTask({ ...pointer, y: (pointer.y - tasks - LABEL_HEIGHT) / TASK_HEIGHT }, scene, times);
    return hitLane({ ...pointer, y: (pointer.y - series) / (LABEL_HEIGHT + BAR_HEIGHT + SPACING) }, scene, times);
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
    context.fillRect(begin, brush.top + (top + LABEL_HEIGHT) * ratio, barWidth, (bottom - top - LABEL_HEIGHT) * ratio);
    context.globalAlpha = 1;
  }
}

function drawTasks(brush: Brush, { tasks, rows, attributed, until }: Scene, top: number): void {
  const { context, palette, ratio, x, left } = brush;
  caption(brush, 'tasks', top);
  const last = firstTaskAfter(tasks, brush.until);
  for (let index = 0; index < last; index++) {
    const task = tasks[index];
    const row = rows.of[index] ?? -1;
    if (task === undefined || row < 0 || task.end < brush.from) continue;
    const begin = Math.max(x(task.start), left);
    const barWidth = Math.max(x(Math.min(task.end, until)) - begin, ratio);
    const y = brush.top + (top + LABEL_HEIGHT + row * TASK_HEIGHT) * ratio;
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
}

function drawLane(brush: Brush, lane: SeriesLane, { scene, top }: { scene: Scene; top: number }): void {
  const { context, palette, ratio, x, left, width } = brush;
  caption(brush, lane.name, top);
  const bar = brush.top + (top + LABEL_HEIGHT) * ratio;
  const fillSpan = ({ from, until }: Span, height: number, minWidth = 0) => {
    const begin = Math.max(x(from), left);
    const barWidth = Math.max(Math.min(x(until), left + width) - begin, minWidth * ratio);
    if (begin > left + width || x(until) < left - ratio) return;
    context.fillRect(begin, bar + ((BAR_HEIGHT - height) / 2) * ratio, barWidth, height * ratio);
  };
  context.fillStyle = palette.up;
  fillSpan({ from: scene.from, until: lane.knownUntil }, 4);
  for (const gap of lane.gaps) {
    context.fillStyle = palette.surface;
    fillSpan(gap, BAR_HEIGHT);
    context.fillStyle = brush.hatched;
    fillSpan(gap, BAR_HEIGHT);
  }
  for (const band of lane.windows.filter(({ window }) => window.kind === 'degraded'))
    drawWindow(brush, band, { scene, fillSpan, bar });
  for (const band of lane.windows.filter(({ window }) => window.kind === 'down'))
    drawWindow(brush, band, { scene, fillSpan, bar });
}

/** Draws the estimate of a window solid, what else it may cover in a softer colour, and brackets as whiskers. */
function drawWindow(
  { context, palette, ratio, x, selected }: Brush,
  { window, start, end }: WindowBand,
  {
    scene,
    fillSpan,
    bar,
  }: { scene: Scene; fillSpan: (span: Span, height: number, minWidth?: number) => void; bar: number },
): void {
  const down = window.kind === 'down';
  const height = down ? BAR_HEIGHT : BAR_HEIGHT / 2;
  const until = end?.estimate ?? scene.until;
  context.fillStyle = down ? palette['down-soft'] : palette['degraded-soft'];
  fillSpan({ from: start.earliest, until: end?.latest ?? scene.until }, height);
  context.fillStyle = down ? palette.down : palette.degraded;
  fillSpan({ from: start.estimate, until }, height, 2);
  context.strokeStyle = palette.text;
  context.lineWidth = ratio;
  const middle = bar + (BAR_HEIGHT / 2) * ratio;
  for (const edge of end === null ? [start] : [start, end]) {
    const [a, b] = [x(edge.earliest), x(edge.latest)];
    if (b - a < 5 * ratio) continue;
    context.beginPath();
    context.moveTo(a, middle);
    context.lineTo(b, middle);
    for (const place of [a, b]) {
      context.moveTo(place, middle - 4 * ratio);
      context.lineTo(place, middle + 4 * ratio);
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
    (BAR_HEIGHT + 6) * ratio,
  );
}

function caption({ context, palette, ratio, left, top, width }: Brush, text: string, y: number): void {
  const place = { x: left + 2 * ratio, y: top + (y + 11) * ratio, room: width, ratio, colour: palette.muted };
  label(context, text, place);
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
  context.fillText(text.length > fits ? `${text.slice(0, Math.max(1, fits - 1))}…` : text, x, y);
}
