import { createDrawing } from '../api/drawing.ts';
import type { ReportOptions } from '../api/report-format.ts';
import type { Report } from '../domain/run/report.ts';
import { printableLine } from '../format/printable.ts';
import { counted } from '../format/quantities.ts';
import { reportData } from './json.ts';
import { fileDocument, readPageFiles } from './page-document.ts';
import { reportText } from './text/text.ts';
import { reportTicket } from './ticket.ts';
import { timeFormatIn } from './time-format.ts';

/** Writes the page with the report as one file, to share and open offline. */
export function reportHtml(report: Report, options: ReportOptions): string {
  const { zone = 'utc', drawing = createDrawing(report).finish() } = options;
  const times = timeFormatIn(zone, { from: report.run.startedAt, until: report.run.endedAt });
  return fileDocument({
    ...readPageFiles(),
    title: `Rollwatch: ${cloudsText(report)}, ${times.day(report.run.startedAt)}`,
    text: reportText(report, { ...options, colour: false, width: Number.POSITIVE_INFINITY }),
    data: {
      report: reportData(report, { tasks: 'attributed' }),
      ...drawing,
      ticket: reportTicket(report, options),
      zone: times.iana,
    },
  });
}

/** Names the cloud, or counts them if there are several: a tab shows a few words. */
const cloudsText = ({ run: { clouds } }: Report): string =>
  clouds.length > 1 ? counted(clouds.length, 'cloud') : clouds.map(printableLine).join('');
