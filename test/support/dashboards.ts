import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';

const read = (path: string): string => readFileSync(new URL(`../../dashboards/${path}`, import.meta.url), 'utf8');

const source = z.looseObject({ type: z.string(), uid: z.string() });
const mappings = z
  .array(
    z.looseObject({
      type: z.literal('value'),
      options: z.record(z.string(), z.looseObject({ text: z.string(), color: z.string(), index: z.int() })),
    }),
  )
  .optional();
const panel = z.looseObject({
  id: z.int(),
  type: z.string(),
  title: z.string().optional(),
  description: z.string().optional(),
  datasource: source.optional(),
  gridPos: z.strictObject({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }).loose(),
  fieldConfig: z
    .looseObject({
      defaults: z.looseObject({ unit: z.string().optional(), noValue: z.string().optional(), mappings }),
    })
    .optional(),
  options: z
    .looseObject({
      reduceOptions: z.looseObject({ calcs: z.array(z.string()), values: z.boolean(), fields: z.string() }).optional(),
    })
    .optional(),
  transformations: z.array(z.looseObject({ id: z.string(), options: z.record(z.string(), z.unknown()) })).default([]),
  targets: z
    .array(
      z.looseObject({
        refId: z.string(),
        expr: z.string(),
        datasource: source.optional(),
        format: z.string().optional(),
        instant: z.boolean().optional(),
        legendFormat: z.string().optional(),
      }),
    )
    .default([]),
});
export type Panel = z.infer<typeof panel>;
const dashboard = z.looseObject({
  uid: z.string(),
  title: z.string(),
  description: z.string(),
  schemaVersion: z.int(),
  editable: z.boolean(),
  panels: z.array(panel),
  templating: z.looseObject({
    list: z.array(
      z.looseObject({
        name: z.string(),
        type: z.string(),
        definition: z.string().optional(),
        regex: z.string().optional(),
        datasource: source.optional(),
      }),
    ),
  }),
  annotations: z.looseObject({
    list: z.array(
      z.looseObject({
        name: z.string(),
        enable: z.boolean(),
        expr: z.string().optional(),
        datasource: source,
        target: z.looseObject({ type: z.string(), tags: z.array(z.string()), matchAny: z.boolean() }).optional(),
      }),
    ),
  }),
});
export type Dashboard = z.infer<typeof dashboard>;

export const DASHBOARDS: readonly Dashboard[] = ['rollwatch-upgrade-night', 'rollwatch-compare-runs'].map((name) =>
  dashboard.parse(JSON.parse(read(`grafana/${name}.json`))),
);

const rule = z.strictObject({
  record: z.string().optional(),
  alert: z.string().optional(),
  expr: z.string(),
  for: z.string().optional(),
  keep_firing_for: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});
export type Rule = z.infer<typeof rule>;

export const RULES: readonly Rule[] = z
  .looseObject({ groups: z.array(z.looseObject({ rules: z.array(rule) })) })
  .parse(parse(read('prometheus/rollwatch.rules.yml')))
  .groups.flatMap(({ rules }) => rules);

/** The alerts that the tests of the rules expect to fire and not to fire. */
export const EXPECTATIONS = z
  .looseObject({
    tests: z.array(
      z.looseObject({
        alert_rule_test: z
          .array(z.looseObject({ alertname: z.string(), exp_alerts: z.array(z.unknown()) }))
          .default([]),
      }),
    ),
  })
  .parse(parse(read('prometheus/rollwatch.test.yml')))
  .tests.flatMap(({ alert_rule_test }) => alert_rule_test)
  .map(({ alertname, exp_alerts }) => ({ alert: alertname, fires: exp_alerts.length > 0 }));

/** Every committed expression and where it is. */
export const EXPRESSIONS: readonly { readonly where: string; readonly expr: string }[] = [
  ...DASHBOARDS.flatMap(({ uid, panels, annotations }) => [
    ...panels.flatMap(({ title = '', targets = [] }) =>
      targets.map(({ refId, expr }) => ({ where: `${uid}: ${title} ${refId}`, expr })),
    ),
    ...annotations.list.flatMap(({ name, expr }) =>
      expr === undefined ? [] : [{ where: `${uid}: annotation ${name}`, expr }],
    ),
  ]),
  ...RULES.map(({ record, alert, expr }) => ({ where: `rule ${record ?? alert}`, expr })),
];

/** A variable of a dashboard and its query. */
export type Variable = {
  readonly where: string;
  readonly name: string;
  readonly expr: string;
  /** `label_values(expr, label)`, or `query_result(expr)` with the part of each line that is a value. */
  readonly offers: { readonly label: string } | { readonly regex: RegExp };
};

export const VARIABLES: readonly Variable[] = DASHBOARDS.flatMap(({ uid, templating }) =>
  templating.list
    .filter(({ type }) => type === 'query')
    .map(({ name, definition = '', regex = '' }) => {
      const where = `${uid}: variable ${name}`;
      const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? [];
      if (selector !== undefined && label !== undefined) return { where, name, expr: selector, offers: { label } };
      const [, expr] = /^query_result\((.*)\)$/.exec(definition) ?? [];
      const [, pattern] = /^\/(.*)\/$/.exec(regex) ?? [];
      if (expr === undefined || pattern === undefined) throw new Error(`${where} is not understood: ${definition}`);
      return { where, name, expr, offers: { regex: new RegExp(pattern) } };
    }),
);
