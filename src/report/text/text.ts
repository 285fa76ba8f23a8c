import type { ReportOptions } from '../../api/report-format.ts';
import type { Report } from '../../domain/run/report.ts';
import { runLine } from '../labels.ts';
import { summarySentences } from '../summary.ts';
import { timeFormatIn } from '../time-format.ts';
import { verdictSentences } from '../verdict-sentences.ts';
import { incidentsSection, notesSection } from './incidents-section.ts';
import { isUnbounded, wrap } from './layout.ts';
import { createPaint } from './paint.ts';
import { phasesSection } from './phases-section.ts';
import {
  checksSection,
  downtimeSection,
  methodSection,
  observationGapsSection,
  samplesSection,
  windowsSection,
} from './sections.ts';
import { tasksSection } from './tasks-section.ts';
import { timeline } from './timeline.ts';

/** Wider lines are hard to read. */
const MAX_WIDTH = 200;
const MIN_WIDTH = 60;

/** Writes the report for a reader: first what happened, then when, then how it was measured. Ends with a line break. */
export function reportText(report: Report, { colour, width, zone = 'utc' }: ReportOptions): string {
  const options = {
    width: isUnbounded(width) ? width : Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, Math.floor(width))),
    paint: createPaint(colour),
    times: timeFormatIn(zone, { from: report.run.startedAt, until: report.run.endedAt }),
  };
  const { paint } = options;
  const section = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? [] : ['', paint.strong(title), ...lines];
  const sentences = [...verdictSentences(report.verdict), ...summarySentences(report, options.times.tenths)].flatMap(
    ({ text, tone }) => wrap(text, options.width).map((line) => paint[tone](line)),
  );
  const lines = [
    ...sentences,
    '',
    ...wrap(runLine(report, options.times), options.width).map((line) => paint.dim(line)),
    ...section('Incidents', incidentsSection(report, options)),
    ...section('Notes', notesSection(report, options)),
    ...section('Timeline', timeline(report, options)),
    ...(report.probes.length === 0 ? [] : section('Downtime', downtimeSection(report, options))),
    ...section('Phases of the upgrade', phasesSection(report, options)),
    ...section('Windows', windowsSection(report, options)),
    ...section('Checks', checksSection(report, options)),
    ...section('Tasks with downtime', tasksSection(report, options)),
    ...(report.probes.length === 0 ? [] : section('Samples and latency', samplesSection(report, options))),
    ...(report.servers.created === 0 ? [] : section('Servers', [serversLine(report)])),
    ...(report.observationGaps.length === 0
      ? []
      : section('Observation gaps', observationGapsSection(report, options))),
    ...(report.probes.length === 0 ? [] : section('How it was measured', methodSection(report, options))),
  ];
  return `${lines.join('\n')}\n`;
}

const serversLine = ({ servers: { created, deleted, leaked } }: Report): string =>
  `  ${created} created, ${deleted} deleted, ${leaked} left behind`;
