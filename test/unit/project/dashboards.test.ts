import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createMetricFamilies } from '../../../src/metrics/metric-definitions.ts';
import { DASHBOARDS, EXPECTATIONS, EXPRESSIONS, RULES, VARIABLES } from '../../support/dashboards.ts';
import { filledIn, readPromql } from '../../support/promql.ts';
import { isMissing, tool } from '../../support/requirements.ts';

const root = new URL('../../../', import.meta.url);
const path = (file: string) => new URL(file, root).pathname;

/** Names and labels of all metrics that an expression may read. */
async function known(): Promise<{ readonly metrics: ReadonlySet<string>; readonly labels: ReadonlySet<string> }> {
  const register = new Registry();
  createMetricFamilies(register);
  // Prometheus itself makes `up` and `ALERTS`.
  const metrics = new Set(['up', 'ALERTS', ...RULES.flatMap(({ record }) => record ?? [])]);
  const labels = new Set(['job', 'instance', 'le', 'alertname', 'alertstate']);
  for (const { name, type } of await register.getMetricsAsJSON()) {
    for (const suffix of String(type) === 'histogram' ? ['_bucket', '_sum', '_count'] : [''])
      metrics.add(name + suffix);
  }
  for (const one of register.getMetricsAsArray()) for (const label of labelsOf(one)) labels.add(label);
  return { metrics, labels };
}

const labelsOf = (metric: object): readonly string[] =>
  'labelNames' in metric && Array.isArray(metric.labelNames) ? metric.labelNames : [];

describe('every committed expression', () => {
  it('is PromQL, and reads only existing metrics and labels', async () => {
    const { metrics, labels } = await known();
    const problems = [...EXPRESSIONS, ...VARIABLES].flatMap(({ where, expr }) => {
      const read = readPromql(filledIn(expr));
      return [
        ...(read.broken ? [`${where}: is no PromQL`] : []),
        ...(read.metrics.length === 0 ? [`${where}: reads nothing`] : []),
        ...read.metrics.filter((one) => !metrics.has(one)).map((one) => `${where}: no metric ${one}`),
        ...read.labels.filter((one) => !labels.has(one)).map((one) => `${where}: no label ${one}`),
      ];
    });
    expect(problems).toEqual([]);
    expect(EXPRESSIONS.length).toBeGreaterThan(50);
  });

  it('fails this test if it reads an unknown metric or label', () => {
    expect(readPromql('sum(rate(nonsense{a="b"}[5m])) by (c)')).toEqual({
      metrics: ['nonsense'],
      labels: ['a', 'c'],
      broken: false,
    });
    expect(readPromql('sum(rate(x[5m])').broken).toBe(true);
  });
});

describe('the dashboards', () => {
  it('are up to date with npm run dashboards', () => {
    const { status, stderr } = spawnSync(process.execPath, [path('dashboards/grafana/source/generate.ts'), '--check'], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it.each(DASHBOARDS.map((one) => [one.uid, one] as const))('%s follows the rules of dashboards', (_, dashboard) => {
    expect(dashboard).toMatchObject({ schemaVersion: 42, editable: false });
    const { panels, templating, annotations } = dashboard;
    expect(templating.list.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['datasource', 'cloud', 'vantage', 'probe']),
    );
    expect(templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const problems = panels
      .filter(({ type }) => type !== 'row')
      .flatMap(({ id, title = '', description = '', fieldConfig, datasource, type, targets = [] }) => {
        const unit = fieldConfig?.defaults.unit ?? '';
        const own = [datasource, ...targets.map((one) => one.datasource)].filter((one) => one !== undefined);
        return [
          ...(title.length < 3 ? [`panel ${id} has no title`] : []),
          ...(description.length < 20 ? [`${title} has no description`] : []),
          ...(unit === '' ? [`${title} has no unit`] : []),
          ...(type !== 'annolist' && targets.length === 0 ? [`${title} asks for nothing`] : []),
          ...own.filter(({ uid }) => uid !== '$datasource').map(({ uid }) => `${title} is bound to ${uid}`),
          ...targets
            .filter(
              ({ expr }) => /\b(rate|increase)\(/.test(expr) && !/\[(\$__rate_interval|\$__range|1m|5m)\]/.test(expr),
            )
            .map(({ expr }) => `${title} has a rate over a fixed time: ${expr}`),
          ...targets
            .filter(({ expr }) => !/=~"\$(cloud|job)"/.test(expr))
            .map(({ expr }) => `${title} ignores the variables: ${expr}`),
        ];
      });
    expect(problems).toEqual([]);
    // Pushed annotations first, then those from metrics, which need no credentials.
    const pushed = annotations.list.filter(({ expr }) => expr === undefined);
    expect(pushed.map(({ target }) => target?.tags[0])).toEqual(
      ['incidents', 'downtime', 'degraded', 'tasks', 'phases'].map((kind) => `$${kind}_tags`),
    );
    // With an empty variable only the second tag is left; without it, Grafana would show all annotations.
    for (const { target } of pushed)
      expect(target).toMatchObject({ matchAny: true, tags: [expect.any(String), 'rollwatch:none'] });
    expect(annotations.list.some(({ expr }) => expr !== undefined)).toBe(true);
  });

  it('use instant queries for the present, and say where they show the last reported value', () => {
    const stats = DASHBOARDS.flatMap(({ panels }) =>
      panels.filter(({ type }) => type === 'stat' || type === 'bargauge'),
    );
    expect(stats.length).toBeGreaterThan(5);
    for (const { title, description = '', targets } of stats) {
      const now = targets.every(({ instant = false }) => instant);
      expect({ title, now }).toEqual({ title, now: !/Last reported value\.$/.test(description) });
    }
  });

  it('have no overlapping panels', () => {
    for (const { panels } of DASHBOARDS) {
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
      );
      expect(new Set(cells).size).toBe(cells.length);
      expect(Math.max(...panels.map(({ gridPos }) => gridPos.x + gridPos.w))).toBe(24);
    }
  });
});

describe('the alerts', () => {
  const alerts = RULES.filter(({ alert }) => alert !== undefined);
  const runbook = readFileSync(path('docs/runbook.md'), 'utf8');

  it.each(alerts.map((one) => [one.alert ?? '', one] as const))(
    '%s has a severity, a description and a runbook',
    (name, rule) => {
      expect(['critical', 'warning']).toContain(rule.labels?.['severity']);
      expect(Object.keys(rule.annotations ?? {}).sort()).toEqual(['description', 'runbook_url', 'summary']);
      expect(rule.annotations?.['runbook_url']).toMatch(new RegExp(`/docs/runbook\\.md#${name.toLowerCase()}$`));
      const [, section = ''] = runbook.split(`## ${name}\n`);
      for (const part of ['**It means:**', '**Look at:**', '**Do:**'])
        expect(section.split('\n## ')[0]).toContain(part);
    },
  );

  it.each(alerts.map(({ alert }) => alert ?? ''))('%s has a test that it fires, and one that it does not', (name) => {
    const own = EXPECTATIONS.filter(({ alert }) => alert === name).map(({ fires }) => fires);
    expect(own).toContain(true);
    expect(own).toContain(false);
  });

  it('are exactly those of the runbook, and all inhibited alerts exist', () => {
    const names = alerts.map(({ alert }) => alert ?? '');
    expect([...runbook.matchAll(/^## (.*)$/gm)].map(([, name]) => name).sort()).toEqual(names.toSorted());
    const inhibited =
      readFileSync(path('dashboards/alertmanager/alertmanager.yml'), 'utf8').match(/Rollwatch[A-Z]\w+/g) ?? [];
    expect(inhibited.length).toBeGreaterThan(5);
    expect(inhibited.filter((name) => !names.includes(name))).toEqual([]);
  });

  const tools = [
    ['promtool', ['check', 'rules', path('dashboards/prometheus/rollwatch.rules.yml')]],
    ['promtool', ['test', 'rules', path('dashboards/prometheus/rollwatch.test.yml')]],
    ['amtool', ['check-config', path('dashboards/alertmanager/alertmanager.yml')]],
  ] as const;
  for (const [name, args] of tools) {
    const isToolMissing = isMissing(tool(name, 'prometheus prometheus-alertmanager'));
    it.skipIf(isToolMissing)(`${name} ${args[0]} ${args[1]} reports nothing`.replace(root.pathname, ''), () => {
      const { status, stdout, stderr } = spawnSync(name, args, { encoding: 'utf8' });
      expect({ status, output: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, output: '' });
    });
  }
});
