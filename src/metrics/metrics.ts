import { collectDefaultMetrics, Registry } from 'prom-client';
import { latencyOf } from '../domain/downtime/stalls.ts';
import { type ProbeDescription, probeNamed } from '../domain/probe.ts';
import type { LiveStatus } from '../domain/run/live.ts';
import { type Sample, type SeriesKey, seriesId } from '../domain/sample.ts';
import type { Verdict } from '../domain/upgrade/verdict.ts';
import { printable } from '../format/printable.ts';
import { createMetricFamilies, type MetricFamilies, type SeriesLabels, seriesLabels } from './metric-definitions.ts';
import { createRunMetricsUpdater } from './run-metrics.ts';

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
  const families = createMetricFamilies(register);
  families.build.set({ version }, 1);
  const initialise = createSeriesInitialiser(families, probes);
  return {
    observe: createSampleCounter(families, initialise),
    update: createRunMetricsUpdater(families, initialise),
    // In this format, a backslash in a label value is written as two.
    text: async () => printable(await register.metrics(), '\\\\'),
    contentType: register.contentType,
  };
}

const OUTCOMES = ['ok', 'failed', 'void'] as const;

const REUSED_CONNECTION_STAGES: readonly string[] = ['first_byte', 'body'];

/**
 * Returns a function that exports all label sets of a series with 0, once per series. Label sets with a cause are not
 * known in advance.
 */
function createSeriesInitialiser(
  families: MetricFamilies,
  probes: readonly ProbeDescription[],
): (key: SeriesKey) => void {
  const initialised = new Set<string>();
  return (key) => {
    const id = seriesId(key);
    if (!initialised.has(id)) initialiseSeries(families, key, probeNamed(probes, key.probe));
    initialised.add(id);
  };
}

function initialiseSeries(families: MetricFamilies, key: SeriesKey, probe: ProbeDescription): void {
  const labels = seriesLabels(key);
  families.samples.inc({ ...labels, outcome: 'ok', cause: '', service: '' }, 0);
  for (const outcome of OUTCOMES) {
    families.outcomes.inc({ ...labels, outcome }, 0);
    families.extraSamples.inc({ ...labels, outcome }, 0);
  }
  families.slotsMissed.inc(labels, 0);
  const stages = probe.stages.filter(
    (stage) => key.connection !== 'reused' || REUSED_CONNECTION_STAGES.includes(stage),
  );
  for (const stage of ['total', ...stages]) families.sampleDuration.zero({ ...labels, stage });
}

/** Returns a function that counts a finished sample and observes its duration. */
function createSampleCounter(families: MetricFamilies, initialise: (key: SeriesKey) => void): (sample: Sample) => void {
  return (sample) => {
    initialise(sample);
    const labels = seriesLabels(sample);
    const { outcome, cause } = sample;
    const count = outcome === 'void' ? sample.slots : 1;
    if (sample.extra) {
      families.extraSamples.inc({ ...labels, outcome }, count);
      return;
    }
    families.outcomes.inc({ ...labels, outcome }, count);
    families.samples.inc({ ...labels, outcome, cause: cause?.kind ?? '', service: cause?.service ?? '' }, count);
    if (outcome === 'void' && sample.cause.kind === 'missed') families.slotsMissed.inc(labels, count);
    if (outcome === 'ok') observeDuration(families, sample, labels);
  };
}

function observeDuration(
  families: MetricFamilies,
  sample: Extract<Sample, { outcome: 'ok' }>,
  labels: SeriesLabels,
): void {
  const latency = latencyOf(sample);
  if (latency === null) return;
  families.sampleDuration.observe({ ...labels, stage: 'total' }, latency);
  for (const [stage, seconds] of Object.entries(sample.stages))
    families.sampleDuration.observe({ ...labels, stage }, seconds);
}
