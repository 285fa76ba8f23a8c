import type { FailureKind } from '../../src/domain/cause.ts';
import type { Sample, Series } from '../../src/domain/sample.ts';

/** The series that most tests use: 1 Hz, with durations in milliseconds. */
export const SERIES: Series = {
  cloud: 'cloud',
  vantage: 'here',
  probe: 'server-list',
  connection: 'new',
  target: '',
  interval: 1000,
  validFor: 1500,
  slow: 1000,
};

type Place = { readonly seq: number; readonly at: number; readonly session?: number; readonly extra?: boolean };

const base = ({ seq, at, session = 1, extra = false }: Place, took: number) => ({
  cloud: SERIES.cloud,
  vantage: SERIES.vantage,
  probe: SERIES.probe,
  connection: SERIES.connection,
  target: SERIES.target,
  session,
  seq,
  dueAt: at,
  startedAt: at,
  endedAt: at + took,
  extra,
  stages: {},
  requestId: null,
  serverId: null,
});

export const okSample = (place: Place, took = 0): Sample => ({
  ...base(place, took),
  outcome: 'ok',
  cause: null,
  lastKnownUpAt: place.at,
  settledAt: place.at + took,
});

type Failure = { readonly took?: number; readonly timedOut?: boolean; readonly kind?: FailureKind };

export const failedSample = (
  place: Place,
  { took = 0, timedOut = false, kind = 'connection-refused' }: Failure = {},
): Sample => ({
  ...base(place, took),
  outcome: 'failed',
  cause: { kind, service: 'nova-api', message: kind },
  lastKnownUpAt: null,
  failureStartedAt: place.at,
  settledAt: place.at + took,
  timedOut,
});

export const voidSample = (place: Place, took = 0): Sample => ({
  ...base(place, took),
  outcome: 'void',
  cause: { kind: 'stalled', service: 'rollwatch', message: 'stalled' },
  slots: 1,
});
