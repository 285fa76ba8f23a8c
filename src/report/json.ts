import { type ReportFace, reportFace } from '../domain/faces/report.ts';
import type { ReportOptions } from '../domain/formats.ts';
import type { Report } from '../domain/summary.ts';
import { printableJson } from '../domain/words/printable.ts';
import { verdictSentences } from './phases-section.ts';
import { verdict } from './verdict.ts';

type JsonOptions = Pick<ReportOptions, 'tasks'>;

/** The report as docs/report.md tells it: ISO moments in UTC, durations in seconds. Ends with a line break. */
export const reportJson = (report: Report, options: JsonOptions = {}): string =>
  `${printableJson(reportData(report, options), 2)}\n`;

export const reportData = (report: Report, { tasks = 'all' }: JsonOptions = {}): ReportFace =>
  reportFace(report, { summary: [...verdictSentences(report.verdict), ...verdict(report)], tasks });
