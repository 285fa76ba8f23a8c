import type { Sentence } from '../domain/faces/report.ts';
import type { PhaseSeries } from '../domain/phase-measures.ts';
import type { Report } from '../domain/summary.ts';
import type { PhaseVerdict, Verdict } from '../domain/verdict.ts';
import { budgetSentence, RESULT_WORDS } from '../domain/words/budgets.ts';
import { printableLine } from '../domain/words/printable.ts';
import { duration, errorBar, latency, span } from '../domain/words/quantities.ts';
import { type Column, table, wrap } from './layout.ts';
import type { Moments } from './moments.ts';
import { seriesNames } from './names.ts';
import type { Paint } from './paint.ts';

type PhaseOptions = { readonly width: number; readonly paint: Paint; readonly moments: Moments };

type Begun = PhaseVerdict & { readonly measures: NonNullable<PhaseVerdict['measures']> };

const begun = (phases: readonly PhaseVerdict[]): readonly Begun[] =>
  phases.flatMap((phase) => (phase.measures === null ? [] : [{ ...phase, measures: phase.measures }]));

/** What a person asks first of an upgrade: did it keep its promises. Nothing where no phase began. */
export function verdictSentences({ plan, result, phases }: Verdict): readonly Sentence[] {
  if (result === null || plan === null) return [];
  const named = (wanted: PhaseVerdict['result']) =>
    phases.filter((one) => one.result === wanted).map(({ name }) => printableLine(name));
  if (result === 'pass')
    return [{ text: `PASS: every phase kept what ${printableLine(plan)} promises.`, tone: 'good' }];
  if (result === 'fail') {
    return [{ text: `FAIL: ${named('fail').join(', ')} cost more than ${printableLine(plan)} promises.`, tone: 'bad' }];
  }
  const which = named('not-proven').join(', ');
  return [{ text: `NOT PROVEN: ${which} may have cost more than ${printableLine(plan)} promises.`, tone: 'warn' }];
}

/** A line a phase, what is not within its budget, and how latencies changed. */
export function phasesSection(report: Report, { width, paint, moments }: PhaseOptions): readonly string[] {
  const { phases } = report.verdict;
  const shown = begun(phases);
  if (shown.length === 0) return [];
  const tone = { pass: paint.good, 'not-proven': paint.warn, fail: paint.bad };
  const columns: readonly Column<Begun>[] = [
    { head: 'phase', cell: ({ name }) => printableLine(name) },
    {
      head: 'verdict',
      cell: ({ result, running }) => `${RESULT_WORDS[result ?? 'pass']}${running ? ' so far' : ''}`,
      paint: (padded, { result }) => tone[result ?? 'pass'](padded),
    },
    { head: 'from', cell: ({ stretches }) => moments.time(stretches[0]?.from ?? 0) },
    { head: 'took', align: 'right', cell: ({ measures }) => span(measures.elapsed) },
    { head: 'API down', cell: ({ measures }) => errorBar(measures.api_downtime) },
    { head: 'boot down', cell: ({ measures }) => errorBar(measures.boot_downtime) },
    {
      head: 'recovered after',
      spare: true,
      cell: ({ measures: { recovery } }) => (recovery === null ? '-' : duration(recovery.estimate)),
    },
  ];
  const notes = shown.flatMap(({ name, budgets }) =>
    budgets
      .filter(({ result }) => result !== 'pass')
      .flatMap((one) =>
        wrap(`${printableLine(name)}: ${budgetSentence(one)}`, width - 2, '  ').map(
          (line) => `  ${tone[one.result](line)}`,
        ),
      ),
  );
  const never = phases.filter(({ measures }) => measures === null).map(({ name }) => printableLine(name));
  const missing = never.length === 0 ? [] : [`  not begun, not judged: ${never.join(', ')}`];
  return [...table(columns, shown, { width }), ...notes, ...missing, '', ...latencyTable(report, shown, width)];
}

type Row = { readonly phase: string; readonly one: PhaseSeries };

/** Before the upgrade against during it. */
function latencyTable(report: Report, phases: readonly Begun[], width: number): readonly string[] {
  const nameOf = seriesNames(report);
  const rows = phases.flatMap(({ name, measures }) =>
    measures.series.filter(({ during }) => during !== null).map((one): Row => ({ phase: printableLine(name), one })),
  );
  if (rows.length === 0) return [];
  const column = (head: 'p50' | 'p95' | 'p99'): Column<Row> => ({
    head: `${head} before > during`,
    cell: ({ one: { before, during } }) =>
      during === null
        ? '-'
        : `${before === null ? '-' : latency(before[head])} > ${latency(during[head])}${grown(before?.[head], during[head])}`,
  });
  return table(
    [
      { head: 'answered in', cell: ({ phase }) => phase },
      { head: '', cell: ({ one }) => nameOf(one.series) },
      column('p50'),
      column('p95'),
      { ...column('p99'), spare: true },
    ],
    rows,
    { width },
  );
}

/** ' x1.4' */
const grown = (before: number | undefined, during: number): string =>
  before === undefined || before <= 0 ? '' : ` x${(during / before).toFixed(1)}`;
