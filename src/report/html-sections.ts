import type { PhaseSeries } from '../domain/phase-measures.ts';
import type { Report, SeriesSummary } from '../domain/summary.ts';
import type { Bracket } from '../domain/time.ts';
import { html, type Markup } from './html-markup.ts';
import { htmlTable, left } from './html-table.ts';
import type { Moments } from './moments.ts';
import { seriesNames } from './names.ts';
import { counted, duration, errorBar, latency, percent } from './quantities.ts';
import { costlyTasks, taskName } from './tasks-section.ts';
import { causesText, edgeText, windowState } from './window-words.ts';

/** More nobody reads, and a page has to open on a phone. */
const WINDOWS = 200;
const TASKS = 100;

export function windowsPart(report: Report, moments: Moments): Markup {
  if (report.windows.length === 0) return html`<p>None.</p>`;
  const nameOf = seriesNames(report);
  const edge = (bracket: Bracket | null): string | Markup =>
    bracket === null ? 'not over yet' : stacked(edgeText(bracket, moments));
  const table = htmlTable(
    'When each series was down or slow, from and to with the brackets in which the true moments lie.',
    [
      {
        head: 'Series',
        names: true,
        cell: (one) =>
          html`${chip(one.kind === 'down' ? 'bad' : 'warn', one.kind === 'down' ? 'DOWN' : 'slow')}<span class="series">${nameOf(one)}</span>`,
      },
      { head: 'From', kind: 'figure', cell: ({ start }) => edge(start) },
      { head: 'To', kind: 'figure', cell: ({ end }) => edge(end) },
      { head: 'Duration', kind: 'figure', cell: durationCell },
      { head: 'Causes', cell: causesText },
      { head: 'Began in', cell: ({ candidates }) => blame(candidates) },
      { head: 'Phase', cell: ({ phase }) => phase ?? '-' },
    ],
    report.windows.slice(0, WINDOWS),
  );
  return html`${table}${left(report.windows.length, WINDOWS)}`;
}

/** What is in brackets stands below in small letters. */
function stacked(text: string, note = ''): Markup {
  const [large = '', ...small] = text.split(' (');
  const below = small.length === 0 ? null : html`<small>${small.join(' (').replace(/\)$/, '')}</small>`;
  return html`<span>${large}${below}${note === '' ? null : html`<small>${note}</small>`}</span>`;
}

const durationCell = (one: Report['windows'][number]): Markup => stacked(errorBar(one.duration), windowState(one));

export const chip = (tone: 'good' | 'warn' | 'bad', text: string): Markup =>
  html`<span class="chip ${tone}">${text}</span>`;

function blame([task, ...others]: Report['windows'][number]['candidates']): string | Markup {
  if (task === undefined) return '-';
  if (others.length === 0) return taskName(task);
  return html`<span>${taskName(task)}<small>or in ${counted(others.length, 'other')}</small></span>`;
}

export function tasksPart(report: Report, moments: Moments): Markup {
  const costly = costlyTasks(report.tasks);
  const all = html`<p class="note">${counted(report.tasks.length, 'task')} in all${costly.length === 0 ? '; no downtime began in any, or fell into it' : ''}.</p>`;
  if (costly.length === 0) return all;
  const table = htmlTable(
    'Dearest first: the downtime that began in a task, and what was down while it ran.',
    [
      { head: 'Task', names: true, cell: taskName },
      { head: 'From', kind: 'figure', cell: ({ start }) => moments.time(start) },
      { head: 'Windows', kind: 'number', cell: (one) => String(one.windows) },
      { head: 'Began in it', kind: 'number', cell: (one) => duration(one.downtimeBegan) },
      { head: 'While it ran', kind: 'number', cell: (one) => duration(one.downtimeInside) },
    ],
    costly.slice(0, TASKS),
  );
  return html`${table}${left(costly.length, TASKS)}${all}`;
}

export function seriesPart(report: Report): Markup {
  const nameOf = seriesNames(report);
  return htmlTable(
    'Downtime with its error bar; unknown is time without a valid sample.',
    [
      { head: 'Series', names: true, cell: ({ series }) => nameOf(series) },
      { head: 'Available', kind: 'number', cell: (one) => percent(one.availability, one.windows > 0) },
      { head: 'Down', kind: 'figure', cell: (one) => errorBar(one.downtime) },
      { head: 'Windows', kind: 'number', cell: (one) => String(one.windows) },
      { head: 'Longest', kind: 'number', cell: (one) => duration(one.longest) },
      { head: 'Slow', kind: 'number', cell: (one) => duration(one.degraded.estimate) },
      { head: 'Unknown', kind: 'number', cell: (one) => duration(one.unobserved) },
    ],
    report.probes,
  );
}

export function samplesPart(report: Report): Markup {
  const nameOf = seriesNames(report);
  const quantile = (head: 'p50' | 'p95' | 'p99' | 'max') => ({
    head,
    kind: 'number' as const,
    cell: (one: SeriesSummary) => (one.latency === null ? '-' : latency(one.latency[head])),
  });
  const count = (head: string, value: (one: SeriesSummary['samples']) => number) => ({
    head,
    kind: 'number' as const,
    cell: ({ samples }: SeriesSummary) => String(value(samples)),
  });
  return htmlTable(
    'Samples by what they found, and how long the ok ones took.',
    [
      { head: 'Series', names: true, cell: ({ series }) => nameOf(series) },
      count('Ok', (one) => one.ok),
      count('Failed', (one) => one.failed),
      count('Void', (one) => one.void),
      ...(['p50', 'p95', 'p99', 'max'] as const).map(quantile),
    ],
    report.probes,
  );
}

type Row = { readonly phase: string; readonly one: PhaseSeries };

/** How answers slowed down; null where no phase has any. */
export function latencyPart(report: Report): Markup | null {
  const nameOf = seriesNames(report);
  const rows = report.verdict.phases.flatMap(({ name, measures }) =>
    (measures?.series ?? []).filter(({ during }) => during !== null).map((one): Row => ({ phase: name, one })),
  );
  if (rows.length === 0) return null;
  const change = (head: 'p50' | 'p95' | 'p99') => ({
    head,
    kind: 'number' as const,
    cell: ({ one: { before, during } }: Row) =>
      `${before === null ? '-' : latency(before[head])} → ${during === null ? '-' : latency(during[head])}`,
  });
  return htmlTable(
    'Answer times before the first phase → during each phase, of ok samples.',
    [
      { head: 'Phase', names: true, cell: ({ phase }) => phase },
      { head: 'Series', cell: ({ one }) => nameOf(one.series) },
      ...(['p50', 'p95', 'p99'] as const).map(change),
    ],
    rows,
  );
}
