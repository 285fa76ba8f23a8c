import { z } from 'zod';
import type { Hypervisor, Provider } from '../domain/checks/hypervisors.ts';
import type { ServiceRecord } from '../domain/checks/services.ts';
import { rows } from '../http/lists.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Limits } from '../openstack/compute.ts';
import { read } from '../openstack/read.ts';
import type { Result } from '../openstack/result.ts';

const servicesSchema = z.object({
  services: rows(
    z.looseObject({
      id: z.union([z.string(), z.number()]).transform(String),
      binary: z.string(),
      host: z.string(),
      zone: z.string().default('nova'),
      status: z.string(),
      state: z.string(),
      updated_at: z.string().nullish(),
      disabled_reason: z.string().nullish(),
    }),
  ),
});

const hypervisorsSchema = z.object({
  hypervisors: rows(z.looseObject({ hypervisor_hostname: z.string(), service: z.looseObject({ host: z.string() }) })),
});

const providersSchema = z.object({
  resource_providers: rows(
    z.looseObject({ uuid: z.string(), name: z.string(), parent_provider_uuid: z.string().nullish() }),
  ),
});

/** GET /os-services, for administrators. */
export async function readServices(admin: Cloud, options: Limits): Promise<Result<readonly ServiceRecord[]>> {
  const found = await read(admin, { type: 'compute', path: '/os-services' }, servicesSchema, options);
  if (found.type !== 'ok') return found;
  const value = found.value.services.map(
    (one): ServiceRecord => ({
      id: one.id,
      binary: one.binary,
      host: one.host,
      zone: one.zone,
      enabled: one.status === 'enabled',
      up: one.state === 'up',
      reportedAt: momentOf(one.updated_at),
      disabledReason: one.disabled_reason ?? null,
    }),
  );
  return { ...found, value };
}

/** GET /os-hypervisors/detail, for administrators. */
export async function readHypervisors(admin: Cloud, options: Limits): Promise<Result<readonly Hypervisor[]>> {
  const found = await read(admin, { type: 'compute', path: '/os-hypervisors/detail' }, hypervisorsSchema, options);
  if (found.type !== 'ok') return found;
  const value = found.value.hypervisors.map(({ hypervisor_hostname: hostname, service }) => ({
    hostname,
    serviceHost: service.host,
  }));
  return { ...found, value };
}

/** GET /resource_providers of Placement, for administrators: those that are no part of another (from 1.14 on it tells). */
export async function readProviders(admin: Cloud, options: Limits): Promise<Result<readonly Provider[]>> {
  const headers = { 'OpenStack-API-Version': 'placement 1.14' };
  const found = await read(
    admin,
    { type: 'placement', path: '/resource_providers', headers },
    providersSchema,
    options,
  );
  if (found.type !== 'ok') return found;
  const roots = found.value.resource_providers.filter((one) => (one.parent_provider_uuid ?? null) === null);
  return { ...found, value: roots.map(({ uuid, name }) => ({ uuid, name })) };
}

/** Nova's moments are UTC without saying so. */
function momentOf(text: string | null | undefined): number | null {
  const at = Date.parse(`${(text ?? '').replace(/Z$/, '')}Z`);
  return Number.isNaN(at) ? null : at;
}
