import { z } from 'zod';
import type { Probe } from '../domain/ports.ts';
import { REQUEST_STAGES, type Series } from '../domain/sample.ts';
import type { Cloud } from '../openstack/cloud.ts';
import { bool, duration, enforce, lessThan } from '../schema/fields.ts';
import {
  afterFailureField,
  DEFAULT_MAX_IN_FLIGHT,
  fasterAfterFailure,
  intervalField,
  limitsOf,
  type ProbeOrigin,
  type ProbeType,
  probeResultOf,
  type RequestSettings,
  SETTINGS_MAPPING,
  seriesOf,
  toAfterFailure,
} from './probe.ts';

const settingsSchema = z
  .strictObject(
    {
      enabled: bool.default(true),
      interval: intervalField('5s'),
      timeout: duration().prefault('10s'),
      slow: duration().optional(),
      after_failure: afterFailureField,
    },
    SETTINGS_MAPPING,
  )
  .superRefine(enforce(fasterAfterFailure))
  .superRefine(enforce(lessThan('slow', 'timeout')))
  .transform((given) => ({
    enabled: given.enabled,
    interval: given.interval,
    timeout: given.timeout,
    slow: given.slow ?? Math.min(2000, given.timeout / 2),
    afterFailure: toAfterFailure(given, 100),
  }))
  .prefault({});

const tokenSeries = (origin: ProbeOrigin, settings: RequestSettings): Series =>
  seriesOf({ ...origin, probe: 'token', connection: '', target: '' }, settings);

/** Requests a Keystone token over a new connection, which distinguishes outages of Keystone from those of Nova. */
export function token(cloud: Cloud, origin: ProbeOrigin, settings: RequestSettings): Probe {
  const http = cloud.open('new');
  const limits = limitsOf(settings);
  const send = cloud.backpressure.keystone.samples();
  return {
    series: tokenSeries(origin, settings),
    loop: 'open',
    afterFailure: settings.afterFailure,
    inFlight: settings.inFlight ?? DEFAULT_MAX_IN_FLIGHT,
    run: async ({ signal }) => probeResultOf(await send(() => cloud.issueToken({ http, limits, signal }), signal)),
    close: () => http.close(),
  };
}

/** Requests tokens. */
export const tokenProbe: ProbeType<RequestSettings> = {
  description: {
    name: 'token',
    label: 'token',
    sentences: {
      wasDown: 'Tokens could not be issued for',
      isDown: 'Tokens cannot be issued. Downtime so far:',
      neverDown: 'No token request failed.',
      unknown: 'Whether tokens could be issued is unknown: there is no valid sample.',
    },
    stages: REQUEST_STAGES,
    activity: null,
    startEstimate: 'between-samples',
    dependsOn: null,
    countsOverall: false,
  },
  settings: settingsSchema,
  series: (origin, settings) => [tokenSeries(origin, settings)],
  probes: (cloud, origin, { settings }) => [token(cloud, origin, settings)],
};
