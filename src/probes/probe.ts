import type { ProbeResult } from '../domain/ports.ts';
import type { Series, SeriesKey } from '../domain/sample.ts';
import type { HttpLimits } from '../openstack/http/http-message.ts';
import type { Result } from '../openstack/result.ts';

/** The cloud that is probed, and the vantage it is probed from. */
export type ProbeOrigin = { readonly cloud: string; readonly vantage: string };

/** Settings of every probe. All times are in milliseconds. */
export type ProbeSettings = {
  readonly interval: number;
  /** An ok sample that took longer is degraded. */
  readonly slow: number;
  /** Interval of the extra samples after a failure, and how long to send them at most. */
  readonly afterFailure: { readonly interval: number; readonly limit: number };
};

/** Settings of a probe that sends a single request per sample. */
export type RequestSettings = ProbeSettings & {
  readonly timeout: number;
  readonly connectTimeout?: number;
  /** Maximum number of samples in flight. */
  readonly inFlight?: number;
};

export const DEFAULT_MAX_IN_FLIGHT = 32;

const DEFAULT_CONNECT_TIMEOUT_MS = 5000;

export const limitsOf = ({ timeout, connectTimeout }: RequestSettings): HttpLimits => ({
  connect: connectTimeout ?? Math.min(DEFAULT_CONNECT_TIMEOUT_MS, timeout),
  response: timeout,
});

/** Builds a series. A sample is valid until the next one is due, plus half an interval in case that one is late. */
export const seriesOf = (key: SeriesKey, { interval, slow }: ProbeSettings): Series => ({
  ...key,
  interval,
  validFor: interval * 1.5,
  slow,
});

/** Converts the result of a single request. An ok result proves the service up at the time the request was sent. */
export function probeResultOf(result: Result<unknown>): ProbeResult {
  const { stages, requestId, sentAt, settledAt } = result;
  const common = { stages, requestId, serverId: null };
  switch (result.type) {
    case 'ok':
      return { ...common, outcome: 'ok', cause: null, lastKnownUpAt: sentAt, settledAt };
    case 'failed':
      return {
        ...common,
        outcome: 'failed',
        cause: result.cause,
        lastKnownUpAt: null,
        failureStartedAt: sentAt,
        settledAt,
        timedOut: result.timedOut,
      };
    case 'void':
      return { ...common, outcome: 'void', cause: result.cause, slots: 1 };
  }
}
