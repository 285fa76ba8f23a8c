import { z } from 'zod';
import type { Probe } from '../domain/probe.ts';
import { REQUEST_STAGES, type Series } from '../domain/sample.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Result } from '../openstack/result.ts';
import { atMost, bool, duration, enforce, integer, lessThan, subsetOf } from '../schema/fields.ts';
import {
  afterFailureIntervalRule,
  commonFields,
  DEFAULT_MAX_IN_FLIGHT,
  type ProbeOrigin,
  type ProbeType,
  probeResultOf,
  type RequestSettings,
  SETTINGS_MAPPING,
  seriesOf,
  timeoutsOf,
  toCommonSettings,
} from './probe.ts';

export type ServerListSettings = RequestSettings & {
  /** Requests the detailed list, as `servers.list` of python-novaclient does. The brief one hides some outages. */
  readonly detail: boolean;
  /** Maximum number of servers in a response. */
  readonly limit: number;
};

// A limit that is not set is derived from the one that bounds it, so that a shorter timeout alone is never an error.
const settingsSchema = z
  .strictObject(
    {
      ...commonFields({ enabled: true, interval: '1s' }),
      timeout: duration().prefault('10s'),
      connect_timeout: duration().optional(),
      detail: bool.default(true),
      limit: integer(1, 1000).default(100),
      connections: subsetOf(['reused', 'new']).default(['reused', 'new']),
      in_flight: integer(1, 1024).default(32),
    },
    SETTINGS_MAPPING,
  )
  .superRefine(enforce(afterFailureIntervalRule))
  .superRefine(enforce(atMost('connect_timeout', 'timeout')))
  .superRefine(enforce(lessThan('slow', 'timeout')))
  .transform((fields) => ({
    ...toCommonSettings(fields, { slow: Math.min(1000, fields.timeout / 2), afterFailureInterval: 100 }),
    timeout: fields.timeout,
    connectTimeout: fields.connect_timeout ?? Math.min(5000, fields.timeout),
    detail: fields.detail,
    limit: fields.limit,
    connections: fields.connections,
    maxInFlight: fields.in_flight,
  }))
  .prefault({});

export type ServerListOptions = {
  readonly settings: ServerListSettings;
  readonly connection: 'new' | 'reused';
};

const listSeries = (origin: ProbeOrigin, settings: ServerListSettings, connection: 'new' | 'reused'): Series =>
  seriesOf({ ...origin, probe: 'server-list', connection, target: '' }, settings);

/** Lists servers, over a new connection for each sample or over reused ones. */
export function serverList(cloud: Cloud, origin: ProbeOrigin, { settings, connection }: ServerListOptions): Probe {
  const http = cloud.open(connection);
  const compute = cloud.compute(http);
  const { dependencies } = cloud;
  const { detail, limit, maxInFlight = DEFAULT_MAX_IN_FLIGHT, afterFailure } = settings;
  const timeouts = timeoutsOf(settings);
  const send = cloud.backpressure['nova-api'].guardSamples(timeouts.response);

  /** Replaces the service at fault if that turns out to be a dependency of Nova. */
  async function attribute(result: Result<number | null>, signal: AbortSignal): Promise<Result<number | null>> {
    if (result.type === 'ok') void dependencies.learn(signal);
    if (result.type !== 'failed') return result;
    const cause = await dependencies.attributeReadTimeout(
      await dependencies.attribute(result.cause, 'request', signal),
      signal,
    );
    return { ...result, cause };
  }

  return {
    series: listSeries(origin, settings, connection),
    loop: 'open',
    afterFailure,
    maxInFlight,
    async run({ signal }) {
      const listed = await send(() => compute.list({ detail, limit, timeouts, signal }), signal);
      return probeResultOf(await attribute(listed, signal));
    },
    close: () => http.close(),
  };
}

/** Lists servers, as the Python client's `servers.list` does, on each kind of connection. */
export const serverListProbe: ProbeType<ServerListSettings & { readonly connections: readonly ('new' | 'reused')[] }> =
  {
    description: {
      name: 'server-list',
      label: 'API',
      sentences: {
        operations: 'list requests',
        wasDown: 'The API was down for',
        isDown: 'The API has been down',
        neverDown: 'The API was never down.',
        unknown: 'The state of the API is unknown: there is no valid sample.',
      },
      stages: REQUEST_STAGES,
      activity: null,
      startEstimate: 'between-samples',
      dependsOn: null,
      sharpens: null,
      countsOverall: true,
    },
    settings: settingsSchema,
    series: (origin, settings) => settings.connections.map((connection) => listSeries(origin, settings, connection)),
    probes: (cloud, origin, { settings }) =>
      settings.connections.map((connection) => serverList(cloud, origin, { settings, connection })),
  };
