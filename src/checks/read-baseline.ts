import { z } from 'zod';
import type { Millis } from '../domain/time.ts';
import { rows } from '../http/lists.ts';
import type { Cloud } from '../openstack/cloud.ts';
import type { Limits } from '../openstack/compute/compute.ts';
import { failureTrouble } from '../openstack/diagnosis/classify.ts';
import { versionsUrl } from '../openstack/diagnosis/ping.ts';
import { read, valueIn } from '../openstack/http/read.ts';
import type { Result } from '../openstack/result.ts';
import type { Hypervisor, Provider } from './hosts/hypervisors.ts';
import { greatestMicroversion, type ServiceRecord } from './services/services.ts';

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

export type SeenServices = {
  readonly services: readonly ServiceRecord[];
  /** When nova-api answered, by its own clock: that of its `Date` header. Without one it is ours. */
  readonly cloudNow: Millis;
};

/** GET /os-services, for administrators. */
export async function readServices(admin: Cloud, options: Limits): Promise<Result<SeenServices>> {
  const call = { type: 'compute', method: 'GET', path: '/os-services', ...options } as const;
  const answered = await admin.session.call(admin.http, call);
  if (answered.type !== 'ok') return answered;
  const found = valueIn(answered.value, 'nova-api', servicesSchema);
  if (found.type !== 'ok') return found;
  const date = Date.parse(answered.value.headers['date'] ?? '');
  const services = found.value.services.map(
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
  return { ...found, value: { services, cloudNow: Number.isNaN(date) ? admin.clock.now() : date } };
}

const versionsSchema = z.object({
  versions: rows(z.looseObject({ version: z.string().nullish() })),
});

/** Behind a balancer several nova-api answer by turns. */
const LOOKS = 6;

/**
 * The greatest microversion of each answer that Nova's API gives at its root, without repetition: one where all are of one
 * release. It takes no token.
 */
export async function readMicroversions(
  { session, http }: Pick<Cloud, 'session' | 'http'>,
  options: Limits,
): Promise<{ readonly ok: true; readonly found: readonly string[] } | { readonly ok: false; readonly reason: string }> {
  const endpoint = session.endpoint('compute');
  if (endpoint === null) return { ok: false, reason: 'the catalogue has no endpoint of it' };
  const found = new Set<string>();
  for (let look = 0; look < LOOKS; look++) {
    const headers = { Accept: 'application/json', 'User-Agent': 'rollwatch' };
    const sent = await http.send({ method: 'GET', url: versionsUrl(endpoint), headers, ...options });
    if (sent.type === 'failure') return { ok: false, reason: failureTrouble(sent, 'nova-api').cause.message };
    // Several versions of an API may be shown as 300 Multiple Choices
    const answer = sent.status === 300 ? { ...sent, status: 200 } : sent;
    const read = valueIn(answer, 'nova-api', versionsSchema);
    if (read.type !== 'ok') return { ok: false, reason: read.cause.message };
    const greatest = greatestMicroversion(read.value.versions.map(({ version }) => version ?? ''));
    if (greatest === null) return { ok: false, reason: 'it names no microversion' };
    found.add(greatest);
  }
  return { ok: true, found: [...found] };
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
