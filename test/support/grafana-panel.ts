/**
 * Computes what a Grafana panel shows with Grafana's own package @grafana/data: transformations, reducers and value
 * mappings. This file does the work of the data source, which converts responses of Prometheus to frames.
 */

import { createRequire } from 'node:module';
import type { DataFrame, Field, FieldConfig } from '@grafana/data';
import type { Panel } from './dashboards.ts';

// Only the CommonJS build of the package runs in Node.
export const grafana: typeof import('@grafana/data') = createRequire(import.meta.url)('@grafana/data');
// The transformations read the browser's global `window`, which must not exist during the import.
Object.assign(globalThis, { window: {} });
const { FieldType } = grafana;

grafana.standardTransformersRegistry.setInit(() =>
  // One transformer has two names.
  [...new Set(Object.values(grafana.standardTransformers))].map((transformer) => ({
    id: transformer.id,
    name: transformer.name,
    description: transformer.description ?? '',
    transformation: () => Promise.resolve(transformer),
    editor: () => null,
    imageDark: '',
    imageLight: '',
  })),
);

type Labels = Readonly<Record<string, string>>;
/** A series of a response with its points: the time in seconds, and the value. */
export type Answered = { readonly labels: Labels; readonly points: readonly (readonly [number, number])[] };
/** The response of Prometheus to each target of a panel. */
export type Answers = Readonly<Record<string, readonly Answered[]>>;

const column = (name: string, type: Field['type'], values: unknown[], facts: Partial<Field> = {}): Field => ({
  name,
  type,
  config: {},
  values,
  ...facts,
});

/** Returns one frame per query with labels as columns; a query without a result has no label columns. */
function tableOf(refId: string, series: readonly Answered[], valueName: string): DataFrame {
  const rows = series.flatMap(({ labels, points }) => points.map(([at, value]) => ({ labels, at, value })));
  const names = [...new Set(series.flatMap(({ labels }) => Object.keys(labels).sort()))];
  return {
    refId,
    length: rows.length,
    fields: [
      column(
        'Time',
        FieldType.time,
        rows.map(({ at }) => at * 1000),
      ),
      ...names.map((name) =>
        column(
          name,
          FieldType.string,
          rows.map(({ labels }) => labels[name] ?? ''),
        ),
      ),
      column(
        valueName,
        FieldType.number,
        rows.map(({ value }) => value),
      ),
    ],
  };
}

const legendOf = (format: string, labels: Labels): string =>
  format.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, name: string) => labels[name] ?? '');

const timeSeriesOf = (refId: string, { labels, points }: Answered, legend: string): DataFrame => ({
  refId,
  length: points.length,
  fields: [
    column(
      'Time',
      FieldType.time,
      points.map(([at]) => at * 1000),
    ),
    column(
      'Value',
      FieldType.number,
      points.map(([, value]) => value),
      { labels: { ...labels }, config: { displayNameFromDS: legendOf(legend, labels) } },
    ),
  ],
});

function framesOf({ targets }: Panel, answers: Answers): DataFrame[] {
  return targets.flatMap(({ refId, format, legendFormat = '' }) => {
    const series = answers[refId] ?? [];
    if (format === 'table') return [tableOf(refId, series, targets.length > 1 ? `Value #${refId}` : 'Value')];
    return series.map((answered) => timeSeriesOf(refId, answered, legendFormat));
  });
}

async function transformed(panel: Panel, answers: Answers): Promise<readonly DataFrame[]> {
  const { promise, resolve, reject } = Promise.withResolvers<DataFrame[]>();
  grafana
    .transformDataFrame(panel.transformations, framesOf(panel, answers))
    .subscribe({ next: resolve, error: reject });
  return promise;
}

export type Cells = Readonly<Record<string, unknown>>;

/** Returns the rows of a table by column name. A table that was not merged has several frames. */
export async function tablesOf(panel: Panel, answers: Answers): Promise<readonly (readonly Cells[])[]> {
  const frames = await transformed(panel, answers);
  return frames.map((frame) =>
    Array.from({ length: frame.length }, (_, index) =>
      Object.fromEntries(
        frame.fields.map((field) => [grafana.getFieldDisplayName(field, frame, [...frames]), field.values[index]]),
      ),
    ),
  );
}

/** What a stat or a bar gauge shows: title, text and colour of each series. */
export type Tile = { readonly title: string; readonly text: string; readonly color: string | undefined };

const theme = grafana.createTheme();

function configOf({ fieldConfig }: Panel): FieldConfig {
  const { noValue = '', mappings = [] } = fieldConfig?.defaults ?? {};
  return {
    noValue,
    mappings: mappings.map(({ options }) => ({ type: grafana.MappingType.ValueToText, options })),
  };
}

export async function tilesOf(panel: Panel, answers: Answers): Promise<readonly Tile[]> {
  const { reduceOptions } = panel.options ?? {};
  if (reduceOptions === undefined) throw new Error(`${panel.title} reduces nothing`);
  const frames = await transformed(panel, answers);
  const defaults = configOf(panel);
  const data = frames.map((frame) => ({
    ...frame,
    fields: frame.fields.map((field) => ({ ...field, config: { ...defaults, ...field.config } })),
  }));
  return grafana
    .getFieldDisplayValues({
      fieldConfig: { defaults, overrides: [] },
      reduceOptions,
      replaceVariables: (text) => text,
      theme,
      data,
      timeZone: 'utc',
    })
    .map(({ display: { title = '', prefix = '', text, suffix = '', color } }) => ({
      title,
      text: `${prefix}${text}${suffix}`,
      color,
    }));
}
