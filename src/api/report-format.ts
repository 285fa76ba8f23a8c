import type { Report } from '../domain/run/report.ts';
import type { Sample } from '../domain/sample.ts';
import type { Drawing } from './drawing.ts';

/** A report format. A new format is one file and one line in the table in src/report/formats.ts. */
export type ReportFormat = {
  /** The name on the command line and in queries. */
  readonly name: string;
  readonly contentType: string;
  /** Whether it needs `drawing`, because it draws the samples themselves. */
  readonly draws?: true;
  /** Returns the report, which ends with a line break. */
  write(report: Report, options: ReportOptions): string;
};

export type ReportOptions = {
  /** Whether to use colour, if the format supports it. */
  readonly colour: boolean;
  /** The length of a line in characters, if the format has lines; with Infinity nothing is truncated. */
  readonly width: number;
  /** Whether a budget that is not proven counts as failed, if the format distinguishes the two. */
  readonly strict?: boolean;
  /** The time zone for readers, an IANA name; UTC by default. */
  readonly zone?: string;
  /** All tasks (default), or only those with downtime attributed to them, if the format lists tasks. */
  readonly tasks?: 'all' | 'attributed';
  readonly drawing?: Drawing;
  /** The address of the page with this run, http or https, if the format links to it. */
  readonly link?: string;
};

/** A sample format. Samples are written one at a time and are never all in memory. */
export type SampleFormat = {
  readonly name: string;
  readonly contentType: string;
  /** The header line before the first sample, or an empty string. */
  readonly head: string;
  /** Formats a sample, including the line break. */
  line(sample: Sample): string;
};
