import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import {
  type CheckResourcePurpose,
  checkResourceDescription,
  hasCheckDescription,
} from '../../domain/check-resources.ts';
import { validRowsOf } from '../../http/lists.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { RequestOptions } from '../../openstack/compute/compute.ts';
import { ipAddress, resourceId, segment } from '../../openstack/http/resource-id.ts';
import { create, read, remove } from '../../openstack/rest.ts';
import type { Result } from '../../openstack/result.ts';
import { retryTransient } from '../wait.ts';
import { describeServer, type ServerRecord } from './server-record.ts';

const PATH = '/floatingips';
/** Nova shows a new floating IP only after a while. */
const VISIBLE_TIMEOUT_MS = 60_000;
const POLL_INTERVAL_MS = 1000;

const floatingSchema = z.looseObject({
  id: resourceId,
  floating_ip_address: ipAddress,
  description: z.string().nullish(),
  port_id: z.string().nullish(),
});
const createdSchema = z.object({ floatingip: floatingSchema });
const listSchema = z.object({ floatingips: validRowsOf(floatingSchema) });
const portsSchema = z.object({ ports: validRowsOf(z.looseObject({ id: resourceId })) });
const networksSchema = z.object({ networks: validRowsOf(z.looseObject({ id: resourceId, name: z.string() })) });

export type FloatingIp = { readonly id: string; readonly address: string };

export type FloatingIpOptions = {
  readonly purpose: CheckResourcePurpose;
  readonly vantage: string;
  /** The external network, by name or id. */
  readonly network: string;
  readonly serverId: string;
};

/** Creates a floating IP for the first port of a server. */
async function createFloatingIp(
  cloud: Cloud,
  { purpose, vantage, network, serverId }: FloatingIpOptions,
  options: RequestOptions,
): Promise<Result<FloatingIp>> {
  const networks = await read(
    cloud,
    { type: 'network', path: '/networks?router:external=True' },
    networksSchema,
    options,
  );
  if (networks.type !== 'ok') return networks;
  const external = networks.value.networks.find(({ id, name }) => id === network || name === network);
  if (external === undefined) return noResource(networks, `there is no external network '${network}'`);
  const path = `/ports?device_id=${encodeURIComponent(serverId)}`;
  const ports = await read(cloud, { type: 'network', path }, portsSchema, options);
  if (ports.type !== 'ok') return ports;
  const [port] = ports.value.ports;
  if (port === undefined) return noResource(ports, `server ${serverId} has no port`);
  const description = checkResourceDescription(purpose, vantage);
  const body = { floatingip: { floating_network_id: external.id, port_id: port.id, description } };
  const created = await create(cloud, { type: 'network', path: PATH, body }, createdSchema, options);
  if (created.type !== 'ok') return created;
  const { id, floating_ip_address: address } = created.value.floatingip;
  return { ...created, value: { id, address } };
}

/** Creates a floating IP for a server that has none, and returns the server once Nova shows the address. */
export async function ensureFloatingIp(
  describeOptions: RequestOptions & { readonly cloud: Cloud; readonly admin: Cloud | null },
  floatingIp: FloatingIpOptions,
): Promise<Result<ServerRecord | null>> {
  const { cloud, timeouts, signal } = describeOptions;
  let created: Result<FloatingIp> | null = null;
  const deadline = performance.now() + VISIBLE_TIMEOUT_MS;
  for (;;) {
    const described = await retryTransient(() => describeServer(describeOptions, floatingIp.serverId), signal);
    if (described.type !== 'ok' || described.value === null || hasFloatingIp(described.value)) return described;
    if (performance.now() > deadline || signal.aborted)
      return noResource(described, 'Nova does not show the floating IP');
    created ??= await createFloatingIp(cloud, floatingIp, { timeouts, signal });
    if (created.type !== 'ok') return created;
    await delay(POLL_INTERVAL_MS, undefined, { signal }).catch(() => {});
  }
}

const hasFloatingIp = ({ addresses }: ServerRecord): boolean =>
  addresses.some((address) => address.split(' ').at(-2) === 'floating');

function noResource(after: Result<unknown>, message: string): Result<never> {
  const { stages, sentAt, settledAt, requestId } = after;
  const cause = { kind: 'no-resource', service: 'neutron', message } as const;
  return { type: 'failed', cause, timedOut: false, stages, sentAt, settledAt, requestId };
}

/** Succeeds even if there is no floating IP with this id. */
export const deleteFloatingIp = (cloud: Cloud, id: string, options: RequestOptions): Promise<Result<void>> =>
  remove(cloud, { type: 'network', path: `${PATH}/${segment(id)}` }, options);

/**
 * Lists the floating IPs that `check` created, including those of deleted servers. Returns none if there is no Neutron,
 * or if it has no routers.
 */
export async function listOwnedFloatingIps(
  cloud: Cloud,
  {
    purpose,
    vantage,
    ...options
  }: RequestOptions & { readonly purpose: CheckResourcePurpose | null; readonly vantage: string },
): Promise<Result<readonly FloatingIp[]>> {
  const all = await read(cloud, { type: 'network', path: PATH }, listSchema, options);
  const { kind = null, service = null } = all.type === 'failed' ? all.cause : {};
  // Neutron itself answers 404 if it has no routers; an ingress does so while Neutron is down.
  if (kind === 'no-endpoint' || (kind === 'not-found' && service === 'neutron'))
    return { ...all, type: 'ok', value: [] };
  if (all.type !== 'ok') return all;
  const owned = all.value.floatingips.filter(({ description }) =>
    hasCheckDescription(description ?? '', { purpose, vantage }),
  );
  return { ...all, value: owned.map(({ id, floating_ip_address: address }) => ({ id, address })) };
}
