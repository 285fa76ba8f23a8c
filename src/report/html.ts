import type { ReportOptions } from '../domain/formats.ts';
import type { ProbeName } from '../domain/sample.ts';
import type { Report } from '../domain/summary.ts';
import type { Seconds } from '../domain/window.ts';
import { html, type Markup } from './html-markup.ts';
import { phasesPart } from './html-phases.ts';
import { latencyPart, samplesPart, seriesPart, tasksPart, windowsPart } from './html-sections.ts';
import { HTML_STYLE } from './html-style.ts';
import { htmlTable } from './html-table.ts';
import { htmlTimeline } from './html-timeline.ts';
import { type Moments, momentsIn } from './moments.ts';
import { verdictSentences } from './phases-section.ts';
import { duration, errorBar, span } from './quantities.ts';
import { runLine } from './run-line.ts';
import { marksSentence, methodRows } from './sections.ts';
import { verdict } from './verdict.ts';

/** The browser is told too that nothing may run here and nothing be fetched. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/** The report as one file to send around: no script, nothing fetched; for a screen, a phone and paper. */
export function reportHtml(report: Report, { zone = 'utc' }: ReportOptions): string {
  const moments = momentsIn(zone, { from: report.run.startedAt, until: report.run.endedAt });
  const watched = report.probes.length > 0;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Rollwatch: ${report.run.clouds.join(', ')}, ${moments.day(report.run.startedAt)}</title>
<style>${{ markup: HTML_STYLE }}</style>
</head>
<body>
<main>
${heading(report, moments)}${watched ? figures(report) : null}${section('Timeline', htmlTimeline(report, moments), 'timeline')}${section('Phases of the upgrade', phasesPart(report, moments))}${section('Windows', windowsPart(report, moments))}${report.tasks.length === 0 ? null : section('Tasks of the upgrade', tasksPart(report, moments))}${watched ? section('Downtime by series', seriesPart(report)) : null}${section('Latency before and during', latencyPart(report))}${watched ? section('Samples and latency', samplesPart(report)) : null}${section('How it was measured', method(report, moments))}</main>
</body>
</html>
`;
  return page.markup;
}

const section = (title: string, body: Markup | null, id: string | null = null): Markup | null =>
  body === null
    ? null
    : html`<section>\n<h2${id === null ? null : html` id="${id}"`}>${title}</h2>\n${body}</section>\n`;

/** The first sentence is the worst news, and gives the whole its colour. */
function heading(report: Report, moments: Moments): Markup {
  const [first, ...others] = [...verdictSentences(report.verdict), ...verdict(report)];
  const rest = others.map(({ text, tone }) => html`<li class="${tone}">${text}</li>`);
  return html`<header class="${first?.tone ?? 'warn'}">
<p class="brand">Rollwatch report</p>
<h1>${first?.text ?? ''}</h1>
${rest.length === 0 ? null : html`<ul>${rest}</ul>\n`}<p class="run">${runLine(report, moments)}</p>
</header>
`;
}

function figures({ overall, probes, run }: Report): Markup {
  const has = (probe: ProbeName) => probes.some(({ series }) => series.probe === probe);
  const downtime = (name: string, probe: ProbeName, value: Seconds) =>
    has(probe) ? [figure(name, errorBar(value))] : [];
  return html`<dl class="figures">
${[
  ...downtime('API downtime', 'server-list', overall.api),
  ...downtime('Boot downtime', 'server-boot', overall.boot),
  ...downtime('Token downtime', 'token', overall.token),
  figure('Longest window', duration(overall.longest)),
  figure('Watched', `${span((run.endedAt - run.startedAt) / 1000)} (${duration(overall.unobserved)} unobserved)`),
]}</dl>
`;
}

/** What is in brackets stands below in small letters. */
function figure(name: string, value: string): Markup {
  const [large = '', small] = value.split(' (');
  return html`<div><dt>${name}</dt><dd>${large}<small>${small === undefined ? '' : small.replace(')', '')}</small></dd></div>\n`;
}

function method(report: Report, moments: Moments): Markup | null {
  const rows = methodRows(report, moments);
  if (rows.length === 0 && report.marks.length === 0) return null;
  const { created, deleted, leaked } = report.servers;
  const notes = [
    ...(created === 0 ? [] : [`Servers: ${created} created, ${deleted} deleted, ${leaked} left behind.`]),
    ...(report.marks.length === 0 ? [] : [`Our own gaps: ${marksSentence(report.marks)}`]),
  ];
  const table = htmlTable(
    'What a reader needs to judge the figures, or to measure the same again.',
    [
      { head: 'What', names: true, cell: ([name]) => name },
      { head: 'How', cell: ([, value]) => value },
    ],
    rows,
  );
  return html`${table}${notes.map((one) => html`<p class="note">${one}</p>\n`)}`;
}
