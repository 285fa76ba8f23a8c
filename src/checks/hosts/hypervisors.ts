import { type Check, fail, wellOr } from '../../domain/check.ts';
import { counted } from '../../format/quantities.ts';
import type { ServiceRecord } from '../services/services.ts';

/** A compute node, as GET /os-hypervisors/detail shows it. */
export type Hypervisor = { readonly hostname: string; readonly serviceHost: string };

/** A root resource provider of Placement. */
export type Provider = { readonly uuid: string; readonly name: string };

/** Who of the three that should know of a compute host does not: its service, its hypervisor, its resource provider. */
export function checkHypervisors(
  services: readonly ServiceRecord[],
  hypervisors: readonly Hypervisor[],
  providers: readonly Provider[] | null,
): readonly Check[] {
  const hosts = services.filter(({ binary }) => binary === 'nova-compute').map(({ host }) => host);
  const running = new Set(hosts);
  const served = new Set(hypervisors.map(({ serviceHost }) => serviceHost));
  const nodes = hypervisors.map(({ hostname }) => hostname);
  const without = hosts.filter((host) => !served.has(host));
  const stray = hypervisors.filter(({ serviceHost }) => !running.has(serviceHost));
  const found = wellOr('orphans: hypervisors', `${counted(nodes.length, 'hypervisor')}, each with its service`, [
    ...without.map((host) =>
      fail(
        `orphans: hypervisor of ${host}`,
        'there is none: has nova-compute ever started there, and was it mapped to a cell (nova-manage cell_v2 discover_hosts)?',
      ),
    ),
    ...stray.map(({ hostname }) =>
      fail(`orphans: hypervisor ${hostname}`, 'without a service: its record was deleted while the node stayed'),
    ),
  ]);
  return providers === null ? found : [...found, ...checkProviders(nodes, providers)];
}

function checkProviders(nodes: readonly string[], providers: readonly Provider[]): readonly Check[] {
  const names = new Set(providers.map((one) => one.name));
  const known = new Set(nodes);
  const well = `${counted(nodes.length, 'resource provider')}, one for each hypervisor`;
  return wellOr('orphans: resource providers', well, [
    ...nodes
      .filter((node) => !names.has(node))
      .map((node) =>
        fail(`orphans: resource provider of ${node}`, 'Placement knows of none: nothing can be scheduled there'),
      ),
    ...providers
      .filter((one) => !known.has(one.name))
      .map(({ name, uuid }) =>
        fail(
          `orphans: resource provider ${name}`,
          `without a hypervisor: if nothing is allocated to it, openstack resource provider delete ${uuid} (one that is shared or not Nova's is no orphan)`,
        ),
      ),
  ]);
}
