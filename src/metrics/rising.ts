import type { Counter } from 'prom-client';

/**
 * A counter that is set, not added to, and never goes down: what is known may be revised (a sample that was under way
 * turns out ok), and Prometheus would take a lower value for a restart and count the whole again.
 * Of two values it shows the higher. The exact value is kept, not a sum of differences.
 */
export function createRising<Label extends string>(
  counter: Counter<Label>,
): (labels: Readonly<Partial<Record<Label, string>>>, value: number) => void {
  const shown = new Map<string, number>();
  return (labels, value) => {
    const key = JSON.stringify(Object.values(labels));
    const before = shown.get(key);
    if (before !== undefined && value <= before) return;
    shown.set(key, value);
    counter.remove(labels);
    counter.inc(labels, value);
  };
}
