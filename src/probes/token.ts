import type { Probe } from '../domain/ports.ts';
import type { Cloud } from '../openstack/cloud.ts';
import {
  DEFAULT_MAX_IN_FLIGHT,
  limitsOf,
  type ProbeOrigin,
  probeResultOf,
  type RequestSettings,
  seriesOf,
} from './probe.ts';

/** Requests a Keystone token over a new connection, which distinguishes outages of Keystone from those of Nova. */
export function token(cloud: Cloud, origin: ProbeOrigin, settings: RequestSettings): Probe {
  const http = cloud.open('new');
  const limits = limitsOf(settings);
  const send = cloud.backpressure.keystone.samples();
  return {
    series: seriesOf({ ...origin, probe: 'token', connection: '', target: '' }, settings),
    loop: 'open',
    afterFailure: settings.afterFailure,
    inFlight: settings.inFlight ?? DEFAULT_MAX_IN_FLIGHT,
    run: async ({ signal }) => probeResultOf(await send(() => cloud.issueToken({ http, limits, signal }), signal)),
    close: () => http.close(),
  };
}
