import type { Probe } from '../domain/probe.ts';
import { REQUEST_STAGES, type Series } from '../domain/sample.ts';
import type { Cloud } from '../openstack/cloud.ts';
import {
  DEFAULT_MAX_IN_FLIGHT,
  type ProbeOrigin,
  type ProbeType,
  probeResultOf,
  type RequestSettings,
  requestSettings,
  seriesOf,
  timeoutsOf,
} from './probe.ts';

const settingsSchema = requestSettings({ enabled: true, interval: '5s', slow: 2000, afterFailureInterval: 100 });

const tokenSeries = (origin: ProbeOrigin, settings: RequestSettings): Series =>
  seriesOf({ ...origin, probe: 'token', connection: '', target: '' }, settings);

/** Requests a Keystone token over a new connection, which distinguishes outages of Keystone from those of Nova. */
export function token(cloud: Cloud, origin: ProbeOrigin, settings: RequestSettings): Probe {
  const http = cloud.open('new');
  const timeouts = timeoutsOf(settings);
  const send = cloud.backpressure.keystone.guardSamples(timeouts.response);
  return {
    series: tokenSeries(origin, settings),
    loop: 'open',
    afterFailure: settings.afterFailure,
    maxInFlight: settings.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT,
    run: async ({ signal }) => probeResultOf(await send(() => cloud.issueToken({ http, timeouts, signal }), signal)),
    close: () => http.close(),
  };
}

/** Requests tokens. */
export const tokenProbe: ProbeType<RequestSettings> = {
  description: {
    name: 'token',
    label: 'token',
    sentences: {
      operations: 'token requests',
      wasDown: 'Tokens could not be issued for',
      isDown: 'Token requests have been failing',
      neverDown: 'No token request failed.',
      unknown: 'Whether tokens could be issued is unknown: there is no valid sample.',
    },
    stages: REQUEST_STAGES,
    activity: null,
    startEstimate: 'between-samples',
    dependsOn: null,
    sharpens: null,
    countsOverall: false,
  },
  settings: settingsSchema,
  series: (origin, settings) => [tokenSeries(origin, settings)],
  probes: (cloud, origin, { settings }) => [token(cloud, origin, settings)],
};
