import { collectDefaultMetrics, Registry } from 'prom-client';
import type { ProbeDescription } from '../domain/probe.ts';
import type { LiveStatus } from '../domain/run/live.ts';
import type { Sample } from '../domain/sample.ts';
import type { Verdict } from '../domain/upgrade/verdict.ts';
import { printable } from '../format/printable.ts';
import { createFamilies } from './families.ts';
import { createLiveUpdater } from './live-metrics.ts';
import { createSampleCounter, createSeriesInitializer } from './sample-metrics.ts';

export type Metrics = {
  /** Counts a finished sample. */
  observe(sample: Sample): void;
  /** Sets all metrics of the run state; exports all label sets of a new series with 0. */
  update(live: LiveStatus, verdict: Verdict): void;
  /** Returns all metrics in the Prometheus text format 0.0.4. */
  text(): Promise<string>;
  readonly contentType: string;
};

/** prom-client exports these gauges with the suffix of a counter, which promtool reports as an error. */
const MISNAMED_GAUGES = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

type MetricsOptions = { readonly version: string; readonly probes: readonly ProbeDescription[] };

export function createMetrics({ version, probes }: MetricsOptions): Metrics {
  const register = new Registry();
  collectDefaultMetrics({ register });
  for (const name of MISNAMED_GAUGES) register.removeSingleMetric(name);
  const families = createFamilies(register);
  families.build.set({ version }, 1);
  const initialize = createSeriesInitializer(families, probes);
  return {
    observe: createSampleCounter(families, initialize),
    update: createLiveUpdater(families, initialize),
    // A backslash in a label value is escaped as two.
    text: async () => printable(await register.metrics(), '\\\\'),
    contentType: register.contentType,
  };
}
