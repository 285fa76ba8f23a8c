import type { ReportOptions } from '../api/report-format.ts';
import { isOutage } from '../domain/downtime/window.ts';
import type { Report } from '../domain/run/report.ts';
import { type BudgetVerdict, type PhaseVerdict, verdictParts } from '../domain/upgrade/verdict.ts';
import { budgetLimit, measureText, RESULT_WORDS } from '../format/budgets.ts';
import { causeCounts } from '../format/causes.ts';
import { checksToReport } from '../format/checks.ts';
import { affectedText, noteText } from '../format/incidents.ts';
import { printableLine } from '../format/printable.ts';
import { counted, duration, errorBar, percent, span } from '../format/quantities.ts';
import { seriesNames, WINDOW_WORDS } from '../format/run-labels.ts';
import { nameWithHosts } from '../format/task-names.ts';
import { causesText, edgeText, runLine, windowState } from './labels.ts';
import { summarySentences } from './summary.ts';
import { methodRows, observationGapsSentence } from './text/sections.ts';
import { costlyTasks, countedTasks } from './text/tasks-section.ts';
import { type TimeFormat, timeFormatIn } from './time-format.ts';
import { verdictSentences } from './verdict-sentences.ts';

/** A comment on GitHub has at most 65,536 characters. Further rows are only counted; the JSON report has all rows. */
const MAX_WINDOWS = 50;
const MAX_TASKS = 20;

/** Writes the report for a ticket, a merge request or a wiki, with tables for GitHub and GitLab. */
export function reportMarkdown(report: Report, { zone = 'utc' }: ReportOptions): string {
  const times = timeFormatIn(zone, { from: report.run.startedAt, until: report.run.endedAt });
  const [first, ...others] = [...verdictSentences(report.verdict), ...summarySentences(report, times.tenths)].map(
    ({ text }) => plainMarkdown(text),
  );
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : [`### ${title}`, '', ...lines];
  const lines = [
    `**${first}**`,
    '',
    ...others.map((text) => `- ${text}`),
    ...(others.length === 0 ? [] : ['']),
    plainMarkdown(runLine(report, times)),
    '',
    ...section('Incidents', incidents(report, times)),
    ...section('Notes', notes(report, times)),
    ...section('Downtime', downtime(report)),
    ...section('Phases of the upgrade', phases(report, times)),
    ...section('Windows', windows(report, times)),
    ...section('Checks', checks(report, times)),
    ...section('Tasks with downtime', tasks(report, times)),
    ...(report.observationGaps.length === 0
      ? []
      : section('Observation gaps', [plainMarkdown(observationGapsSentence(report.observationGaps)), ''])),
    ...section('How it was measured', method(report, times)),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

/** Lists the checks that did not pass, by stage. */
function checks(report: Report, times: TimeFormat): readonly string[] {
  return report.checks.flatMap(({ stage, cloud, at, ok, checks: all }) => {
    const shown = checksToReport(all);
    const head = `${stage} on ${cloud}, ${times.time(at)}: ${ok ? 'pass' : 'FAIL'}, ${all.filter(({ status }) => status === 'pass').length} of ${all.length} passed`;
    const lines = shown.map(
      ({ name, status, detail }) => `- ${status}: ${plainMarkdown(name)}: ${plainMarkdown(detail)}`,
    );
    return [plainMarkdown(head), '', ...lines, ...(lines.length === 0 ? [] : [''])];
  });
}

function downtime(report: Report): readonly string[] {
  const nameOf = seriesNames(report);
  if (report.probes.length === 0) return [];
  return markdownTable(
    [
      { head: 'series', cell: ({ series }) => plainMarkdown(nameOf(series)) },
      {
        head: 'available',
        align: 'right',
        cell: (summary) => plainMarkdown(percent(summary.availability, summary.windows > 0)),
      },
      { head: 'down', cell: (summary) => errorBar(summary.downtime) },
      { head: 'windows', align: 'right', cell: (summary) => String(summary.windows) },
      { head: 'longest', align: 'right', cell: (summary) => duration(summary.longest) },
      { head: 'slow', align: 'right', cell: (summary) => duration(summary.degraded.estimate) },
      { head: 'unknown', align: 'right', cell: (summary) => duration(summary.unobserved) },
    ],
    report.probes,
  );
}

function incidents(report: Report, times: TimeFormat): readonly string[] {
  if (report.incidents.length === 0) return [];
  const table = markdownTable(
    [
      { head: 'from', cell: ({ start }) => times.tenths(start.estimate) },
      { head: 'lasted', cell: ({ duration: lasted, end }) => `${errorBar(lasted)}${end === null ? ', not over' : ''}` },
      { head: 'affected', cell: (incident) => plainMarkdown(affectedText(incident, report)) },
      { head: 'phase', cell: ({ phase }) => (phase === null ? '-' : plainMarkdown(phase)) },
      { head: 'causes', cell: ({ causes }) => plainMarkdown(causeCounts(causes)) },
      { head: 'attributed to', cell: ({ candidates }) => attributionText(candidates) },
    ],
    report.incidents.slice(0, MAX_WINDOWS),
  );
  return [...table, ...more(report.incidents.length - MAX_WINDOWS)];
}

const notes = ({ notes: all, incidents: found }: Report, times: TimeFormat): readonly string[] =>
  all.length === 0
    ? []
    : [
        ...all.map((note) => {
          const text = noteText(note, { incidents: found, time: times.tenths });
          return `- ${plainMarkdown(`${times.tenths(note.at)}: ${text}`)}`;
        }),
        '',
      ];

type BudgetRow = { readonly phase: PhaseVerdict; readonly budget: BudgetVerdict | null; readonly first: boolean };

/** Writes one row per budget, and one for each phase that has no budget or never started. */
function phases({ verdict }: Report, times: TimeFormat): readonly string[] {
  const all = verdictParts(verdict);
  if (all.length === 0) return [];
  const rows = all.flatMap((phase): readonly BudgetRow[] =>
    phase.budgets.length === 0
      ? [{ phase, budget: null, first: true }]
      : phase.budgets.map((budget, index) => ({ phase, budget, first: index === 0 })),
  );
  return markdownTable(
    [
      { head: 'phase', cell: ({ phase }) => plainMarkdown(phase.name) },
      { head: 'from', cell: ({ phase, first }) => (first ? startOf(phase, times) : '') },
      {
        head: 'took',
        align: 'right',
        cell: ({ phase: { measures }, first }) => (measures === null || !first ? '' : span(measures.elapsed)),
      },
      { head: 'budget', cell: ({ budget }) => (budget === null ? '-' : budgetLimit(budget)) },
      { head: 'measured', cell: ({ budget }) => (budget === null ? '-' : measureText(budget.name, budget.measured)) },
      { head: 'result', cell: resultOf },
    ],
    rows,
  );
}

const startOf = ({ intervals: [first] }: PhaseVerdict, times: TimeFormat): string =>
  first === undefined ? '' : times.time(first.from);

function resultOf({ phase, budget }: BudgetRow): string {
  if (phase.measures === null) return 'not started, not judged';
  const result = budget?.result ?? phase.result ?? 'not-judged';
  const word = `${RESULT_WORDS[result]}${phase.running ? ' so far' : ''}`;
  return result === 'pass' || result === 'not-judged' ? word : `**${word}**`;
}

function windows(report: Report, times: TimeFormat): readonly string[] {
  if (report.windows.length === 0) return ['None.', ''];
  const nameOf = seriesNames(report);
  const table = markdownTable(
    [
      {
        head: '',
        cell: (window) => (isOutage(window) ? `**${WINDOW_WORDS[window.kind]}**` : WINDOW_WORDS[window.kind]),
      },
      { head: 'probe', cell: (window) => plainMarkdown(nameOf(window)) },
      { head: 'from', cell: ({ start }) => edgeText(start, times) },
      { head: 'to', cell: ({ end }) => (end === null ? 'not over yet' : edgeText(end, times)) },
      {
        head: 'duration',
        cell: (window) => `${errorBar(window.duration)}${windowState(window) === '' ? '' : `, ${windowState(window)}`}`,
      },
      { head: 'causes', cell: (window) => plainMarkdown(causesText(window)) },
      { head: 'attributed to', cell: ({ candidates }) => attributionText(candidates) },
      { head: 'phase', cell: ({ phase }) => (phase === null ? '-' : plainMarkdown(phase)) },
    ],
    report.windows.slice(0, MAX_WINDOWS),
  );
  return [...table, ...more(report.windows.length - MAX_WINDOWS)];
}

function attributionText([task, ...others]: Report['windows'][number]['candidates']): string {
  if (task === undefined) return '-';
  return `${plainMarkdown(nameWithHosts(task))}${others.length === 0 ? '' : `, or to ${counted(others.length, 'other')}`}`;
}

function tasks(report: Report, times: TimeFormat): readonly string[] {
  const costly = costlyTasks(report.tasks);
  if (costly.length === 0) return [];
  const table = markdownTable(
    [
      { head: 'task', cell: (task) => plainMarkdown(nameWithHosts(task)) },
      { head: 'from', cell: ({ start }) => times.time(start) },
      { head: 'windows', align: 'right', cell: (task) => String(task.windows) },
      { head: 'attributed', align: 'right', cell: (task) => duration(task.attributedDowntime) },
      { head: 'during', align: 'right', cell: (task) => duration(task.overlappingDowntime) },
    ],
    costly.slice(0, MAX_TASKS),
  );
  return [...table, ...more(costly.length - MAX_TASKS), `${countedTasks(report.tasks)}.`, ''];
}

const more = (rest: number): readonly string[] =>
  rest > 0 ? [`And ${rest} more; the JSON report lists all of them.`, ''] : [];

const method = (report: Report, times: TimeFormat): readonly string[] => {
  const rows = methodRows(report, times);
  if (rows.length === 0) return [];
  return markdownTable(
    [
      { head: 'what', cell: ([name]) => plainMarkdown(name) },
      { head: 'how', cell: ([, value]) => plainMarkdown(value) },
    ],
    rows,
  );
};

/**
 * Written as entities, which have no structural meaning in Markdown or HTML (CommonMark, 2.5) and do not end a table
 * cell.
 */
const ENTITIES = new Set(['&', '<', '>', '|', '`', '\\']);
const ESCAPED = new Set(['*', '_', '[', ']', '#', '~', '$', '{', '}']);

/**
 * GitHub and GitLab find these in the rendered text, so escapes do not help: @somebody would be notified, #1 and
 * https://... linked, and :name: replaced by an emoji. A zero-width space separates each from the text that follows.
 */
const REFERENCES = /[@#!$%~&](?=\S)|(?<!\d):(?=\S)|:(?=[^\s\d])|\bwww(?=\.)/giu;
const ZERO_WIDTH_SPACE = '\u200b';

/** Escapes a text from outside, on one line, so that no part of it is markup, a tag, a link or a column separator. */
export function plainMarkdown(text: string): string {
  const separated = printableLine(text).replaceAll(REFERENCES, `$&${ZERO_WIDTH_SPACE}`);
  const escaped = Array.from(separated, (character) => {
    if (ENTITIES.has(character)) return `&#${character.codePointAt(0)};`;
    if (character === ZERO_WIDTH_SPACE) return '&#8203;';
    return ESCAPED.has(character) ? `\\${character}` : character;
  }).join('');
  // List markers and underlines of headings count at the start of a line only.
  return escaped.replace(/^(\d+)([.)])(?=\s|$)/, '$1\\$2').replace(/^[-+=]/, '\\$&');
}

/** `cell` returns Markdown: figures, fixed words, or the result of `plainMarkdown`. */
export type MarkdownColumn<Row> = {
  readonly head: string;
  readonly align?: 'left' | 'right';
  readonly cell: (row: Row) => string;
};

/** Formats a table, followed by an empty line. */
function markdownTable<Row>(columns: readonly MarkdownColumn<Row>[], rows: readonly Row[]): readonly string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(columns.map(({ head }) => head)),
    line(columns.map(({ align }) => (align === 'right' ? '---:' : '---'))),
    ...rows.map((row) => line(columns.map(({ cell }) => cell(row)))),
    '',
  ];
}
