import type { ReportOptions } from '../api/report-format.ts';
import type { Report } from '../domain/run/report.ts';
import { causeCounts } from '../format/causes.ts';
import { nameWithHosts } from '../format/task-names.ts';
import { runLine } from './labels.ts';
import { plainMarkdown } from './markdown.ts';
import { summarySentences } from './summary.ts';
import { type TimeFormat, timeFormatIn } from './time-format.ts';
import { verdictSentences } from './verdict-sentences.ts';

/** Further sentences are only counted: with several clouds, there is one for each. */
const MAX_SENTENCES = 4;

/** Writes a summary for a ticket in at most five lines of Markdown: verdict, incidents, cause, run, link. */
export function reportTicket(report: Report, { zone = 'utc', link }: ReportOptions): string {
  const times = timeFormatIn(zone, { from: report.run.startedAt, until: report.run.endedAt });
  const [verdict] = verdictSentences(report.verdict);
  const running = report.run.running ? ' The run is not over.' : '';
  const items = [
    plainMarkdown(incidents(report, times)),
    ...cause(report, times).map(plainMarkdown),
    plainMarkdown(runLine(report, times)),
    // The URL standard encodes whatever could end the link.
    ...(link === undefined ? [] : [`<${new URL(link).href}>`]),
  ];
  const head = plainMarkdown(`${verdict?.text ?? 'No verdict: no plan judged this run.'}${running}`);
  return `${[`**${head}**`, ...items.map((item) => `- ${item}`)].join('\n')}\n`;
}

/** Says what was wrong; if nothing was, what was not. */
function incidents(report: Report, times: TimeFormat): string {
  const sentences = summarySentences(report, times.tenths);
  const wrong = sentences.filter(({ tone }) => tone !== 'good');
  const texts = (wrong.length > 0 ? wrong : sentences).map(({ text }) => text);
  const more = texts.length > MAX_SENTENCES ? ` And ${texts.length - MAX_SENTENCES} more.` : '';
  return `${texts.slice(0, MAX_SENTENCES).join(' ')}${more}`;
}

/** Says why it happened; with several incidents, why the longest did. */
function cause(report: Report, times: TimeFormat): readonly string[] {
  const [incident, ...others] = report.incidents.toSorted((a, b) => b.duration.estimate - a.duration.estimate);
  if (incident === undefined) return [];
  const [task] = incident.candidates;
  const attributed = task === undefined ? 'no task was running' : `attributed to ${nameWithHosts(task)}`;
  const which = others.length === 0 ? '' : ` of the longest incident, from ${times.tenths(incident.start.estimate)}`;
  return [`Cause${which}: ${causeCounts(incident.causes)}; ${attributed}.`];
}
