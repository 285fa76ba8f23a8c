import type { Builder } from '@grafana/grafana-foundation-sdk/cog';
import {
  AnnotationQueryBuilder,
  type CustomVariableBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  VariableHide,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { COLOURS, SOURCE } from './panels.ts';
import { place, series } from './selectors.ts';

export type Row = { readonly title: string; readonly panels: readonly Builder<Panel>[] };

type About = {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly from: string;
  readonly refresh: string;
  readonly rows: readonly Row[];
  readonly more?: readonly CustomVariableBuilder[];
};

/** A variable with the values of one label. */
const labels = (name: string, label: string, query: string) =>
  new QueryVariableBuilder(name)
    .label(label)
    .datasource(SOURCE)
    .query({ query, refId: `variable-${name}` })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
    .current({ selected: true, text: ['All'], value: ['$__all'] });

/**
 * A hidden variable with the tags of one kind of annotation for the clouds, vantages and probes selected above, such as
 * `downtime:prod/deploy1/server-list` (src/grafana/desired-annotations.ts). Grafana queries annotations by all tags or
 * by any of them, so a single tag has to contain the whole selection. Without a custom value for "All", Grafana inserts
 * every tag.
 */
const scopes = (kind: string, selector: string, labels: readonly string[]) => {
  const known = `max by (${labels.join(', ')}) (last_over_time(rollwatch_probe_observed${selector}[$__range:15s]))`;
  const joined = `label_join(${known}, "tag", "/", ${labels.map((one) => `"${one}"`).join(', ')})`;
  const query = `query_result(label_replace(${joined}, "tag", "${kind}:$1", "tag", "(.{0,100}).*"))`;
  return new QueryVariableBuilder(scopeOf(kind))
    .hide(VariableHide.HideVariable)
    .datasource(SOURCE)
    .query({ query, refId: `variable-${scopeOf(kind)}` })
    .definition(query)
    .regex('/tag="([^"]*)"/')
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .current({ selected: true, text: ['All'], value: ['$__all'] });
};

const scopeOf = (kind: string): string => `${kind}_tags`;

/** Annotations that Rollwatch pushes; exact to the millisecond. */
const tagged = (name: string, kind: string, colour: string) =>
  new AnnotationQueryBuilder()
    .name(name)
    .enable(true)
    .hide(false)
    .iconColor(colour)
    .datasource({ type: 'grafana', uid: '-- Grafana --' })
    // The builder only knows the targets of data sources.
    .target({
      build: () =>
        ({
          type: 'tags',
          // No annotation has the second tag: if the variable is empty, Grafana drops the first one and would show
          // everything.
          tags: [`$${scopeOf(kind)}`, 'rollwatch:none'],
          matchAny: true,
          limit: 1000,
        }) as never,
    });

/**
 * Annotations from metrics, which need no credentials; as exact as the step between points. Nothing is drawn where the
 * value is 0.
 */
const measured = (name: string, expr: string, colour: string) =>
  new AnnotationQueryBuilder()
    .name(name)
    .enable(false)
    .hide(false)
    .iconColor(colour)
    .datasource(SOURCE)
    .expr(expr)
    .step('2s')
    .titleFormat('{{probe}} {{connection}}{{target}}')
    .tagKeys('cloud,vantage')
    .textFormat(name);

/**
 * A dashboard with the variables and annotations that all Rollwatch dashboards have; panels are numbered in their
 * order.
 */
export function dashboardOf({ uid, title, description, from, refresh, rows, more = [] }: About): unknown {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['rollwatch', 'openstack', 'nova'])
    .readonly()
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from, to: 'now' })
    .refresh(refresh)
    .withVariable(
      new DatasourceVariableBuilder('datasource')
        .label('Prometheus')
        .type('prometheus')
        .current({ selected: true, text: 'Prometheus', value: 'prometheus' }),
    )
    .withVariable(labels('job', 'job', 'label_values(rollwatch_build_info, job)'))
    .withVariable(labels('cloud', 'cloud', 'label_values(rollwatch_probe_observed, cloud)'))
    .withVariable(labels('vantage', 'vantage', 'label_values(rollwatch_probe_observed{cloud=~"$cloud"}, vantage)'))
    .withVariable(
      labels('probe', 'probe', 'label_values(rollwatch_probe_observed{cloud=~"$cloud", vantage=~"$vantage"}, probe)'),
    )
    .withVariable(scopes('incidents', place(), ['cloud', 'vantage']))
    .withVariable(scopes('downtime', series(), ['cloud', 'vantage', 'probe']))
    .withVariable(scopes('degraded', series(), ['cloud', 'vantage', 'probe']))
    .withVariable(scopes('tasks', place(), ['cloud', 'vantage']))
    .withVariable(scopes('phases', place(), ['cloud', 'vantage']))
    .annotation(tagged('Incidents', 'incidents', COLOURS.down))
    // The windows of an incident are its detail.
    .annotation(tagged('Windows of downtime', 'downtime', COLOURS.down).enable(false))
    .annotation(tagged('Slowness', 'degraded', COLOURS.slow))
    .annotation(tagged('Tasks', 'tasks', COLOURS.quiet))
    .annotation(tagged('Phases', 'phases', 'purple'))
    .annotation(
      measured('Downtime, from metrics', `1 - min_over_time(rollwatch_probe_up${series()}[$__interval])`, COLOURS.down),
    );
  for (const variable of more) builder.withVariable(variable);
  for (const row of rows) {
    builder.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) builder.withPanel(panel);
  }
  const built = builder.build();
  return {
    ...built,
    schemaVersion: 42,
    panels: (built.panels ?? []).map((panel, index) => ({ ...panel, id: index + 1 })),
  };
}
