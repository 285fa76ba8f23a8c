import type { ReportOptions } from '../api/report-format.ts';
import type { Report } from '../domain/run/report.ts';
import { errorBar } from '../format/quantities.ts';
import { seriesNames } from '../format/run-labels.ts';
import { STATE_WORDS } from '../format/states.ts';
import { causesText, runLine } from './labels.ts';
import { plainMarkdown } from './markdown.ts';
import { summarySentences } from './summary.ts';
import { nameWithHosts } from './text/tasks-section.ts';
import { type TimeFormat, timeFormatIn } from './time-format.ts';
import { verdictSentences } from './verdict-sentences.ts';

/** Further sentences are only counted: with several clouds, there is one for each. */
const MAX_SENTENCES = 4;

/** Writes a summary for a ticket in at most five lines of Markdown: verdict, outages, cause, run, link. */
export function reportTicket(report: Report, { zone = 'utc', link }: ReportOptions): string {
  const times = timeFormatIn(zone, { from: report.run.startedAt, until: report.run.endedAt });
  const [verdict] = verdictSentences(report.verdict);
  const running = report.run.running ? ' The run is not over.' : '';
  const items = [
    plainMarkdown(outages(report)),
    ...longest(report, times).map(plainMarkdown),
    plainMarkdown(runLine(report, times)),
    // The URL standard encodes whatever could end the link.
    ...(link === undefined ? [] : [`<${new URL(link).href}>`]),
  ];
  const head = plainMarkdown(`${verdict?.text ?? 'No verdict: no plan judged this run.'}${running}`);
  return `${[`**${head}**`, ...items.map((item) => `- ${item}`)].join('\n')}\n`;
}

/** Says what was wrong; if nothing was, what was not. */
function outages(report: Report): string {
  const sentences = summarySentences(report);
  const wrong = sentences.filter(({ tone }) => tone === 'bad');
  const texts = (wrong.length > 0 ? wrong : sentences).map(({ text }) => text);
  const more = texts.length > MAX_SENTENCES ? ` And ${texts.length - MAX_SENTENCES} more.` : '';
  return `${texts.slice(0, MAX_SENTENCES).join(' ')}${more}`;
}

/** Describes the longest down window: when, why, and which task it is attributed to. */
function longest(report: Report, times: TimeFormat): readonly string[] {
  const [window] = report.windows
    .filter(({ kind }) => kind === 'down')
    .toSorted((a, b) => b.duration.estimate - a.duration.estimate);
  if (window === undefined) return [];
  const [task] = window.candidates;
  const attributed = task === undefined ? 'no task was running' : `attributed to ${nameWithHosts(task)}`;
  const end = window.end === null ? ', not over yet' : ` to ${times.exact(window.end.estimate)}`;
  const when = `${times.exact(window.start.estimate)}${end}`;
  return [
    `Longest: ${STATE_WORDS.down} ${seriesNames(report)(window)} ${errorBar(window.duration)}, ${when}. ${causesText(window)}; ${attributed}.`,
  ];
}
