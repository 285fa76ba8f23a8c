import type { Sample, Series } from '../../src/domain/sample.ts';
import { failedSample, okSample, SERIES } from '../support/samples.ts';

/** Four probes at 1 Hz, and a pilot at 10 Hz, which records stages but no request ids. */
export const MIXED_SERIES: readonly Series[] = [
  { ...SERIES, connection: 'new' },
  { ...SERIES, connection: 'reused' },
  { ...SERIES, probe: 'server-boot', connection: '' },
  { ...SERIES, probe: 'token', connection: '' },
  { ...SERIES, probe: 'pilot', connection: 'reused', interval: 100, validFor: 150 },
];

/** The latencies of each probe in milliseconds, by stage. */
const STAGES: { readonly [probe: string]: { readonly [stage: string]: number } } = {
  'server-list new': { dns: 0.2, connect: 0.9, first_byte: 39, body: 1.6 },
  'server-list reused': { first_byte: 38, body: 1.5 },
  'server-boot ': { accepted: 120, active: 580, delete_accepted: 50, gone: 210 },
  'token ': { connect: 1.1, first_byte: 95, body: 0.4 },
  'pilot reused': { first_byte: 1.2, body: 0.2 },
};

/** How many samples `mixedSecond` returns. */
export const SAMPLES_PER_SECOND = 14;

/**
 * Creates a function that returns the samples of a second in the order of their ends. Lateness, latencies and ids are
 * random, as on a real clock, and reproducible; five seconds are down every five minutes.
 */
export function createMixedSamples(start: number, session: number): (second: number) => readonly Sample[] {
  const random = createRandom(20);
  /** Random with a long tail, and half of it within a tenth around `usual`. */
  const around = (usual: number) => usual * (0.9 + 0.2 * random() + (random() < 0.05 ? 2 * random() ** 2 : 0));
  const hex = (digits: number) =>
    Math.floor(random() * 16 ** digits)
      .toString(16)
      .padStart(digits, '0');
  const uuid = () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(6)}${hex(6)}`;

  function sampleOf(series: Series, seq: number): Sample {
    const { probe, connection, interval } = series;
    const usual = STAGES[`${probe} ${connection}`] ?? {};
    const dueAt = start + seq * interval;
    const startedAt = dueAt + around(0.35);
    const sentAt = startedAt + around(0.04);
    const isDown = Math.floor((seq * interval) / 1000) % 300 >= 295;
    const names = isDown ? [] : Object.keys(usual);
    let settledAt = sentAt;
    const stages: { [stage: string]: number } = {};
    for (const name of names) {
      const before = settledAt;
      settledAt += around(usual[name] ?? 0);
      stages[name] = (settledAt - before) / 1000;
    }
    settledAt += names.length === 0 ? around(1.4) : around(0.02);
    const place = { seq, at: startedAt, session };
    const made = isDown
      ? { ...failedSample(place), failureStartedAt: sentAt, settledAt }
      : { ...okSample(place), lastKnownUpAt: sentAt, settledAt };
    const requestId = names.length === 0 || probe === 'pilot' ? null : `req-${uuid()}`;
    const serverId = probe === 'server-boot' && !isDown ? uuid() : null;
    return { ...made, probe, connection, dueAt, stages, requestId, serverId, endedAt: settledAt + around(0.03) };
  }

  return (second) => {
    const samples = MIXED_SERIES.flatMap((series) => {
      const perSecond = 1000 / series.interval;
      return Array.from({ length: perSecond }, (_, part) => sampleOf(series, second * perSecond + part));
    });
    return samples.sort((a, b) => a.endedAt - b.endedAt);
  };
}

/** Returns values from 0 to 1: the generator mulberry32. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
