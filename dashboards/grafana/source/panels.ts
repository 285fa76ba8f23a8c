import { PanelBuilder as AnnotationsList } from '@grafana/grafana-foundation-sdk/annotationslist';
import { PanelBuilder as BarGauge } from '@grafana/grafana-foundation-sdk/bargauge';
import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  LineInterpolation,
  ReduceDataOptionsBuilder,
  ScaleDistribution,
  ScaleDistributionConfigBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  MappingType,
  type Panel,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMap,
  type ValueMappingResult,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as Stat } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as StateTimeline } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as Table } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeSeries } from '@grafana/grafana-foundation-sdk/timeseries';

export const SOURCE = { type: 'prometheus', uid: '$datasource' } as const;

/** The palette of Okabe and Ito, which colour-blind readers can tell apart. */
export const COLOURS = {
  up: '#009E73',
  slow: '#E69F00',
  down: '#D55E00',
  quiet: '#56B4E9',
  unknown: '#999999',
  text: 'text',
} as const;

export type PanelSize = { readonly w: number; readonly h: number };
export type Query = { readonly expr: string; readonly legend: string };

type About = {
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  readonly size: PanelSize;
  readonly queries: readonly Query[];
};

/** `value` null: the base step, which has no lower limit. */
const step = (value: number | null, color: string): Threshold => ({ value, color });

export const steps = (base: string, ...more: readonly (readonly [number, string])[]) =>
  new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([step(null, base), ...more.map(([value, colour]) => step(value, colour))]);

const ranged = ({ expr, legend }: Query, refId: string) =>
  new DataqueryBuilder().datasource(SOURCE).refId(refId).expr(expr).legendFormat(legend).range().interval('1s');

const instant = ({ expr, legend }: Query, refId: string) =>
  new DataqueryBuilder().datasource(SOURCE).refId(refId).expr(expr).legendFormat(legend).instant();

const refId = (index: number): string => String.fromCharCode(65 + index);

const legend = () =>
  new VizLegendOptionsBuilder()
    .showLegend(true)
    .displayMode(LegendDisplayMode.List)
    .placement(LegendPlacement.Bottom)
    .calcs([]);

const tooltip = () => new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending);

const last = () => new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('').values(false);

export const words = (map: Readonly<Record<string, ValueMappingResult>>): ValueMap => ({
  type: MappingType.ValueToText,
  options: { ...map },
});

export type Lines = About & {
  readonly log?: boolean;
  readonly stacked?: boolean;
  readonly stepped?: boolean;
  readonly max?: number;
  /** A dashed line. */
  readonly limit?: number;
};

export function lines({
  title,
  description,
  unit,
  size,
  queries,
  log,
  stacked,
  stepped,
  max,
  limit,
}: Lines): TimeSeries {
  const panel = new TimeSeries()
    .title(title)
    .description(description)
    .unit(unit)
    .datasource(SOURCE)
    .height(size.h)
    .span(size.w)
    .targets(queries.map((one, index) => ranged(one, refId(index))))
    .legend(legend())
    .tooltip(tooltip())
    .lineWidth(1)
    .fillOpacity(stacked || stepped ? 30 : 0)
    .showPoints(VisibilityMode.Never)
    .lineInterpolation(stepped ? LineInterpolation.StepAfter : LineInterpolation.Linear)
    .spanNulls(false)
    .min(0);
  if (stacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  if (max !== undefined) panel.max(max);
  if (log) panel.scaleDistribution(new ScaleDistributionConfigBuilder().type(ScaleDistribution.Log).log(10)).min(0.001);
  if (limit !== undefined) {
    panel
      .thresholds(steps('transparent', [limit, COLOURS.down]))
      .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  }
  return panel;
}

export type Figure = About & {
  /**
   * `now`: a value that is no longer reported is not shown. `run`: the last reported value stays, also after the daemon
   * has ended.
   */
  readonly of: 'now' | 'run';
  readonly mapping?: ValueMap;
  readonly thresholds?: Builder<ReturnType<ReturnType<typeof steps>['build']>>;
  readonly noValue?: string;
  readonly background?: boolean;
  readonly decimals?: number;
  /** Shows the name instead of the value. */
  readonly named?: boolean;
};

export function figure(about: Figure): Stat {
  const { title, description, unit, size, queries, of, mapping, thresholds, noValue, background, decimals, named } =
    about;
  const query = of === 'now' ? instant : ranged;
  const panel = new Stat()
    .title(title)
    .description(description)
    .unit(unit)
    .datasource(SOURCE)
    .height(size.h)
    .span(size.w)
    .targets(queries.map((one, index) => query(one, refId(index))))
    .reduceOptions(last())
    .graphMode(BigValueGraphMode.None)
    .colorMode(background ? BigValueColorMode.Background : BigValueColorMode.Value)
    .textMode(
      named ? BigValueTextMode.Name : queries.length > 1 ? BigValueTextMode.ValueAndName : BigValueTextMode.Auto,
    )
    .thresholds(thresholds ?? steps(COLOURS.text));
  if (mapping !== undefined) panel.mappings([mapping]);
  if (noValue !== undefined) panel.noValue(noValue);
  if (decimals !== undefined) panel.decimals(decimals);
  return panel;
}

export function states({
  title,
  description,
  unit,
  size,
  queries,
  mapping,
}: About & { readonly mapping: ValueMap }): StateTimeline {
  return (
    new StateTimeline()
      .title(title)
      .description(description)
      .unit(unit)
      .datasource(SOURCE)
      .height(size.h)
      .span(size.w)
      .targets(queries.map((one, index) => ranged(one, refId(index))))
      // Below two seconds, a range of one step may contain no scrape.
      .interval('2s')
      .mappings([mapping])
      .thresholds(steps(COLOURS.text))
      .mergeValues(true)
      .showValue(VisibilityMode.Auto)
      .rowHeight(0.85)
      .lineWidth(0)
      .fillOpacity(85)
      .legend(legend())
      .tooltip(tooltip())
  );
}

export function bars({ title, description, unit, size, queries, max }: About & { readonly max?: number }): BarGauge {
  const panel = new BarGauge()
    .title(title)
    .description(description)
    .unit(unit)
    .datasource(SOURCE)
    .height(size.h)
    .span(size.w)
    .targets(queries.map((one, index) => ranged(one, refId(index))))
    .reduceOptions(last())
    .orientation(VizOrientation.Horizontal)
    .min(0)
    .noValue('no phase with such a budget has started')
    .thresholds(steps(COLOURS.up, [0.5, COLOURS.slow], [1, COLOURS.down]));
  return max === undefined ? panel : panel.max(max);
}

/** One row per series, one column per query; `columns` gives their names and units. */
export function rows({
  title,
  description,
  unit,
  size,
  queries,
  columns,
}: About & { readonly columns: Readonly<Record<string, { readonly name: string; readonly unit?: string }>> }): Table {
  const names = Object.fromEntries(Object.entries(columns).map(([field, { name }]) => [field, name]));
  const panel = new Table()
    .title(title)
    .description(description)
    .unit(unit)
    .datasource(SOURCE)
    .height(size.h)
    .span(size.w)
    .targets(queries.map((one, index) => instant(one, refId(index)).format(PromQueryFormat.Table)))
    // Rows are merged if they differ in no column: the name of the metric, which differs from query to query, goes
    // first. The time stays until then. It is the same in all, and the one column that an empty answer shares with the
    // others.
    .withTransformation({
      id: 'filterFieldsByName',
      options: { exclude: { names: ['__name__', 'job', 'instance'] } },
    })
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({ id: 'organize', options: { excludeByName: { Time: true }, renameByName: names } });
  for (const { name, unit: own } of Object.values(columns)) {
    if (own !== undefined) panel.overrideByName(name, [{ id: 'unit', value: own }]);
  }
  return panel;
}

/** A list of the annotations with these tags; they contain the names of tasks, which no metric has. */
export function pushed({
  title,
  description,
  size,
  tags,
}: Pick<About, 'title' | 'description' | 'size'> & { readonly tags: readonly string[] }): Builder<Panel> {
  return new AnnotationsList()
    .title(title)
    .description(description)
    .unit('none')
    .height(size.h)
    .span(size.w)
    .onlyFromThisDashboard(false)
    .onlyInTimeRange(true)
    .tags([...tags])
    .limit(100)
    .showUser(false)
    .showTime(true)
    .showTags(true);
}
