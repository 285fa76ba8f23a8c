import { z } from 'zod';
import type { Creator } from '../domain/ownership.ts';
import type { Probe, ProbeDescription, ProbeResult } from '../domain/probe.ts';
import type { Series, SeriesKey } from '../domain/sample.ts';
import type { Facts } from '../domain/sampler-event.ts';
import type { Clock } from '../domain/time.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { HttpTimeouts } from '../openstack/http/http-message.ts';
import type { Result } from '../openstack/result.ts';
import { bool, duration, enforce, lessThan, type Rule, showDuration } from '../schema/fields.ts';
import type { Janitor } from './janitor.ts';

/** The cloud that is probed, and the vantage it is probed from. */
export type ProbeOrigin = { readonly cloud: string; readonly vantage: string };

/** Settings of every probe. All times are in milliseconds. */
export type ProbeSettings = {
  readonly interval: number;
  /** An ok sample that takes longer is slow. */
  readonly slow: number;
  /** Interval of the extra samples after a failure, and how long to send them at most. */
  readonly afterFailure: { readonly interval: number; readonly limit: number };
};

/** Settings of a probe that sends a single request per sample. */
export type RequestSettings = ProbeSettings & {
  readonly timeout: number;
  readonly connectTimeout?: number;
  /** Maximum number of samples in flight. */
  readonly maxInFlight?: number;
};

export type Switchable<Settings> = Settings & { readonly enabled: boolean };

/** What the probes of a cloud share. */
export type ProbesContext = {
  readonly session: number;
  readonly creator: Creator;
  readonly janitor: Janitor;
  /** The cloud as seen by a user who may read os-services; null if no such user is configured. */
  readonly admin: Cloud | null;
  readonly clock: Clock;
  readonly onFacts: (facts: Facts) => void;
};

/**
 * Everything that Rollwatch knows about a probe. `Given` is the type of its settings in rollwatch.yaml; it differs from
 * `Settings` if the configuration has to resolve some of them.
 */
export type ProbeType<Settings extends ProbeSettings = ProbeSettings, Given extends ProbeSettings = Settings> = {
  readonly description: ProbeDescription;
  /** Validates the settings; accepts undefined for all defaults. */
  readonly settings: z.ZodPrefault<z.ZodType<Switchable<Given>>>;
  /** Returns the series of the probe. Sends nothing to the cloud. */
  series(origin: ProbeOrigin, settings: Settings): readonly Series[];
  /** Creates one `Probe` for each series, in the same order. */
  probes(cloud: Cloud, origin: ProbeOrigin, options: ProbesContext & { readonly settings: Settings }): readonly Probe[];
};

export const SETTINGS_MAPPING = { error: 'a mapping of settings' };

export const intervalField = (defaultInterval: string, shortest = 100) =>
  duration({ min: shortest }).prefault(defaultInterval);

/** How often, and for how long at most, a probe sends extra samples after a failure. */
const afterFailureField = z
  .strictObject(
    { interval: duration({ min: 20 }).optional(), for: duration({ min: 0 }).prefault('60s') },
    SETTINGS_MAPPING,
  )
  .prefault({});

/** Returns the fields that every probe has in rollwatch.yaml. */
export const commonFields = ({
  enabled,
  interval,
  shortest,
}: {
  readonly enabled: boolean;
  readonly interval: string;
  /** The shortest interval that can be set, in milliseconds. */
  readonly shortest?: number;
}) => ({
  enabled: bool.default(enabled),
  interval: intervalField(interval, shortest),
  slow: duration().optional(),
  after_failure: afterFailureField,
});

type Paced = {
  readonly interval: number;
  readonly after_failure: { readonly interval?: number | undefined; readonly for: number };
};

export const afterFailureIntervalRule: Rule<Paced> = {
  path: ['after_failure', 'interval'],
  check: ({ interval, after_failure: { interval: extraInterval } }) =>
    extraInterval !== undefined && extraInterval >= interval
      ? `less than the interval (${showDuration(interval)})`
      : null,
};

type CommonFields = Paced & { readonly enabled: boolean; readonly slow?: number | undefined };

/** Returns the settings of these fields; the defaults are in milliseconds. */
export const toCommonSettings = (
  fields: CommonFields,
  { slow, afterFailureInterval }: { readonly slow: number; readonly afterFailureInterval: number },
): Switchable<ProbeSettings> => ({
  enabled: fields.enabled,
  interval: fields.interval,
  slow: fields.slow ?? slow,
  afterFailure: {
    interval: fields.after_failure.interval ?? Math.min(afterFailureInterval, fields.interval / 2),
    limit: fields.after_failure.for,
  },
});

/** Returns the settings of a probe that sends a single request per sample, with these defaults in milliseconds. */
export const requestSettings = ({
  slow,
  afterFailureInterval,
  ...common
}: Parameters<typeof commonFields>[0] & Parameters<typeof toCommonSettings>[1]) =>
  z
    .strictObject({ ...commonFields(common), timeout: duration().prefault('10s') }, SETTINGS_MAPPING)
    .superRefine(enforce(afterFailureIntervalRule))
    .superRefine(enforce(lessThan('slow', 'timeout')))
    .transform((fields) => ({
      ...toCommonSettings(fields, { slow: Math.min(slow, fields.timeout / 2), afterFailureInterval }),
      timeout: fields.timeout,
    }))
    .prefault({});

export const DEFAULT_MAX_IN_FLIGHT = 32;

const DEFAULT_CONNECT_TIMEOUT_MS = 5000;

export const timeoutsOf = ({
  timeout,
  connectTimeout,
}: Pick<RequestSettings, 'timeout' | 'connectTimeout'>): HttpTimeouts => ({
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

/** Converts the result of a single request. An ok result proves that the service was up when the request was sent. */
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
