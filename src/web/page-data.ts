import type { ChartFace, ChartTasksFace } from '../domain/faces/chart.ts';
import type { ReportFace } from '../domain/faces/report.ts';
import type { SampleFace } from '../domain/faces/sample.ts';
import { printable } from '../domain/words/printable.ts';

/** What the page of a file has inside; the page of a daemon asks for the same. */
export type PageData = {
  readonly report: ReportFace;
  readonly chart: ChartFace;
  readonly tasks: ChartTasksFace;
  /** The samples around the edges of each window, by the window's id. */
  readonly samples: { readonly [windowId: string]: readonly SampleFace[] };
  /** For moments, an IANA name. */
  readonly zone: string;
};

/** Text that is not seen, or turns the direction of writing, is shown: see `printable`. Only an escape can hold it. */
export const readData = <Data>(text: string): Data =>
  JSON.parse(
    text,
    text.includes('\\u') ? (_, value) => (typeof value === 'string' ? printable(value) : value) : undefined,
  ) as Data;
