import type { Probe } from '../domain/ports.ts';
import type { Series } from '../domain/sample.ts';
import type { Cloud } from '../openstack/cloud.ts';
import { findingOf } from './finding.ts';
import { type Place, type RequestSettings, seriesOf } from './settings.ts';

export type ServerListSettings = RequestSettings & {
  /** The detail list, as the Python client's `servers.list` asks for it; the plain one doesn't see all outages. */
  readonly detail: boolean;
  /** Servers in an answer, at most. */
  readonly limit: number;
};

/** Lists servers, over connections that are kept or over a new one each time. */
export function serverList(
  cloud: Cloud,
  place: Place,
  { settings, connection }: { readonly settings: ServerListSettings; readonly connection: 'new' | 'reused' },
): Probe {
  const http = cloud.open(connection);
  const compute = cloud.compute(http);
  const { detail, limit, limits, inFlight, fast } = settings;
  const series: Series = seriesOf({ ...place, probe: 'server-list', connection }, settings);
  return {
    series,
    loop: 'open',
    fast,
    inFlight,
    run: async ({ signal }) => findingOf(await compute.list({ detail, limit, limits, signal })),
    close: () => http.close(),
  };
}
