import { isRegression, outcomeSummary } from '../../domain/check.ts';
import { type DowntimeWindow, isOutage } from '../../domain/downtime/window.ts';
import type { Report, SeriesSummary } from '../../domain/run/report.ts';
import type { ObservationGap } from '../../domain/sampler-event.ts';
import { checksToReport } from '../../format/checks.ts';
import { printableLine } from '../../format/printable.ts';
import { duration, errorBar, latency, percent } from '../../format/quantities.ts';
import { seriesNames, sessionState, WINDOW_WORDS } from '../../format/run-labels.ts';
import { causesText, edgeText, windowState } from '../labels.ts';
import type { TimeFormat } from '../time-format.ts';
import { type Column, table, wrap } from './layout.ts';
import type { Paint } from './paint.ts';
import { attributionLines } from './tasks-section.ts';

export type SectionOptions = { readonly width: number; readonly paint: Paint; readonly times: TimeFormat };

/** Further rows are only counted; the JSON report has all of them. */
const MAX_WINDOWS = 100;
const MAX_OBSERVATION_GAPS = 12;

export function downtimeSection(report: Report, { width, paint }: SectionOptions): readonly string[] {
  const nameOf = seriesNames(report);
  const columns: readonly Column<SeriesSummary>[] = [
    { head: '', cell: ({ series }) => nameOf(series) },
    {
      head: 'available',
      align: 'right',
      cell: ({ availability, windows }) => percent(availability, windows > 0),
      paint: (padded, { availability, windows }) =>
        windows > 0 ? paint.bad(padded) : availability === null ? paint.dim(padded) : paint.good(padded),
    },
    { head: 'down', cell: ({ downtime }) => errorBar(downtime) },
    { head: 'windows', align: 'right', cell: ({ windows }) => String(windows) },
    { head: 'longest', align: 'right', spare: true, cell: ({ longest }) => duration(longest) },
    { head: 'slow', align: 'right', cell: ({ degraded }) => duration(degraded.estimate) },
    { head: 'unknown', align: 'right', cell: ({ unobserved }) => duration(unobserved) },
  ];
  return table(columns, report.probes, { width });
}

export function samplesSection(report: Report, { width }: SectionOptions): readonly string[] {
  const nameOf = seriesNames(report);
  const count = (head: string, countOf: (summary: SeriesSummary) => number): Column<SeriesSummary> => ({
    head,
    align: 'right',
    cell: (summary) => String(countOf(summary)),
  });
  const quantile = (head: 'p50' | 'p95' | 'p99' | 'max'): Column<SeriesSummary> => ({
    head,
    align: 'right',
    cell: (summary) => (summary.latency === null ? '-' : latency(summary.latency[head])),
  });
  const columns = [
    { head: '', cell: ({ series }: SeriesSummary) => nameOf(series) },
    count('ok', ({ samples }) => samples.ok),
    count('failed', ({ samples }) => samples.failed),
    count('void', ({ samples }) => samples.void),
    count('missed', ({ samples }) => samples.missed),
    { ...count('extra', ({ samples }) => samples.extra), spare: true },
    ...(['p50', 'p95', 'p99', 'max'] as const).map(quantile),
  ];
  return table(columns, report.probes, { width });
}

/** Writes each window with its edges, causes and tasks. */
export function windowsSection(report: Report, options: SectionOptions): readonly string[] {
  const { width, paint } = options;
  if (report.windows.length === 0) return ['  None.'];
  const nameOf = seriesNames(report);
  const lines = report.windows.slice(0, MAX_WINDOWS).flatMap((window) => {
    const { kind } = window;
    const word = WINDOW_WORDS[kind];
    const name = isOutage(window) ? paint.bad(word) : paint.warn(word);
    const notes = windowState(window);
    const state = notes === '' ? '' : ` (${notes})`;
    return [
      `  ${name}  ${paint.strong(nameOf(window))}  ${errorBar(window.duration)}${state}`,
      ...edges(window, options).map((line) => `        ${line}`),
      ...wrap(causesText(window), width - 8, '').map((line) => `        ${line}`),
      ...attributionLines(window, options).map((line) => `        ${line}`),
    ];
  });
  const rest = report.windows.length - MAX_WINDOWS;
  return rest > 0 ? [...lines, `  and ${rest} more; the JSON report lists all of them.`] : lines;
}

function edges(
  { start, end, startBy, endBy, probe }: DowntimeWindow,
  { times, width }: SectionOptions,
): readonly string[] {
  const from = `from ${edgeText(start, times)}${startBy === probe ? '' : `, by ${startBy}`}`;
  if (end === null) return [`${from}, not over yet`];
  const to = `${edgeText(end, times)}${endBy === probe ? '' : `, by ${endBy}`}`;
  const line = `${from} to ${to}`;
  return line.length <= width - 8 ? [line] : [from, `to   ${to}`];
}

/** Writes the gaps that Rollwatch caused: first a summary by kind, then each gap. */
export function observationGapsSection(
  { observationGaps: gaps }: Report,
  { width, times, paint }: SectionOptions,
): readonly string[] {
  const shown = gaps.slice(0, MAX_OBSERVATION_GAPS).map((gap) => {
    const head = `${times.time(gap.from)}  ${duration(gapSeconds(gap)).padStart(8)}  `;
    return wrap(`${head}${printableLine(gap.message)}`, width - 2, ' '.repeat(head.length)).map((line) => `  ${line}`);
  });
  const rest = gaps.length - MAX_OBSERVATION_GAPS;
  const more = rest > 0 ? [`  and ${rest} more; the JSON report lists all of them.`] : [];
  return [
    ...wrap(observationGapsSentence(gaps), width - 2).map((line) => paint.dim(`  ${line}`)),
    ...shown.flat(),
    ...more,
  ];
}

/** Summarises gaps by kind: 'stalled once, 1.5 s; suspended 2 times, 60 s.' */
export const observationGapsSentence = (gaps: readonly ObservationGap[]): string =>
  `${[...Map.groupBy(gaps, ({ kind }) => kind)]
    .map(([kind, ofKind]) => {
      const total = ofKind.reduce((sum, gap) => sum + gapSeconds(gap), 0);
      return `${kind} ${ofKind.length === 1 ? 'once' : `${ofKind.length} times`}, ${duration(total)}`;
    })
    .join('; ')}.`;

const gapSeconds = ({ from, until }: ObservationGap): number => (until - from) / 1000;

/** Returns everything that a reader needs to judge the figures or to repeat the measurement. */
export function methodRows({ run, probes }: Report, times: TimeFormat): readonly (readonly [string, string])[] {
  const nameOf = seriesNames({ run });
  const rows: (readonly [string, string])[] = probes.map(({ series }) => [
    nameOf(series),
    `every ${duration(series.interval / 1000)}, slow above ${duration(series.slow / 1000)}`,
  ]);
  rows.push(...Object.entries(run.facts).map(([name, value]) => [printableLine(name), printableLine(value)] as const));
  if (run.sessions.length > 1) {
    for (const session of run.sessions) {
      const state = sessionState(run, session);
      const interval = `${times.day(session.from)} to ${times.time(session.until)}`;
      rows.push([`session ${session.id}`, state === '' ? interval : `${interval}, ${state}`]);
    }
  }
  return rows;
}

export function methodSection(report: Report, { width, times }: SectionOptions): readonly string[] {
  const rows = methodRows(report, times);
  const label = Math.min(24, Math.max(...rows.map(([name]) => name.length)));
  return rows.flatMap(([name, value]) => {
    const head = `${name.padEnd(label)}  `;
    return wrap(`${head}${value}`, width - 2, ' '.repeat(head.length)).map((line) => `  ${line}`);
  });
}

type Checks = Report['checks'][number];

/** Writes a heading per stage, a line for each check that did not pass, and one that summarises Tempest's tests. */
export function checksSection(
  { checks, clouds }: Pick<Report, 'checks' | 'clouds'>,
  options: SectionOptions,
): readonly string[] {
  return checks.flatMap((report) => {
    const place = clouds.length > 1 ? ` ${printableLine(report.cloud)} from ${printableLine(report.vantage)}` : '';
    const { times, paint } = options;
    const result = report.ok ? paint.good('pass') : paint.bad('FAIL');
    return [
      `  ${report.stage}${place}, ${times.time(report.at)}: ${result} (${outcomeSummary(report.checks)})`,
      ...checkLines(report, options, { all: false }),
    ];
  });
}

/** Writes the checks, one by one; `all` includes those that pass, and every test of Tempest. */
export function checkLines(
  { checks }: Pick<Checks, 'checks'>,
  { width, paint }: Pick<SectionOptions, 'width' | 'paint'>,
  { all }: { readonly all: boolean },
): readonly string[] {
  const shown = all ? checks : checksToReport(checks);
  return shown.flatMap((check) => {
    const { status, before } = check;
    const tone =
      status === 'pass' ? paint.good : status === 'skip' ? paint.dim : isRegression(check) ? paint.bad : paint.warn;
    const note = status === 'fail' && before === 'fail' ? ' (also failed before)' : '';
    const text = `${printableLine(check.name)}: ${printableLine(check.detail)}${note}`;
    // The name of a test is not truncated, so that it can be copied.
    const longest = Math.max(...text.split(' ').map(({ length }) => length));
    const [first = '', ...more] = wrap(text, Math.max(width - 10, longest + 2), '  ');
    return [`    ${tone(status.padEnd(4))}  ${first}`, ...more.map((line) => `          ${line}`)];
  });
}
