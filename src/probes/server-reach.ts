import { z } from 'zod';
import { isCheckServer } from '../domain/ownership.ts';
import type { Clock, Probe } from '../domain/ports.ts';
import type { ReachTarget } from '../domain/reach-target.ts';
import type { Series } from '../domain/sample.ts';
import { addressOf } from '../domain/server-address.ts';
import { entries, goodRows } from '../http/lists.ts';
import type { Cloud } from '../openstack/cloud.ts';
import { addressesSchema, addressLines } from '../openstack/compute/server-addresses.ts';
import { resourceId } from '../openstack/http/resource-id.ts';
import { reach } from './reach.ts';
import { IN_FLIGHT, type Place, type ProbeSettings, seriesOf } from './settings.ts';

export type ServerReachSettings = ProbeSettings & {
  /** For the connection and what is to be said over it, in milliseconds. */
  readonly timeout: number;
  /** Whether SSH's banner must come (RFC 4253, 4.2); else a connection is enough. */
  readonly banner: boolean;
  readonly targets: readonly ReachTarget[];
};

export const reachSeries = (place: Place, target: ReachTarget, settings: ServerReachSettings): Series =>
  seriesOf({ ...place, probe: 'server-reach', connection: '', target: target.name }, settings);

/** Between two looks for a server by its name, in milliseconds. */
const LOOK = 5000;

const serversSchema = z.object({
  servers: goodRows(
    z.looseObject({
      id: resourceId,
      name: z.string(),
      metadata: entries(z.string()).default({}),
      addresses: addressesSchema,
    }),
  ),
});

type Found = { readonly id: string | null; readonly host: string };

/**
 * Opens a connection to one server and closes it: does the data plane work? A server that `check before` has left is
 * looked for beside the sampling; while it isn't found, nothing is sampled. One that can't be reached is looked for anew:
 * it may have been made anew, or taken away by `check clean`.
 */
export function serverReach(
  cloud: Cloud,
  place: Place,
  { settings, target, clock }: { settings: ServerReachSettings; target: ReachTarget; clock: Clock },
): Probe {
  let found: Found | null = target.kind === 'address' ? { id: null, host: target.host } : null;
  let reason = `server ${target.name} is not known yet`;
  let lookedAt = Number.NEGATIVE_INFINITY;
  const closed = new AbortController();

  async function look(): Promise<void> {
    const path = `/servers/detail?name=${encodeURIComponent(`^${target.name}$`)}`;
    const options = { limits: cloud.limits, signal: closed.signal };
    const result = await cloud.compute(cloud.http).read(path, serversSchema, options);
    // A cloud that doesn't answer says nothing of its servers
    if (result.type !== 'ok') return;
    const ours = { purpose: 'kept', vantage: place.vantage } as const;
    const server = result.value.servers.find((one) => one.name === target.name && isCheckServer(one, ours));
    const host = server === undefined ? null : addressOf(addressLines(server.addresses));
    reason = server === undefined ? `there is no server ${target.name}` : `server ${target.name} has no address`;
    found = server === undefined || host === null ? null : { id: server.id, host };
  }

  function lookAgain(): void {
    if (target.kind === 'address' || clock.now() - lookedAt < LOOK) return;
    lookedAt = clock.now();
    void look();
  }

  return {
    series: reachSeries(place, target, settings),
    loop: 'open',
    fast: settings.fast,
    inFlight: IN_FLIGHT,
    held() {
      if (found === null) lookAgain();
      return found === null ? reason : null;
    },
    async run({ signal }) {
      const { id, host } = found ?? { id: null, host: '' };
      const { port } = target;
      const result = await reach({ host, port, timeout: settings.timeout, banner: settings.banner, clock, signal });
      if (result.outcome === 'failed') lookAgain();
      return { ...result, requestId: null, serverId: id };
    },
    close: () => closed.abort(),
  };
}
