import { reportFace } from '../domain/faces/report.ts';
import type { Report } from '../domain/summary.ts';

/** The report as docs/report.md tells it: ISO moments in UTC, durations in seconds. Ends with a line break. */
export const reportJson = (report: Report): string => `${JSON.stringify(reportFace(report), null, 2)}\n`;
