import { latencyOf } from '../domain/downtime/stalls.ts';
import { type ProbeName, type Sample, type SeriesKey, seriesId } from '../domain/sample.ts';
import { type Families, type SeriesLabels, seriesLabels } from './families.ts';

const OUTCOMES = ['ok', 'failed', 'void'] as const;

const REQUEST_STAGES = ['dns', 'connect', 'tls', 'first_byte', 'body'];

/** Stages of each probe besides `total`. They are exported with 0 before the first sample. */
const STAGES: { readonly [probe in ProbeName]: readonly string[] } = {
  'server-list': REQUEST_STAGES,
  'server-boot': ['accepted', 'active', 'delete_accepted', 'gone'],
  'server-reach': ['dns', 'connect', 'banner'],
  token: REQUEST_STAGES,
};

const REUSED_CONNECTION_STAGES: readonly string[] = ['first_byte', 'body'];

/**
 * Returns a function that exports all label sets of a series with 0, once per series. Label sets with a cause are not
 * known in advance.
 */
export function createSeriesInitializer(families: Families): (key: SeriesKey) => void {
  const initialized = new Set<string>();
  return (key) => {
    const id = seriesId(key);
    if (!initialized.has(id)) initializeSeries(families, key);
    initialized.add(id);
  };
}

function initializeSeries(families: Families, key: SeriesKey): void {
  const labels = seriesLabels(key);
  families.samples.inc({ ...labels, outcome: 'ok', cause: '', service: '' }, 0);
  for (const outcome of OUTCOMES) {
    families.outcomes.inc({ ...labels, outcome }, 0);
    families.extraSamples.inc({ ...labels, outcome }, 0);
  }
  families.slotsMissed.inc(labels, 0);
  const stages = STAGES[key.probe].filter(
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
