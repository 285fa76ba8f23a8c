import type { ApiChart, ApiChartTasks } from '../api/chart.ts';
import type { ApiReport } from '../api/report.ts';
import type { ApiSample } from '../api/sample.ts';
import { printable } from '../format/printable.ts';

/** The data embedded in the page of a file; the page of a daemon fetches the same. */
export type PageData = {
  readonly report: ApiReport;
  readonly chart: ApiChart;
  readonly tasks: ApiChartTasks;
  /** The samples around the edges of each window, by the window's id. */
  readonly samples: { readonly [windowId: string]: readonly ApiSample[] };
  /** The time zone to show, an IANA name. */
  readonly zone: string;
};

/** Parses JSON and escapes invisible characters in texts (see `printable`). Only a JSON escape can contain them. */
export const readData = <Data>(text: string): Data =>
  JSON.parse(
    text,
    text.includes('\\u') ? (_, value) => (typeof value === 'string' ? printable(value) : value) : undefined,
  ) as Data;
