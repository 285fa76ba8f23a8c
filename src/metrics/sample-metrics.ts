import { latencyOf } from '../domain/downtime/stalls.ts';
import { type ProbeDescription, probeNamed } from '../domain/probe.ts';
import { type Sample, type SeriesKey, seriesId } from '../domain/sample.ts';
import { type Families, type SeriesLabels, seriesLabels } from './families.ts';

const OUTCOMES = ['ok', 'failed', 'void'] as const;

const REUSED_CONNECTION_STAGES: readonly string[] = ['first_byte', 'body'];

/**
 * Returns a function that exports all label sets of a series with 0, once per series. Label sets with a cause are not
 * known in advance.
 */
export function createSeriesInitializer(
  families: Families,
  probes: readonly ProbeDescription[],
): (key: SeriesKey) => void {
  const initialized = new Set<string>();
  return (key) => {
    const id = seriesId(key);
    if (!initialized.has(id)) initializeSeries(families, key, probeNamed(probes, key.probe));
    initialized.add(id);
  };
}

function initializeSeries(families: Families, key: SeriesKey, probe: ProbeDescription): void {
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
export function createSampleCounter(
  families: Families,
  initialize: (key: SeriesKey) => void,
): (sample: Sample) => void {
  return (sample) => {
    initialize(sample);
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

function observeDuration(families: Families, sample: Extract<Sample, { outcome: 'ok' }>, labels: SeriesLabels): void {
  const latency = latencyOf(sample);
  if (latency === null) return;
  families.sampleDuration.observe({ ...labels, stage: 'total' }, latency);
  for (const [stage, seconds] of Object.entries(sample.stages))
    families.sampleDuration.observe({ ...labels, stage }, seconds);
}
