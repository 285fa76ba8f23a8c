import type { ChartFace, ChartTasksFace } from '../domain/faces/chart.ts';
import type { ReportFace } from '../domain/faces/report.ts';
import type { SampleFace } from '../domain/faces/sample.ts';

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
