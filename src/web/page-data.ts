import type { ApiChart, ApiChartTasks } from '../api/chart.ts';
import type { ApiReport } from '../api/report.ts';
import type { ApiSample } from '../api/sample.ts';
import { printable } from '../format/printable.ts';

/** What the page of a file has inside; the page of a daemon asks for the same. */
export type PageData = {
  readonly report: ApiReport;
  readonly chart: ApiChart;
  readonly tasks: ApiChartTasks;
  /** The samples around the edges of each window, by the window's id. */
  readonly samples: { readonly [windowId: string]: readonly ApiSample[] };
  /** For moments, an IANA name. */
  readonly zone: string;
};

/** Text that is not seen, or turns the direction of writing, is shown: see `printable`. Only an escape can hold it. */
export const readData = <Data>(text: string): Data =>
  JSON.parse(
    text,
    text.includes('\\u') ? (_, value) => (typeof value === 'string' ? printable(value) : value) : undefined,
  ) as Data;
