import type { ReportFormat, SampleFormat } from '../api/report-format.ts';
import { reportCsv, sampleCsv, sampleCsvHead } from './csv.ts';
import { reportHtml } from './html.ts';
import { reportJson, sampleJson } from './json.ts';
import { reportJunit } from './junit.ts';
import { reportMarkdown } from './markdown.ts';
import { reportText } from './text/text.ts';
import { reportTicket } from './ticket.ts';

/** The first format is the default. */
export const REPORT_FORMATS: readonly [ReportFormat, ...ReportFormat[]] = [
  { name: 'json', contentType: 'application/json; charset=utf-8', write: reportJson },
  { name: 'text', contentType: 'text/plain; charset=utf-8', write: reportText },
  { name: 'junit', contentType: 'application/xml; charset=utf-8', write: reportJunit },
  { name: 'markdown', contentType: 'text/markdown; charset=utf-8', write: reportMarkdown },
  { name: 'ticket', contentType: 'text/markdown; charset=utf-8', write: reportTicket },
  { name: 'html', contentType: 'text/html; charset=utf-8', draws: true, write: reportHtml },
  { name: 'csv', contentType: 'text/csv; charset=utf-8; header=present', write: reportCsv },
];

export const SAMPLE_FORMATS: readonly [SampleFormat, ...SampleFormat[]] = [
  { name: 'jsonl', contentType: 'application/x-ndjson; charset=utf-8', head: '', line: sampleJson },
  { name: 'csv', contentType: 'text/csv; charset=utf-8; header=present', head: sampleCsvHead, line: sampleCsv },
];
