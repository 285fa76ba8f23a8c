import { parser } from '@prometheus-io/lezer-promql';

/** What an expression reads. */
export type Reading = {
  readonly metrics: readonly string[];
  readonly labels: readonly string[];
  readonly broken: boolean;
};

/** By the grammar of Prometheus' own editor. */
export function readPromql(expr: string): Reading {
  const metrics = new Set<string>();
  const labels = new Set<string>();
  let broken = false;
  parser.parse(expr).iterate({
    enter(node) {
      if (node.type.isError) broken = true;
      const text = expr.slice(node.from, node.to);
      if (node.name === 'Identifier' && node.node.parent?.name === 'VectorSelector') metrics.add(text);
      if (node.name === 'LabelName') labels.add(text);
    },
  });
  return { metrics: [...metrics], labels: [...labels], broken };
}

/** What Grafana puts in for its own variables, as it would on a dashboard of a minute that is scraped every second. */
export const filledIn = (expr: string): string =>
  expr
    .replaceAll('$__rate_interval', '4s')
    .replaceAll('$__interval', '2s')
    .replaceAll('$__range', '60s')
    .replaceAll('$shift', '5s')
    .replaceAll(/\$(cloud|vantage|probe|job)\b/g, '.*');

/** The selectors of an expression, without ranges: 'rollwatch_probe_up{probe="token"}'. */
export function selectorsOf(expr: string): readonly string[] {
  const found = new Set<string>();
  parser.parse(expr).iterate({
    enter(node) {
      if (node.name === 'VectorSelector') found.add(expr.slice(node.from, node.to));
    },
  });
  return [...found];
}

/** The metric whose values an expression gives as they are, with all their labels; null where it computes others. */
export function metricOf(expr: string): string | null {
  const [selector] = selectorsOf(expr);
  return selector === expr ? (readPromql(expr).metrics[0] ?? null) : null;
}
