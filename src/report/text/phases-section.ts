import { MOMENTS_S } from '../../domain/downtime/worst-moments.ts';
import { probeNamed } from '../../domain/probe.ts';
import type { Report } from '../../domain/run/report.ts';
import type { PhaseSeries } from '../../domain/upgrade/phase-measures.ts';
import { BUDGET_NAMES, BUDGETS, isDowntimeBudget } from '../../domain/upgrade/plan.ts';
import { type PhaseVerdict, verdictParts } from '../../domain/upgrade/verdict.ts';
import { budgetSentence, measureText, RESULT_WORDS } from '../../format/budgets.ts';
import { printableLine } from '../../format/printable.ts';
import { duration, grown, latency, percent, span } from '../../format/quantities.ts';
import { seriesNames } from '../../format/run-labels.ts';
import type { TimeFormat } from '../time-format.ts';
import { unjudgedSentence } from '../verdict-sentences.ts';
import { type Column, table, wrap } from './layout.ts';
import type { Paint } from './paint.ts';

type PhaseOptions = { readonly width: number; readonly paint: Paint; readonly times: TimeFormat };

type StartedPhase = PhaseVerdict & { readonly measures: NonNullable<PhaseVerdict['measures']> };

const started = (phases: readonly PhaseVerdict[]): readonly StartedPhase[] =>
  phases.flatMap((phase) => (phase.measures === null ? [] : [{ ...phase, measures: phase.measures }]));

/** Writes a line per phase, the budgets that were not met, and how latencies changed. */
export function phasesSection(report: Report, { width, paint, times }: PhaseOptions): readonly string[] {
  const shown = started(verdictParts(report.verdict));
  if (shown.length === 0) return [];
  const tone = { 'not-judged': paint.dim, pass: paint.good, 'not-proven': paint.warn, fail: paint.bad };
  const columns: readonly Column<StartedPhase>[] = [
    { head: 'phase', cell: ({ name }) => printableLine(name) },
    {
      head: 'verdict',
      cell: ({ result, running }) => `${RESULT_WORDS[result ?? 'not-judged']}${running ? ' so far' : ''}`,
      paint: (padded, { result }) => tone[result ?? 'not-judged'](padded),
    },
    { head: 'from', cell: ({ intervals }) => times.time(intervals[0]?.from ?? 0) },
    { head: 'took', align: 'right', cell: ({ measures }) => span(measures.elapsed) },
    ...BUDGET_NAMES.filter(isDowntimeBudget).flatMap((name): readonly Column<StartedPhase>[] => {
      const { label, countsOverall } = probeNamed(report.probeTypes, BUDGETS[name].probe);
      if (!countsOverall) return [];
      return [{ head: `${label} down`, cell: ({ measures }) => measureText(name, measures[name]) }];
    }),
    {
      head: 'recovered after',
      spare: true,
      cell: ({ measures: { recovery } }) => (recovery === null ? '-' : duration(recovery.estimate)),
    },
  ];
  const notes = shown.flatMap(({ name, budgets }) =>
    budgets
      .filter(({ result, proof }) => result !== 'pass' || proof !== null)
      .flatMap((budget) =>
        wrap(`${printableLine(name)}: ${budgetSentence(budget)}`, width - 2, '  ').map(
          (line) => `  ${budget.result === 'pass' ? paint.dim(line) : tone[budget.result](line)}`,
        ),
      ),
  );
  const unjudged = unjudgedSentence(report.verdict.notJudged);
  const missing = unjudged === '' ? [] : wrap(unjudged, width - 2).map((line) => `  ${line}`);
  return [
    ...table(columns, shown, { width }),
    ...notes,
    ...missing,
    '',
    ...worstMomentsTable(shown, width),
    ...latencyTable(report, started(report.verdict.phases), width),
  ];
}

/** Writes the availability of the worst moments of each phase in which the API was down. */
function worstMomentsTable(phases: readonly StartedPhase[], width: number): readonly string[] {
  const affected = phases.filter(({ measures }) => measures.worst.some(({ availability }) => availability < 1));
  if (affected.length === 0) return [];
  const columns = MOMENTS_S.map(
    (length): Column<StartedPhase> => ({
      head: length < 60 ? `${length} s` : `${length / 60} min`,
      align: 'right',
      cell: ({ measures }) => {
        const found = measures.worst.find(({ seconds }) => seconds === length);
        return found === undefined ? '-' : percent(found.availability, found.availability < 1);
      },
    }),
  );
  const name: Column<StartedPhase> = {
    head: 'API availability in the worst',
    cell: (phase) => printableLine(phase.name),
  };
  return [...table([name, ...columns], affected, { width }), ''];
}

type Row = { readonly phase: string; readonly latencies: PhaseSeries };

/** Compares latencies during each phase with those before the upgrade. */
function latencyTable(report: Report, phases: readonly StartedPhase[], width: number): readonly string[] {
  const nameOf = seriesNames(report);
  const rows = phases.flatMap(({ name, measures }) =>
    measures.series
      .filter(({ during }) => during !== null)
      .map((latencies): Row => ({ phase: printableLine(name), latencies })),
  );
  if (rows.length === 0) return [];
  const column = (head: 'p50' | 'p95' | 'p99'): Column<Row> => ({
    head: `${head} before → during`,
    cell: ({ latencies: { before, during } }) =>
      during === null
        ? '-'
        : `${before === null ? '-' : latency(before[head])} → ${latency(during[head])}${grown(before?.[head], during[head])}`,
  });
  return table(
    [
      { head: 'latency', cell: ({ phase }) => phase },
      { head: '', cell: ({ latencies }) => nameOf(latencies.series) },
      column('p50'),
      column('p95'),
      { ...column('p99'), spare: true },
    ],
    rows,
    { width },
  );
}
