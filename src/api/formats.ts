import type { Report } from '../domain/run/report.ts';
import type { Sample } from '../domain/sample.ts';
import type { Drawing } from './drawing.ts';

/** How a report is written down. Another format is one file and one line in the table of src/report/formats.ts. */
export type ReportFormat = {
  /** As a command line and a query name it. */
  readonly name: string;
  readonly contentType: string;
  /** It wants `drawing`: the samples themselves. */
  readonly draws?: true;
  /** Ends with a line break. */
  write(report: Report, options: ReportOptions): string;
};

export type ReportOptions = {
  /** Where the format knows colour. */
  readonly colour: boolean;
  /** Of a line, in characters, where the format has lines; Infinity: nothing is cut. */
  readonly width: number;
  /** What is not proven counts as failed, if the format distinguishes the two. */
  readonly strict?: boolean;
  /** For moments shown to a person, an IANA name; UTC when left out. */
  readonly zone?: string;
  /** All tasks, as when left out, or those alone in which downtime began; where the format lists tasks. */
  readonly tasks?: 'all' | 'attributed';
  readonly drawing?: Drawing;
};

/** How samples are written down, one after the other and never all in memory. */
export type SampleFormat = {
  readonly name: string;
  readonly contentType: string;
  /** What comes before the first sample: a line or nothing. */
  readonly head: string;
  /** One sample with its line break. */
  line(sample: Sample): string;
};
