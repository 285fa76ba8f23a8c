import { toApiErrorBar } from '../../api/shared.ts';
import type { Measured } from '../../domain/downtime/window.ts';
import type { ProbeDescription } from '../../domain/probe.ts';
import { type Comparison, type RunFigures, trend } from '../../domain/run/comparison.ts';
import { toIso } from '../../domain/time.ts';
import { RESULT_WORDS } from '../../format/budgets.ts';
import { printableJson, printableLine } from '../../format/printable.ts';
import { errorBar, span } from '../../format/quantities.ts';
import { timeFormatIn } from '../time-format.ts';
import { type Column, table, wrap } from './layout.ts';
import { createPaint } from './paint.ts';

type Options = { readonly colour: boolean; readonly width: number; readonly zone?: string };

type Row = { readonly head: string; readonly now: RunFigures | null; readonly before: RunFigures | null };

const ARROWS = { better: ' better', same: '', worse: ' worse' };

/**
 * Compares runs as text: one line per run, overall and per phase. A change is marked if the error bars do not overlap.
 */
export function comparisonText(
  { runs, phases, probeTypes }: Comparison,
  { colour, width, zone = 'utc' }: Options,
): string {
  const paint = createPaint(colour);
  const from = Math.min(...runs.map(({ startedAt }) => startedAt));
  const until = Math.max(...runs.map(({ startedAt, elapsed }) => startedAt + elapsed * 1000));
  const times = timeFormatIn(zone, { from, until });
  const heads = runs.map(({ startedAt, clouds }) => `${times.day(startedAt)}  ${clouds.map(printableLine).join(', ')}`);
  const rowsOf = (figures: readonly (RunFigures | null)[]): readonly Row[] =>
    figures.map((now, index) => ({ head: heads[index] ?? '', now, before: previousOf(figures, index) }));
  const down = ({ name, label }: ProbeDescription): Column<Row> => ({
    head: `${label} down`,
    cell: ({ now, before }) => {
      const value = now?.downtime.get(name);
      const earlier = before?.downtime.get(name);
      return value === undefined
        ? '-'
        : `${errorBar(value)}${earlier === undefined ? '' : ARROWS[trend(earlier, value)]}`;
    },
    paint: (padded) =>
      padded.includes('worse') ? paint.bad(padded) : padded.includes('better') ? paint.good(padded) : padded,
  });
  const columns: readonly Column<Row>[] = [
    { head: 'run', cell: ({ head }) => head },
    { head: 'took', align: 'right', cell: ({ now }) => (now === null ? '-' : span(now.elapsed)) },
    ...probeTypes.filter(({ countsOverall }) => countsOverall).map(down),
    {
      head: 'verdict',
      cell: ({ now }) => (now === null ? 'not started' : now.result === null ? '-' : RESULT_WORDS[now.result]),
    },
  ];
  const section = (title: string, rows: readonly Row[]) => [
    paint.strong(title),
    ...(fits(columns, rows, width) ? table(columns, rows, { width }) : stacked(columns, rows, width)),
    '',
  ];
  return [
    ...section('The whole run', rowsOf(runs)),
    ...phases.flatMap(({ name, runs: figures }) => section(`Phase ${printableLine(name)}`, rowsOf(figures))),
    ...wrap(
      "'better' and 'worse' are relative to the previous run, and are shown only if the error bars do not overlap.",
      width,
    ).map(paint.dim),
    '',
  ].join('\n');
}

function fits(columns: readonly Column<Row>[], rows: readonly Row[], width: number): boolean {
  const plain = columns.map(({ head, cell }) => ({ head, cell }));
  return table(plain, rows, { width: Number.POSITIVE_INFINITY }).every((line) => line.length <= width);
}

/** Writes one line per figure if the terminal is too narrow for a table, as figures must not be truncated. */
function stacked([run, ...columns]: readonly Column<Row>[], rows: readonly Row[], width: number): readonly string[] {
  const label = Math.max(...columns.map(({ head }) => head.length));
  return rows.flatMap((row) => [
    ...wrap(run?.cell(row) ?? '', width - 2).map((line) => `  ${line}`),
    ...columns.flatMap(({ head, cell, paint = (text: string) => text }) =>
      wrap(`${head.padEnd(label)}  ${cell(row)}`, width - 4, '  ').map((line) => `    ${paint(line, row)}`),
    ),
  ]);
}

/** Returns the figures of the latest earlier run that has any. */
const previousOf = (figures: readonly (RunFigures | null)[], index: number): RunFigures | null =>
  figures.slice(0, index).findLast((earlier) => earlier !== null) ?? null;

const trendOf = (before: Measured | undefined, now: Measured) => (before === undefined ? null : trend(before, now));

const figuresJson = ({ result, elapsed, downtime: byProbe }: RunFigures, before: RunFigures | null) => ({
  result,
  elapsedSeconds: elapsed,
  probes: Object.fromEntries(
    [...byProbe].map(([probe, downtime]) => [
      probe,
      { downtimeSeconds: toApiErrorBar(downtime), trend: trendOf(before?.downtime.get(probe), downtime) },
    ]),
  ),
});

export function comparisonJson({ runs, phases }: Comparison): string {
  const withTrends = (figures: readonly (RunFigures | null)[]) =>
    figures.map((run, index) => run && figuresJson(run, previousOf(figures, index)));
  const wholeRuns = withTrends(runs);
  return `${printableJson(
    {
      runs: runs.map(({ id, startedAt, clouds }, index) => ({
        id,
        startedAt: toIso(startedAt),
        clouds,
        ...wholeRuns[index],
      })),
      phases: phases.map(({ name, runs: figures }) => ({ name, runs: withTrends(figures) })),
    },
    2,
  )}\n`;
}
