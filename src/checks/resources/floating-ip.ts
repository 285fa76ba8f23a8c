import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { descriptionFor, isDescribedAsOurs, type Purpose } from '../../domain/check-resources.ts';
import { goodRows } from '../../http/lists.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { Limits } from '../../openstack/compute/compute.ts';
import { read } from '../../openstack/http/read.ts';
import { ipAddress, resourceId, segment } from '../../openstack/http/resource-id.ts';
import { create, remove } from '../../openstack/http/write.ts';
import type { Result } from '../../openstack/result.ts';
import type { KeptServer } from '../survivors/compare.ts';
import { patiently } from '../wait.ts';
import { describe } from './describe.ts';

const PATH = '/floatingips';
/** Until Nova has heard of an address, and between two looks, in milliseconds. */
const HEARD = 60_000;
const LOOK = 1000;

const floatingSchema = z.looseObject({
  id: resourceId,
  floating_ip_address: ipAddress,
  description: z.string().nullish(),
  port_id: z.string().nullish(),
});
const createdSchema = z.object({ floatingip: floatingSchema });
const listSchema = z.object({ floatingips: goodRows(floatingSchema) });
const portsSchema = z.object({ ports: goodRows(z.looseObject({ id: resourceId })) });
const networksSchema = z.object({ networks: goodRows(z.looseObject({ id: resourceId, name: z.string() })) });

export type FloatingAddress = { readonly id: string; readonly address: string };

export type FloatingOptions = {
  readonly purpose: Purpose;
  readonly vantage: string;
  /** The external network that it is of, by name or id. */
  readonly network: string;
  readonly serverId: string;
};

/** Gives a server's first port an address by which it can be reached from outside. */
export async function createFloating(
  cloud: Cloud,
  { purpose, vantage, network, serverId }: FloatingOptions,
  options: Limits,
): Promise<Result<FloatingAddress>> {
  const networks = await read(
    cloud,
    { type: 'network', path: '/networks?router:external=True' },
    networksSchema,
    options,
  );
  if (networks.type !== 'ok') return networks;
  const found = networks.value.networks.find(({ id, name }) => id === network || name === network);
  if (found === undefined) return missing(networks, `there is no external network '${network}'`);
  const path = `/ports?device_id=${encodeURIComponent(serverId)}`;
  const ports = await read(cloud, { type: 'network', path }, portsSchema, options);
  if (ports.type !== 'ok') return ports;
  const [port] = ports.value.ports;
  if (port === undefined) return missing(ports, `server ${serverId} has no port`);
  const description = descriptionFor(purpose, vantage);
  const body = { floatingip: { floating_network_id: found.id, port_id: port.id, description } };
  const made = await create(cloud, { type: 'network', path: PATH, body }, createdSchema, options);
  if (made.type !== 'ok') return made;
  const { id, floating_ip_address: address } = made.value.floatingip;
  return { ...made, value: { id, address } };
}

/** The server with a floating address, as Nova shows it: it hears of one only after a while. */
export async function ensureFloating(
  seenBy: Limits & { readonly cloud: Cloud; readonly admin: Cloud | null },
  floating: FloatingOptions,
): Promise<Result<KeptServer | null>> {
  const { cloud, limits, signal } = seenBy;
  let made: Result<FloatingAddress> | null = null;
  const until = performance.now() + HEARD;
  for (;;) {
    const seen = await patiently(() => describe(seenBy, floating.serverId), signal);
    if (seen.type !== 'ok' || seen.value === null || hasFloating(seen.value)) return seen;
    if (performance.now() > until || signal.aborted) return missing(seen, 'Nova does not show its floating address');
    made ??= await createFloating(cloud, floating, { limits, signal });
    if (made.type !== 'ok') return made;
    await delay(LOOK, undefined, { signal }).catch(() => {});
  }
}

const hasFloating = ({ addresses }: KeptServer): boolean =>
  addresses.some((one) => one.split(' ').at(-2) === 'floating');

function missing(after: Result<unknown>, message: string): Result<never> {
  const { stages, sentAt, settledAt, requestId } = after;
  const cause = { kind: 'no-resource', service: 'neutron', message } as const;
  return { type: 'failed', cause, hung: false, stages, sentAt, settledAt, requestId };
}

/** Ok, too, where there is none of that id. */
export const deleteFloating = (cloud: Cloud, id: string, options: Limits): Promise<Result<void>> =>
  remove(cloud, { type: 'network', path: `${PATH}/${segment(id)}` }, options);

/** All that we made, whether their servers are there still or not. None where Neutron has no routers, or is not there. */
export async function floatingOfOurs(
  cloud: Cloud,
  { purpose, vantage, ...options }: Limits & { readonly purpose: Purpose | null; readonly vantage: string },
): Promise<Result<readonly FloatingAddress[]>> {
  const all = await read(cloud, { type: 'network', path: PATH }, listSchema, options);
  const { kind = null, service = null } = all.type === 'failed' ? all.cause : {};
  // Without its routers Neutron doesn't know the path; an ingress doesn't know it while Neutron is away.
  if (kind === 'no-endpoint' || (kind === 'not-found' && service === 'neutron'))
    return { ...all, type: 'ok', value: [] };
  if (all.type !== 'ok') return all;
  const ours = all.value.floatingips.filter(({ description }) =>
    isDescribedAsOurs(description ?? '', { purpose, vantage }),
  );
  return { ...all, value: ours.map(({ id, floating_ip_address: address }) => ({ id, address })) };
}
