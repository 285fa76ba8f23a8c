import { createSeriesState, type SeriesState } from '../../src/domain/downtime/series-state.ts';
import type { Series } from '../../src/domain/sample.ts';
import { failedSample, okSample, SERIES } from './samples.ts';

/** Returns whether a request that is sent at a time fails. */
export type Truth = (at: number) => boolean;

/** How a connection is sampled: where in an interval it starts; extra samples after a failure, as `server-list` does. */
type Sampling = { readonly seconds: number; readonly offset?: number; readonly afterFailure?: number | null };

const LATENCY_MS = 20;

/** Returns the state of a series whose samples fail as `truth` says, without an event loop, clock or cloud. */
export function simulateSeries(
  truth: Truth,
  { seconds, offset = 0, afterFailure = 100 }: Sampling,
  series: Series = SERIES,
): SeriesState {
  const state = createSeriesState(series, 0);
  let seq = 0;
  const send = (at: number, extra: boolean): boolean => {
    const place = { seq: seq++, at, extra };
    const failed = truth(at);
    state.accept({ ...(failed ? failedSample(place, { took: 2 }) : okSample(place, LATENCY_MS)), ...series });
    return failed;
  };
  for (let slot = offset; slot < seconds * 1000; slot += series.interval) {
    let failed = send(slot, false);
    if (afterFailure === null) continue;
    for (let at = slot + afterFailure; failed && at < slot + series.interval; at += afterFailure)
      failed = send(at, true);
  }
  return state;
}

/** A pseudo-random number generator, 0 to 1: mulberry32 by T. Ettinger (public domain). */
export function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
