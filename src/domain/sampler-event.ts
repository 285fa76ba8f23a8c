import type { VoidKind } from './cause.ts';
import type { LogLevel } from './log.ts';
import type { Sample, SeriesKey } from './sample.ts';
import type { Interval, Millis } from './time.ts';

/** A message from the sampler thread to the main thread, in order of the events. */
export type SamplerEvent =
  | { readonly type: 'sent'; readonly key: SeriesKey; readonly seq: number; readonly at: Millis }
  | {
      readonly type: 'progress';
      readonly key: SeriesKey;
      readonly seq: number;
      readonly at: Millis;
      readonly note: string;
    }
  | { readonly type: 'sample'; readonly sample: Sample }
  | { readonly type: 'gap'; readonly gap: ObservationGap }
  | { readonly type: 'server'; readonly event: ServerEvent }
  | { readonly type: 'facts'; readonly facts: Facts }
  | { readonly type: 'health'; readonly health: Health }
  | { readonly type: 'preflight'; readonly preflight: PreflightReport }
  | { readonly type: 'log'; readonly level: LogLevel; readonly message: string }
  | { readonly type: 'stopped' };

/** A period that explains unobserved time. */
export type ObservationGap = Interval & { readonly kind: VoidKind; readonly message: string };

/** A change of a test server. */
export type ServerEvent = {
  readonly cloud: string;
  readonly vantage: string;
  /** `leaked`: not deleted within the limit; deletion is still being retried. */
  readonly kind: 'created' | 'gone' | 'leaked';
  readonly name: string;
  readonly id: string | null;
  readonly at: Millis;
  readonly message: string;
};

/** The health of the sampler over the last second or so. */
export type Health = {
  readonly at: Millis;
  /** The maximum delay of the event loop, in milliseconds. */
  readonly lag: number;
  readonly inFlight: number;
  /** Why probes are suspended, by series id: 'paused', '5 servers cannot be deleted'. */
  readonly suspended: { readonly [seriesId: string]: string };
  /** The difference between the wall clock and the clock of the session, in milliseconds. */
  readonly clockOffset: number;
};

/** Whether a cloud can be probed as configured. */
export type PreflightReport = {
  readonly cloud: string;
  /** Why not, or null; `exitCode` as in `UserError`. */
  readonly refused: { readonly message: string; readonly exitCode: 2 | 3 } | null;
};

/** Facts discovered while the sampler runs; added to those of the open session. */
export type Facts = { readonly [name: string]: string };
