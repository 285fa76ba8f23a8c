import type { Probe } from '../domain/ports.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Result } from '../openstack/result.ts';
import {
  DEFAULT_MAX_IN_FLIGHT,
  limitsOf,
  type ProbeOrigin,
  probeResultOf,
  type RequestSettings,
  seriesOf,
} from './probe.ts';

export type ServerListSettings = RequestSettings & {
  /** Requests the detailed list, as `servers.list` of python-novaclient does. The brief one hides some outages. */
  readonly detail: boolean;
  /** Maximum number of servers in a response. */
  readonly limit: number;
};

export type ServerListOptions = {
  readonly settings: ServerListSettings;
  readonly connection: 'new' | 'reused';
};

/** Lists servers, over a new connection for each sample or over reused ones. */
export function serverList(cloud: Cloud, origin: ProbeOrigin, { settings, connection }: ServerListOptions): Probe {
  const http = cloud.open(connection);
  const compute = cloud.compute(http);
  const { dependencies } = cloud;
  const { detail, limit, inFlight = DEFAULT_MAX_IN_FLIGHT, afterFailure } = settings;
  const limits = limitsOf(settings);
  const send = cloud.backpressure['nova-api'].samples();

  /** Replaces the service at fault if a dependency of Nova turns out to be it. */
  async function attributed(result: Result<number | null>, signal: AbortSignal): Promise<Result<number | null>> {
    if (result.type === 'ok') void dependencies.learn(signal);
    if (result.type !== 'failed') return result;
    const cause = await dependencies.attributeReadTimeout(
      await dependencies.attribute(result.cause, 'request', signal),
      signal,
    );
    return { ...result, cause };
  }

  return {
    series: seriesOf({ ...origin, probe: 'server-list', connection, target: '' }, settings),
    loop: 'open',
    afterFailure,
    inFlight,
    async run({ signal }) {
      const listed = await send(() => compute.list({ detail, limit, limits, signal }), signal);
      return probeResultOf(await attributed(listed, signal));
    },
    close: () => http.close(),
  };
}
