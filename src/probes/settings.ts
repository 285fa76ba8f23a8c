import type { Series, SeriesKey } from '../domain/sample.ts';
import type { HttpLimits } from '../openstack/http/http-message.ts';

/** Which cloud is probed, and where we stand. */
export type Place = { readonly cloud: string; readonly vantage: string };

/** Of every probe. In milliseconds, as everywhere within. */
export type ProbeSettings = {
  readonly interval: number;
  /** An ok sample that took longer is slow. */
  readonly slow: number;
  /** Sampling after a failure: how often, and for how long at most. */
  readonly fast: { readonly interval: number; readonly limit: number };
};

/** Of a probe that is one request. */
export type RequestSettings = ProbeSettings & {
  readonly timeout: number;
  readonly connectTimeout?: number;
  /** Samples under way at once, at most. */
  readonly inFlight?: number;
};

export const limitsOf = ({ timeout, connectTimeout }: RequestSettings): HttpLimits => ({
  connect: connectTimeout ?? Math.min(5000, timeout),
  response: timeout,
});

/** Samples of a probe under way at once, where nothing else is set. */
export const IN_FLIGHT = 32;

/** A request stands for the time until the next one is due, and for half as much again should that be late. */
export const seriesOf = (key: SeriesKey, { interval, slow }: ProbeSettings): Series => ({
  ...key,
  interval,
  cover: interval * 1.5,
  slow,
});
