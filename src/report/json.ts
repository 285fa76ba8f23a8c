import { type ApiReport, toApiReport } from '../api/report.ts';
import type { ReportOptions } from '../api/report-format.ts';
import { toApiSample } from '../api/sample.ts';
import type { Report } from '../domain/run/report.ts';
import type { Sample } from '../domain/sample.ts';
import { utcTime } from '../format/incidents.ts';
import { printableJson } from '../format/printable.ts';
import { summarySentences } from './summary.ts';
import { verdictSentences } from './verdict-sentences.ts';

type JsonOptions = Pick<ReportOptions, 'tasks'>;

/** Writes the report as docs/report.md describes it. Ends with a line break. */
export const reportJson = (report: Report, options: JsonOptions = {}): string =>
  `${printableJson(reportData(report, options), 2)}\n`;

export const reportData = (report: Report, { tasks = 'all' }: JsonOptions = {}): ApiReport =>
  toApiReport(report, {
    summary: [
      ...verdictSentences(report.verdict),
      ...summarySentences(report, utcTime({ from: report.run.startedAt, until: report.run.endedAt })),
    ],
    tasks,
  });

/** Writes a sample as a JSON object on a line of its own. */
export const sampleJson = (sample: Sample): string => `${printableJson(toApiSample(sample))}\n`;
