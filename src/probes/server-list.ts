import type { Probe } from '../domain/ports.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Result } from '../openstack/result.ts';
import { findingOf } from './finding.ts';
import { IN_FLIGHT, limitsOf, type Place, type RequestSettings, seriesOf } from './settings.ts';

export type ServerListSettings = RequestSettings & {
  /** The detail list, as the Python client's `servers.list` asks for it; the plain one doesn't see all outages. */
  readonly detail: boolean;
  /** Servers in an answer, at most. */
  readonly limit: number;
};

export type ServerListOptions = {
  readonly settings: ServerListSettings;
  readonly connection: 'new' | 'reused';
};

/** Lists servers, over connections that are kept or over a new one each time. */
export function serverList(cloud: Cloud, place: Place, { settings, connection }: ServerListOptions): Probe {
  const http = cloud.open(connection);
  const compute = cloud.compute(http);
  const { secondLook } = cloud;
  const { detail, limit, inFlight = IN_FLIGHT, fast } = settings;
  const limits = limitsOf(settings);
  const guarded = cloud.backpressure['nova-api'].samples();

  async function blamed(result: Result<number | null>, signal: AbortSignal): Promise<Result<number | null>> {
    if (result.type === 'ok') void secondLook.learn(signal);
    if (result.type !== 'failed') return result;
    const cause = await secondLook.atRead(await secondLook.at(result.cause, 'request', signal), signal);
    return { ...result, cause };
  }

  return {
    series: seriesOf({ ...place, probe: 'server-list', connection, target: '' }, settings),
    loop: 'open',
    fast,
    inFlight,
    async run({ signal }) {
      const listed = await guarded(() => compute.list({ detail, limit, limits, signal }), signal);
      return findingOf(await blamed(listed, signal));
    },
    close: () => http.close(),
  };
}
