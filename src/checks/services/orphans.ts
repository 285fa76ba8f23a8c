import { z } from 'zod';
import { type Check, fail, passOrFailures, skip } from '../../domain/check.ts';
import type { Millis } from '../../domain/time.ts';
import { counted, span } from '../../format/quantities.ts';
import { listOf } from '../../http/lists.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { RequestOptions } from '../../openstack/compute/compute.ts';
import type { ServiceRecord } from '../../openstack/diagnosis/service-reports.ts';
import { read } from '../../openstack/rest.ts';
import type { Result } from '../../openstack/result.ts';
import { serviceOnHost } from './services.ts';

/** A service that has been down for longer is not restarting: its host is gone. */
export const ORPHANED_AFTER_MS = 300_000;

/** A compute node, as GET /os-hypervisors/detail shows it. */
export type Hypervisor = { readonly hostname: string; readonly serviceHost: string };

/** A root resource provider of Placement. */
export type Provider = { readonly uuid: string; readonly name: string };

/** Checks that service records, hypervisors and resource providers belong together. */
export async function checkOrphans(
  admin: Cloud,
  {
    services,
    cloudNow,
    ...options
  }: RequestOptions & { readonly services: readonly ServiceRecord[]; readonly cloudNow: Millis },
): Promise<readonly Check[]> {
  const recordChecks = checkServiceRecords(services, cloudNow);
  const hypervisors = await readHypervisors(admin, options);
  if (hypervisors.type !== 'ok')
    return [...recordChecks, fail('orphans: hypervisors', `could not be read: ${hypervisors.cause.message}`)];
  const providers = await readProviders(admin, options);
  const hostChecks = checkHypervisors(services, hypervisors.value, providers.type === 'ok' ? providers.value : null);
  return [
    ...recordChecks,
    ...hostChecks,
    ...(providers.type === 'ok'
      ? []
      : [skip('orphans: resource providers', `could not be read: ${providers.cause.message}`)]),
  ];
}

/** Finds service records of hosts that are gone, and services that have several records. */
export function checkServiceRecords(services: readonly ServiceRecord[], cloudNow: Millis): readonly Check[] {
  const orphans = services.filter(
    (service) => !service.up && cloudNow - (service.reportedAt ?? Number.NEGATIVE_INFINITY) > ORPHANED_AFTER_MS,
  );
  const duplicates = [...Map.groupBy(services, serviceOnHost)].filter(([, records]) => records.length > 1);
  const lastReport = ({ reportedAt }: ServiceRecord): string =>
    reportedAt === null ? 'never reported' : `silent for ${span((cloudNow - reportedAt) / 1000)}`;
  return [
    ...passOrFailures(
      'orphans: service records',
      `${counted(services.length, 'record')}, none orphaned`,
      [...Map.groupBy(orphans, serviceOnHost)].map(([name, records]) =>
        fail(
          `orphans: ${name}`,
          `${records.map((record) => `${lastReport(record)} (id ${record.id})`).join(', ')}: if the host is gone for good, run openstack compute service delete ID`,
        ),
      ),
    ),
    ...passOrFailures(
      'orphans: duplicate records',
      'no service has more than one record',
      duplicates.map(([name, records]) =>
        fail(
          `orphans: duplicate ${name}`,
          `ids ${records.map(({ id }) => id).join(', ')}: run openstack compute service delete ID for those that do not report`,
        ),
      ),
    ),
  ];
}

/**
 * Finds compute hosts that have only some of the three: a service, a hypervisor, a resource provider. Leaves out the
 * providers if they could not be read (null).
 */
export function checkHypervisors(
  services: readonly ServiceRecord[],
  hypervisors: readonly Hypervisor[],
  providers: readonly Provider[] | null,
): readonly Check[] {
  const serviceHosts = services.filter(({ binary }) => binary === 'nova-compute').map(({ host }) => host);
  const hostsWithService = new Set(serviceHosts);
  const hostsWithHypervisor = new Set(hypervisors.map(({ serviceHost }) => serviceHost));
  const nodes = hypervisors.map(({ hostname }) => hostname);
  const missing = serviceHosts.filter((host) => !hostsWithHypervisor.has(host));
  const orphaned = hypervisors.filter(({ serviceHost }) => !hostsWithService.has(serviceHost));
  const checks = passOrFailures(
    'orphans: hypervisors',
    `${counted(nodes.length, 'hypervisor')}, each with its service`,
    [
      ...missing.map((host) =>
        fail(
          `orphans: hypervisor of ${host}`,
          'it does not exist: check that nova-compute has started there and that the host is mapped to a cell (nova-manage cell_v2 discover_hosts)',
        ),
      ),
      ...orphaned.map(({ hostname }) =>
        fail(`orphans: hypervisor ${hostname}`, 'it has no service: the service record was deleted, the node was not'),
      ),
    ],
  );
  return providers === null ? checks : [...checks, ...checkProviders(nodes, providers)];
}

function checkProviders(nodes: readonly string[], providers: readonly Provider[]): readonly Check[] {
  const providerNames = new Set(providers.map((provider) => provider.name));
  const nodeNames = new Set(nodes);
  const summary = `${counted(nodes.length, 'resource provider')}, one for each hypervisor`;
  return passOrFailures('orphans: resource providers', summary, [
    ...nodes
      .filter((node) => !providerNames.has(node))
      .map((node) =>
        fail(
          `orphans: resource provider of ${node}`,
          'Placement has none, so no server can be scheduled to this hypervisor',
        ),
      ),
    ...providers
      .filter((provider) => !nodeNames.has(provider.name))
      .map(({ name, uuid }) =>
        fail(
          `orphans: resource provider ${name}`,
          `it has no hypervisor: if nothing is allocated to it, run openstack resource provider delete ${uuid} (a sharing provider, or one that belongs to another service, is not an orphan)`,
        ),
      ),
  ]);
}

const hypervisorsSchema = z.object({
  hypervisors: listOf(z.looseObject({ hypervisor_hostname: z.string(), service: z.looseObject({ host: z.string() }) })),
});

/** Sends GET /os-hypervisors/detail, which needs admin credentials. */
async function readHypervisors(admin: Cloud, options: RequestOptions): Promise<Result<readonly Hypervisor[]>> {
  const result = await read(admin, { type: 'compute', path: '/os-hypervisors/detail' }, hypervisorsSchema, options);
  if (result.type !== 'ok') return result;
  const value = result.value.hypervisors.map(({ hypervisor_hostname: hostname, service }) => ({
    hostname,
    serviceHost: service.host,
  }));
  return { ...result, value };
}

const providersSchema = z.object({
  resource_providers: listOf(
    z.looseObject({ uuid: z.string(), name: z.string(), parent_provider_uuid: z.string().nullish() }),
  ),
});

/** Sends GET /resource_providers to Placement, which needs admin credentials. Returns the root providers. */
async function readProviders(admin: Cloud, options: RequestOptions): Promise<Result<readonly Provider[]>> {
  // The first version whose response has `parent_provider_uuid`.
  const headers = { 'OpenStack-API-Version': 'placement 1.14' };
  const result = await read(
    admin,
    { type: 'placement', path: '/resource_providers', headers },
    providersSchema,
    options,
  );
  if (result.type !== 'ok') return result;
  const roots = result.value.resource_providers.filter((provider) => (provider.parent_provider_uuid ?? null) === null);
  return { ...result, value: roots.map(({ uuid, name }) => ({ uuid, name })) };
}
