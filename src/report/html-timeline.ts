import { union } from '../domain/interval.ts';
import { seriesId } from '../domain/sample.ts';
import type { Report, SeriesSummary } from '../domain/summary.ts';
import type { Interval, Millis } from '../domain/time.ts';
import { extentOf } from '../domain/window.ts';
import { ticks } from './axis.ts';
import { html, type Markup } from './html-markup.ts';
import { cut } from './layout.ts';
import type { Moments } from './moments.ts';
import { seriesNames } from './names.ts';
import { counted, errorBar, span } from './quantities.ts';
import { costlyTasks, taskName } from './tasks-section.ts';
import { edgeText } from './window-words.ts';

/** Heights in pixels; widths are shares of the run, so that the picture fits any screen with its letters unscaled. */
const PHASE = 24;
const SERIES = 42;
const BAR = 18;
const TASKS = 40;
const AXIS = 22;
const TASKS_SHOWN = 100;
/** So many stretches have room side by side: what lies nearer than that is drawn as one. */
const GRID = 2000;
/** Of the axis: so many have room on a phone. */
const MOST_TICKS = 4;
/** Of a phase's name, in characters; the table has all of it. */
const NAME = 32;

type Frame = {
  readonly report: Report;
  readonly moments: Moments;
  readonly whole: Interval;
  /** Where a moment lies, in percent. */
  x(at: Millis): number;
};

/** The run from left to right: phases, a row a series, the tasks to blame. Null where there is nothing to draw. */
export function htmlTimeline(report: Report, moments: Moments): Markup | null {
  const whole = { from: report.run.startedAt, until: report.run.endedAt };
  if (whole.until <= whole.from || report.probes.length === 0) return null;
  const x = (at: Millis) => {
    const share = (Math.min(whole.until, Math.max(whole.from, at)) - whole.from) / (whole.until - whole.from);
    return Math.round(share * 1e5) / 1e3;
  };
  const frame: Frame = { report, moments, whole, x };
  const phases = report.verdict.phases.filter(({ stretches }) => stretches.length > 0);
  const tasks = costlyTasks(report.tasks).filter((one) => one.windows > 0);
  const top = phases.length * PHASE;
  const bottom = top + report.probes.length * SERIES;
  const tasksEnd = bottom + (tasks.length === 0 ? 0 : TASKS);
  const height = tasksEnd + AXIS;
  return html`<svg role="img" aria-labelledby="timeline" aria-describedby="timeline-words" width="100%" height="${height}">
<desc id="timeline-words">${describe(report)}</desc>
${axis(frame, tasksEnd)}${phases.map((phase, index) => phaseBand(frame, phase, { y: index * PHASE, top, bottom: tasksEnd }))}
${report.probes.map((summary, index) => seriesRow(frame, summary, top + index * SERIES))}
${tasks.length === 0 ? null : taskRow(frame, tasks.slice(0, TASKS_SHOWN), { top, y: bottom })}
</svg>
${legend(tasks.length > 0)}`;
}

function describe(report: Report): string {
  const down = report.windows.filter(({ kind }) => kind === 'down').length;
  const long = span((report.run.endedAt - report.run.startedAt) / 1000);
  return `${counted(report.probes.length, 'row')} over ${long} with ${counted(down, 'down window')} and ${counted(report.windows.length - down, 'degraded window')}; the tables below have the figures.`;
}

const box = (
  { x }: Frame,
  { from, until }: Interval,
  look: { readonly kind: string; readonly y: number; readonly height: number; readonly title?: string },
): Markup =>
  html`<rect class="${look.kind}" x="${x(from)}%" width="${Math.round((x(until) - x(from)) * 1e3) / 1e3}%" y="${look.y}" height="${look.height}">${look.title === undefined ? null : html`<title>${look.title}</title>`}</rect>`;

function axis({ whole, moments, x }: Frame, y: number): Markup {
  const total = whole.until - whole.from;
  const found = ticks(whole, { moments, fits: (step) => total / step <= MOST_TICKS });
  return html`${found.map(({ at, label }) => {
    const place = x(at);
    const anchor = place < 7 ? 'start' : place > 93 ? 'end' : 'middle';
    return html`<line class="tick" x1="${place}%" x2="${place}%" y1="0" y2="${y + 4}"/><text class="axis" x="${place}%" y="${y + 17}" text-anchor="${anchor}">${label}</text>`;
  })}`;
}

/** A phase's name may be wider than its band: it stands where there is more room. */
function phaseBand(
  frame: Frame,
  { name, stretches, result, measures }: Report['verdict']['phases'][number],
  { y, top, bottom }: { readonly y: number; readonly top: number; readonly bottom: number },
): Markup {
  const first = stretches[0]?.from ?? frame.whole.from;
  const last = stretches.at(-1)?.until ?? frame.whole.until;
  const right = 100 - frame.x(first) < 35;
  const title = `phase ${name}: ${measures === null ? '' : span(measures.elapsed)}, ${result ?? 'not judged'}`;
  const bands = stretches.map(
    (one) =>
      html`${box(frame, one, { kind: `phase ${result ?? ''}`, y: y + 2, height: PHASE - 4, title })}${box(frame, one, { kind: 'shade', y: top, height: bottom - top })}`,
  );
  return html`<g>${bands}<text class="label" x="${frame.x(right ? last : first)}%" dx="${right ? -6 : 6}" y="${y + 16}" text-anchor="${right ? 'end' : 'start'}">${cut(name, NAME)}</text></g>\n`;
}

/** From light to dark: it may have been down, it was by the best guess, it was for certain. */
const LAYERS = ['max', 'estimate', 'min'] as const;

function seriesRow(frame: Frame, { series, gaps }: SeriesSummary, y: number): Markup {
  const { report, whole } = frame;
  const id = seriesId(series);
  const own = report.windows.filter((window) => seriesId(window) === id);
  const bar = y + SERIES - BAR - 4;
  const draw = (kind: string, stretches: readonly Interval[], title?: (one: Interval) => string) =>
    joined(stretches, whole).map((one) =>
      box(frame, one, { kind, y: bar, height: BAR, ...(title === undefined ? {} : { title: title(one) }) }),
    );
  const state = (kind: 'degraded' | 'down') => {
    const windows = own.filter((window) => window.kind === kind);
    const extents = windows.map((window) => ({ window, ...extentOf(window, whole.until) }));
    const told = ({ from, until }: Interval) => {
      const [only, ...others] = extents.filter(({ max }) => max.some((one) => one.from < until && one.until > from));
      if (only === undefined) return kind;
      return others.length > 0 ? `${kind}: ${others.length + 1} windows` : windowTitle(only.window, frame.moments);
    };
    return LAYERS.map((layer) =>
      draw(
        `${kind} ${layer}`,
        extents.flatMap((one) => one[layer]),
        told,
      ),
    );
  };
  return html`<g><text class="label" x="0" y="${y + 14}">${seriesNames(report)(series)}</text>${box(frame, whole, { kind: 'up', y: bar, height: BAR })}${draw('unobserved', gaps, () => 'unobserved')}${state('degraded')}${state('down')}</g>\n`;
}

const windowTitle = (window: Report['windows'][number], moments: Moments): string =>
  `${window.kind} ${errorBar(window.duration)}, from ${edgeText(window.start, moments)}${window.end === null ? ', not over yet' : ` to ${edgeText(window.end, moments)}`}`;

/** Grown to whole steps of the grid and united, so that ten thousand windows are no larger a picture than a hundred. */
function joined(stretches: readonly Interval[], whole: Interval): readonly Interval[] {
  const step = (whole.until - whole.from) / GRID;
  if (stretches.length <= GRID / 10) return stretches;
  return union(
    stretches.map(({ from, until }) => ({
      from: whole.from + Math.floor((from - whole.from) / step) * step,
      until: whole.from + Math.ceil((until - whole.from) / step) * step,
    })),
  );
}

function taskRow(
  frame: Frame,
  tasks: Report['tasks'],
  { top, y }: { readonly top: number; readonly y: number },
): Markup {
  const bars = tasks.map((task) => {
    const title = `${taskName(task)}: ${counted(task.windows, 'window')} began in it, from ${frame.moments.exact(task.start)}`;
    const place = frame.x(task.start);
    const until = Math.min(task.lastedUntil, frame.whole.until);
    return html`<line class="blamed" x1="${place}%" x2="${place}%" y1="${top}" y2="${y + 34}"/>${box(frame, { from: task.start, until: Math.max(task.start, until) }, { kind: 'task', y: y + 20, height: 14, title })}`;
  });
  return html`<g><text class="label" x="0" y="${y + 14}">tasks in which downtime began</text>${bars}</g>\n`;
}

const legend = (withTasks: boolean): Markup => {
  const key = (kind: string, words: string) =>
    html`<li><svg aria-hidden="true" width="14" height="14"><rect class="${kind}" width="14" height="14"/></svg>${words}</li>`;
  return html`<ul class="legend">${key('up', 'up')}${key('degraded min', 'degraded')}${key('down min', 'down')}${key('down max', 'may have been down (error bar)')}${key('unobserved', 'unobserved')}${withTasks ? key('task', 'task to blame') : null}</ul>
`;
};
