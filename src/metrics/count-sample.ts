import { latencyOf } from '../domain/downtime/stalls.ts';
import { type ProbeName, type Sample, type SeriesKey, seriesId } from '../domain/sample.ts';
import type { Families } from './families.ts';

const OUTCOMES = ['ok', 'failed', 'void'] as const;

const REQUEST = ['dns', 'connect', 'tls', 'first_byte', 'body'];

/** The stages that each probe passes, beside the whole: they are there with 0 before the first sample. */
const STAGES: { readonly [probe in ProbeName]: readonly string[] } = {
  'server-list': REQUEST,
  'server-boot': ['accepted', 'active', 'delete_accepted', 'gone'],
  'server-reach': ['dns', 'connect', 'banner'],
  token: REQUEST,
};

/** Only these are passed over a connection that is kept. */
const KEPT: readonly string[] = ['first_byte', 'body'];

/** No `target` where the probe has one alone: to Prometheus an empty label and none are the same. */
export type SeriesLabels = { readonly [label in Exclude<keyof SeriesKey, 'target'>]: string } & {
  readonly target?: string;
};

export const seriesLabels = ({ cloud, vantage, probe, connection, target }: SeriesKey): SeriesLabels => ({
  cloud,
  vantage,
  probe,
  connection,
  ...(target !== '' && { target }),
});

/** Brings every label set of a series into being, once; which causes it will meet can't be known. */
export function createBeginning(families: Families): (key: SeriesKey) => void {
  const begun = new Set<string>();
  return (key) => {
    const id = seriesId(key);
    if (!begun.has(id)) begin(families, key);
    begun.add(id);
  };
}

function begin(families: Families, key: SeriesKey): void {
  const labels = seriesLabels(key);
  families.samples.inc({ ...labels, outcome: 'ok', cause: '', service: '' }, 0);
  for (const outcome of OUTCOMES) {
    families.outcomes.inc({ ...labels, outcome }, 0);
    families.extra.inc({ ...labels, outcome }, 0);
  }
  families.missed.inc(labels, 0);
  const stages = STAGES[key.probe].filter((stage) => key.connection !== 'reused' || KEPT.includes(stage));
  for (const stage of ['total', ...stages]) families.duration.zero({ ...labels, stage });
}

export function countSample(families: Families, begin: (key: SeriesKey) => void): (sample: Sample) => void {
  return (sample) => {
    begin(sample);
    const labels = seriesLabels(sample);
    const { outcome, cause } = sample;
    const count = outcome === 'void' ? sample.slots : 1;
    if (sample.extra) {
      families.extra.inc({ ...labels, outcome }, count);
      return;
    }
    families.outcomes.inc({ ...labels, outcome }, count);
    families.samples.inc({ ...labels, outcome, cause: cause?.kind ?? '', service: cause?.service ?? '' }, count);
    if (outcome === 'void' && sample.cause.kind === 'missed') families.missed.inc(labels, count);
    if (outcome === 'ok') time(families, sample, labels);
  };
}

function time(families: Families, sample: Extract<Sample, { outcome: 'ok' }>, labels: SeriesLabels): void {
  const latency = latencyOf(sample);
  if (latency === null) return;
  families.duration.observe({ ...labels, stage: 'total' }, latency);
  for (const [stage, seconds] of Object.entries(sample.stages))
    families.duration.observe({ ...labels, stage }, seconds);
}
