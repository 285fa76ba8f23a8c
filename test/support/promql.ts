import { parser } from '@prometheus-io/lezer-promql';

/** The metrics and labels that an expression reads. */
export type Reading = {
  readonly metrics: readonly string[];
  readonly labels: readonly string[];
  readonly broken: boolean;
};

/** Parses an expression with the grammar of Prometheus' own editor. */
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

/** Replaces Grafana's variables as a dashboard that shows one minute does, with a scrape interval of one second. */
export const filledIn = (expr: string): string =>
  expr
    .replaceAll('$__rate_interval', '4s')
    .replaceAll('$__interval', '2s')
    .replaceAll('$__range', '60s')
    .replaceAll('$shift', '5s')
    .replaceAll(/\$(cloud|vantage|probe|job)\b/g, '.*');

/** Returns the selectors of an expression, without ranges, such as 'rollwatch_probe_up{probe="token"}'. */
export function selectorsOf(expr: string): readonly string[] {
  const found = new Set<string>();
  parser.parse(expr).iterate({
    enter(node) {
      if (node.name === 'VectorSelector') found.add(expr.slice(node.from, node.to));
    },
  });
  return [...found];
}

/** Returns the metric whose values and labels an expression returns unchanged; null if it computes others. */
export function metricOf(expr: string): string | null {
  const [selector] = selectorsOf(expr);
  return selector === expr ? (readPromql(expr).metrics[0] ?? null) : null;
}
