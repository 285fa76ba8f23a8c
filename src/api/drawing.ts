import { containsTime } from '../domain/interval.ts';
import type { Report } from '../domain/run/report.ts';
import type { Sample } from '../domain/sample.ts';
import { seriesId } from '../domain/sample.ts';
import type { Interval } from '../domain/time.ts';
import { type ApiChart, type ApiChartTasks, createChart, toApiChartTasks } from './chart.ts';
import { type ApiSample, toApiSample } from './sample.ts';

/** The data that a report with drawings needs besides its figures. */
export type Drawing = {
  readonly chart: ApiChart;
  readonly tasks: ApiChartTasks;
  /** The samples around the edges of windows, by the id of the window. */
  readonly samples: { readonly [windowId: string]: readonly ApiSample[] };
};

/** Limits that keep the file small. Samples sent further than `EDGE_MARGIN_MS` from an edge are not included. */
const MAX_SAMPLES_PER_EDGE = 60;
const EDGE_MARGIN_MS = 3000;
const MAX_WINDOWS = 200;

/** Collects the data that a report with drawings needs. `add` takes all samples of the report, in any order. */
export function createDrawing(report: Report): { add(sample: Sample): void; finish(): Drawing } {
  const chart = createChart(
    report.run.startedAt,
    report.probes.map(({ series }) => series),
  );
  const wanted = report.windows.slice(0, MAX_WINDOWS).map((window) => ({
    id: window.id,
    series: seriesId(window),
    edges: [window.start, ...(window.end === null ? [] : [window.end])].map(({ earliest, latest }) => ({
      around: [{ from: earliest - EDGE_MARGIN_MS, until: latest + EDGE_MARGIN_MS }] satisfies readonly Interval[],
      found: [] as Sample[],
    })),
  }));
  const bySeries = Map.groupBy(wanted, ({ series }) => series);
  return {
    add(sample) {
      chart.add(sample);
      for (const { edges } of bySeries.get(seriesId(sample)) ?? []) {
        const edge = edges.find(
          ({ around, found }) => found.length < MAX_SAMPLES_PER_EDGE && containsTime(around, sample.startedAt),
        );
        edge?.found.push(sample);
      }
    },
    finish: () => ({
      chart: chart.toApi(),
      tasks: toApiChartTasks(report.tasks),
      samples: Object.fromEntries(
        wanted.map(({ id, edges }) => [id, edges.flatMap(({ found }) => found.map(toApiSample))]),
      ),
    }),
  };
}
