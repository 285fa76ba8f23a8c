import { spanOf, type WindowKind } from '../../domain/downtime/window.ts';
import type { Report, SeriesSummary } from '../../domain/run/report.ts';
import { seriesId } from '../../domain/sample.ts';
import type { Interval, Millis } from '../../domain/time.ts';
import { duration } from '../../format/quantities.ts';
import { seriesNames } from '../../format/run-labels.ts';
import type { TimeFormat } from '../time-format.ts';
import { cutMiddle, FILE_COLUMNS, isUnbounded } from './layout.ts';
import type { Paint } from './paint.ts';

const STATES = ['up', 'degraded', 'partial', 'down', 'unobserved'] as const;
type CellState = (typeof STATES)[number];
const GLYPHS: { readonly [state in CellState]: string } = {
  up: '─',
  degraded: '░',
  partial: '▒',
  down: '█',
  unobserved: '·',
};

export type TimelineOptions = { readonly width: number; readonly paint: Paint; readonly times: TimeFormat };

/** Draws one row per series, time from left to right; each character shows the worst state of its time. */
export function timeline(report: Report, { width, paint, times }: TimelineOptions): readonly string[] {
  const range: Interval = { from: report.run.startedAt, until: report.run.endedAt };
  const nameOf = seriesNames(report);
  const names = report.probes.map(({ series }) => cutMiddle(nameOf(series), Math.max(10, Math.floor(width / 3))));
  const label = Math.max(0, ...names.map((name) => name.length));
  const cells = isUnbounded(width) ? Math.max(FILE_COLUMNS - label - 4, FILE_COLUMNS / 2) : width - label - 4;
  if (range.until <= range.from || cells < 10 || report.probes.length === 0) return [];
  const colours = { up: paint.good, degraded: paint.warn, partial: paint.bad, down: paint.bad, unobserved: paint.dim };
  const windows = Map.groupBy(report.windows, seriesId);
  const rows = report.probes.map((summary, index) => {
    const states = statesOf(windows.get(seriesId(summary.series)) ?? [], summary.gaps, { range, cells });
    const bar = runs(states).map(({ state, count }) => colours[state](GLYPHS[state].repeat(count)));
    return `  ${(names[index] ?? '').padEnd(label)}  ${bar.join('')}`;
  });
  const legend = STATES.map((state) => `${colours[state](GLYPHS[state])} ${state}`).join('   ');
  return [
    ...rows,
    `${' '.repeat(label + 4)}${axis(range, { cells, times })}`,
    `  ${legend}`,
    paint.dim(
      `  Each character covers ${duration((range.until - range.from) / cells / 1000)} and shows the worst state.`,
    ),
  ];
}

type Grid = { readonly range: Interval; readonly cells: number };

function statesOf(
  windows: Report['windows'],
  gaps: SeriesSummary['gaps'],
  { range, cells }: Grid,
): readonly CellState[] {
  const intervals = (kind: WindowKind) =>
    windows.filter((window) => window.kind === kind).flatMap((window) => spanOf(window, range.until).estimate);
  const unobserved = covered(gaps, { range, cells });
  const degraded = covered(intervals('degraded'), { range, cells });
  const partial = covered(intervals('partial'), { range, cells });
  const down = covered(intervals('down'), { range, cells });
  return Array.from({ length: cells }, (_, cell) => {
    if ((down[cell] ?? 0) > 0) return 'down';
    if ((partial[cell] ?? 0) > 0) return 'partial';
    if ((degraded[cell] ?? 0) > 0) return 'degraded';
    // A short gap is not shown; a short outage is.
    return (unobserved[cell] ?? 0) >= 0.5 ? 'unobserved' : 'up';
  });
}

/** Returns the share of each cell that the intervals cover, from 0 to 1. */
function covered(intervals: readonly Interval[], { range, cells }: Grid): readonly number[] {
  const size = (range.until - range.from) / cells;
  const shares = new Array<number>(cells).fill(0);
  for (const { from, until } of intervals) {
    const first = Math.max(0, Math.floor((from - range.from) / size));
    for (let cell = first; cell < cells && range.from + cell * size < until; cell++) {
      const begin = range.from + cell * size;
      const share = (Math.min(until, begin + size) - Math.max(from, begin)) / size;
      shares[cell] = (shares[cell] ?? 0) + Math.max(0, share);
    }
  }
  return shares;
}

function runs(states: readonly CellState[]): readonly { state: CellState; count: number }[] {
  const found: { state: CellState; count: number }[] = [];
  for (const state of states) {
    const last = found.at(-1);
    if (last?.state === state) last.count++;
    else found.push({ state, count: 1 });
  }
  return found;
}

/** Labels round times of the zone, as many as fit. */
function axis(range: Interval, { cells, times }: { cells: number; times: TimeFormat }): string {
  const size = (range.until - range.from) / cells;
  let line = '';
  for (const { at, label } of ticks(range, { times, fits: (step, length) => step / size >= length + 4 })) {
    const place = Math.floor((at - range.from) / size);
    if (place + label.length + 1 <= cells) line = `${line.padEnd(place)}╵${label}`;
  }
  return line;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 7, 14, 28, 91, 364].map((days) => days * DAY),
];

export type Tick = { readonly at: Millis; readonly label: string };

/** Returns round times of the zone; `fits` decides whether labels of a given length fit at a given distance. */
function ticks(
  { from, until }: Interval,
  { times, fits }: { readonly times: TimeFormat; fits(step: number, label: number): boolean },
): readonly Tick[] {
  const step = STEPS.find((candidate) => fits(candidate, patternOf(candidate).length)) ?? STEPS.at(-1) ?? DAY;
  const offset = times.offset(from);
  const found: Tick[] = [];
  for (let at = Math.ceil((from + offset) / step) * step - offset; at < until; at += step) {
    found.push({ at, label: times.format(at, patternOf(step)) });
  }
  return found;
}

const patternOf = (step: number): string => (step < MINUTE ? 'HH:mm:ss' : step < DAY ? 'HH:mm' : 'yyyy-MM-dd');
