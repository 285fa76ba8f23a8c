import type { Probe } from '../domain/ports.ts';
import type { Cloud } from '../openstack/cloud.ts';
import { findingOf } from './finding.ts';
import { IN_FLIGHT, limitsOf, type Place, type RequestSettings, seriesOf } from './settings.ts';

/** Has Keystone issue a token, over a new connection, so that its outages are told apart from Nova's. */
export function token(cloud: Cloud, place: Place, settings: RequestSettings): Probe {
  const http = cloud.open('new');
  const limits = limitsOf(settings);
  const guarded = cloud.backpressure.keystone.samples();
  return {
    series: seriesOf({ ...place, probe: 'token', connection: '', target: '' }, settings),
    loop: 'open',
    fast: settings.fast,
    inFlight: settings.inFlight ?? IN_FLIGHT,
    run: async ({ signal }) => findingOf(await guarded(() => cloud.issue({ http, limits, signal }), signal)),
    close: () => http.close(),
  };
}
