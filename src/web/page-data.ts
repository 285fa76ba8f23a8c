import type { ApiChart, ApiChartTasks } from '../api/chart.ts';
import type { ApiReport } from '../api/report.ts';
import type { ApiSample } from '../api/sample.ts';
import { printable } from '../format/printable.ts';

/** The data embedded in a report file; the page of a daemon fetches its data. */
export type PageData = {
  readonly report: ApiReport;
  readonly chart: ApiChart;
  readonly tasks: ApiChartTasks;
  /** The samples around the edges of each window, by the id of the window. */
  readonly samples: { readonly [windowId: string]: readonly ApiSample[] };
  /** The summary for a ticket, in Markdown. */
  readonly ticket: string;
  /** The time zone to show, an IANA name. */
  readonly zone: string;
};

/** Parses JSON and escapes invisible characters in its texts (see `printable`). They come only from escapes in JSON. */
export const readData = <Data>(text: string): Data =>
  JSON.parse(
    text,
    text.includes('\\u') ? (_, value) => (typeof value === 'string' ? printable(value) : value) : undefined,
  ) as Data;
