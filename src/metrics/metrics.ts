import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Live } from '../domain/run/live.ts';
import type { Sample } from '../domain/sample.ts';
import { printable } from '../format/printable.ts';
import { countSample, createBeginning } from './count-sample.ts';
import { createFamilies } from './families.ts';
import { showLive } from './show-live.ts';

export type Metrics = {
  /** Counts a sample that has ended. */
  observe(sample: Sample): void;
  /** Shows what is known now; the first time a series is met, every label set of it is there with 0. */
  update(live: Live): void;
  /** Prometheus' text format 0.0.4. */
  text(): Promise<string>;
  readonly contentType: string;
};

/** prom-client counts these as gauges, but calls them totals; promtool refuses that. */
const REFUSED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

export function createMetrics({ version }: { readonly version: string }): Metrics {
  const register = new Registry();
  collectDefaultMetrics({ register });
  for (const name of REFUSED) register.removeSingleMetric(name);
  const families = createFamilies(register);
  families.build.set({ version }, 1);
  const begin = createBeginning(families);
  return {
    observe: countSample(families, begin),
    update: showLive(families, begin),
    // within the quotes of a label a backslash is written twice
    text: async () => printable(await register.metrics(), '\\\\'),
    contentType: register.contentType,
  };
}
