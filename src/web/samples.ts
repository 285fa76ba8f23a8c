import type { ApiChart, ApiChartSeries } from '../api/chart.ts';
import { partitionPoint } from '../domain/binary-search.ts';
import { BOOT_STAGES } from '../domain/sample.ts';

/** The bit that marks an extra sample. */
const EXTRA = 4;

export const OK = 0;
export const FAILED = 1;
export const VOID = 2;

export type SeriesName = {
  readonly cloud: string;
  readonly vantage: string;
  readonly probe: string;
  readonly connection: string;
  readonly target: string;
};

/** The samples of one series in columns, sorted by the time sent; each column has `count` entries. */
export type SampleColumns = {
  readonly id: string;
  readonly key: SeriesName;
  readonly slow: number;
  count: number;
  /** Milliseconds since 1970. */
  at: Float64Array;
  /** Seconds. */
  took: Float32Array;
  /** OK, FAILED or VOID, combined with EXTRA. */
  marks: Uint8Array;
  /** The index in the store's causes; -1 if the sample did not fail. */
  causes: Int16Array;
  /** For boots, the seconds of each stage; NaN if it was not reached. */
  stages: Float32Array;
};

export type CauseName = ApiChart['causes'][number];

export type SampleStore = { readonly series: Map<string, SampleColumns>; readonly causes: CauseName[] };

export const emptyStore = (): SampleStore => ({ series: new Map(), causes: [] });

export const outcomeOf = (mark: number): number => mark & 3;
export const isExtra = (mark: number): boolean => (mark & EXTRA) !== 0;

export const idOf = ({ cloud, vantage, probe, connection, target }: SeriesName): string =>
  [cloud, vantage, probe, connection, target].join('\n');

const LETTERS = 'ofv';

/** Adds samples from a daemon or a file, except those already present. */
export function addSamples(store: SampleStore, chart: ApiChart): void {
  const causes = chart.causes.map((cause) => {
    const known = store.causes.findIndex(({ kind, service }) => kind === cause.kind && service === cause.service);
    return known >= 0 ? known : store.causes.push(cause) - 1;
  });
  for (const series of chart.series) {
    const id = idOf(series);
    let columns = store.series.get(id);
    if (columns === undefined) {
      columns = emptyColumns(id, series);
      store.series.set(id, columns);
    }
    append(columns, series, { origin: Date.parse(chart.origin), causes });
  }
}

function emptyColumns(
  id: string,
  { cloud, vantage, probe, connection, target, slowSeconds }: ApiChartSeries,
): SampleColumns {
  return {
    id,
    key: { cloud, vantage, probe, connection, target },
    slow: slowSeconds,
    count: 0,
    at: new Float64Array(0),
    took: new Float32Array(0),
    marks: new Uint8Array(0),
    causes: new Int16Array(0),
    stages: new Float32Array(0),
  };
}

function append(
  columns: SampleColumns,
  series: ApiChartSeries,
  { origin, causes }: { readonly origin: number; readonly causes: readonly number[] },
): void {
  const known = columns.count;
  reserve(columns, known + series.after.length);
  let at = origin;
  let failed = 0;
  let sorted = true;
  for (let index = 0; index < series.after.length; index++) {
    at += series.after[index] ?? 0;
    const letter = series.outcomes[index] ?? 'v';
    const lower = letter.toLowerCase();
    const outcome = LETTERS.indexOf(lower);
    const cause = outcome === FAILED ? (causes[series.causes[failed++] ?? -1] ?? -1) : -1;
    if (known > 0 && hasSampleAt(columns, known, at)) continue;
    const place = columns.count++;
    if (place > 0 && at < (columns.at[place - 1] ?? 0)) sorted = false;
    columns.at[place] = at;
    columns.took[place] = (series.took[index] ?? 0) / 1000;
    columns.marks[place] = outcome | (letter === lower ? 0 : EXTRA);
    columns.causes[place] = cause;
    for (let stage = 0; stage < BOOT_STAGES.length; stage++) {
      const millis = series.stages[index * BOOT_STAGES.length + stage];
      columns.stages[place * BOOT_STAGES.length + stage] = typeof millis === 'number' ? millis / 1000 : Number.NaN;
    }
  }
  if (!sorted) sort(columns);
}

/** Returns whether a sample sent at that time is among the first `count`. */
function hasSampleAt(columns: SampleColumns, count: number, at: number): boolean {
  const found = partitionPoint(count, (index) => (columns.at[index] ?? 0) < at);
  return found < count && columns.at[found] === at;
}

function reserve(columns: SampleColumns, count: number): void {
  if (count <= columns.at.length) return;
  const room = Math.max(count, columns.at.length * 2, 64);
  const grown = <Column extends Float64Array | Float32Array | Uint8Array | Int16Array>(empty: Column, old: Column) => {
    empty.set(old);
    return empty;
  };
  columns.at = grown(new Float64Array(room), columns.at);
  columns.took = grown(new Float32Array(room), columns.took);
  columns.marks = grown(new Uint8Array(room), columns.marks);
  columns.causes = grown(new Int16Array(room), columns.causes);
  columns.stages = grown(new Float32Array(room * BOOT_STAGES.length), columns.stages);
}

/** Sorts the samples by the time sent, as they may end in a different order. */
function sort(columns: SampleColumns): void {
  const { at, took, marks, causes, stages } = columns;
  const order = Uint32Array.from({ length: columns.count }, (_, index) => index).sort(
    (a, b) => (at[a] ?? 0) - (at[b] ?? 0),
  );
  columns.at = at.slice();
  columns.took = took.slice();
  columns.marks = marks.slice();
  columns.causes = causes.slice();
  columns.stages = stages.slice();
  order.forEach((from, to) => {
    columns.at[to] = at[from] ?? 0;
    columns.took[to] = took[from] ?? 0;
    columns.marks[to] = marks[from] ?? 0;
    columns.causes[to] = causes[from] ?? -1;
    const width = BOOT_STAGES.length;
    columns.stages.set(stages.subarray(from * width, (from + 1) * width), to * width);
  });
}

/** Returns the index of the first sample sent at `at` or later. */
export const firstFrom = (columns: SampleColumns, at: number): number =>
  partitionPoint(columns.count, (index) => (columns.at[index] ?? 0) < at);

/** Returns the index of the sample nearest to a time, or -1 if there are no samples. */
export function nearest(columns: SampleColumns, at: number): number {
  const next = firstFrom(columns, at);
  if (next >= columns.count) return columns.count - 1;
  if (next === 0) return 0;
  return at - (columns.at[next - 1] ?? 0) <= (columns.at[next] ?? 0) - at ? next - 1 : next;
}
