import { counted } from '../words/quantities.ts';
import { type Check, fail, pass } from './check.ts';
import type { ServiceRecord } from './services.ts';

/** A compute node, as GET /os-hypervisors/detail shows it. */
export type Hypervisor = { readonly hostname: string; readonly serviceHost: string };

/** A root resource provider of Placement. */
export type Provider = { readonly uuid: string; readonly name: string };

const listed = (names: readonly string[]): string => names.join(', ');

/** Who of the three that should know of a compute host does not: its service, its hypervisor, its resource provider. */
export function checkHypervisors(
  services: readonly ServiceRecord[],
  hypervisors: readonly Hypervisor[],
  providers: readonly Provider[] | null,
): readonly Check[] {
  const hosts = services.filter(({ binary }) => binary === 'nova-compute').map(({ host }) => host);
  const nodes = hypervisors.map(({ hostname }) => hostname);
  const without = hosts.filter((host) => !hypervisors.some(({ serviceHost }) => serviceHost === host));
  const stray = hypervisors.filter(({ serviceHost }) => !hosts.includes(serviceHost)).map(({ hostname }) => hostname);
  const name = 'orphans: hypervisors';
  const troubles = [
    ...(without.length > 0
      ? [
          `no hypervisor of ${listed(without)}: has nova-compute ever started there, and was it mapped to a cell (nova-manage cell_v2 discover_hosts)?`,
        ]
      : []),
    ...(stray.length > 0 ? [`${listed(stray)} without a service: its record was deleted while the node stayed`] : []),
  ];
  const found =
    troubles.length === 0
      ? pass(name, `${counted(nodes.length, 'hypervisor')}, each with its service`)
      : fail(name, troubles.join('; '));
  return providers === null ? [found] : [found, checkProviders(nodes, providers)];
}

function checkProviders(nodes: readonly string[], providers: readonly Provider[]): Check {
  const name = 'orphans: resource providers';
  const names = providers.map((one) => one.name);
  const missing = nodes.filter((node) => !names.includes(node));
  const left = providers.filter((one) => !nodes.includes(one.name));
  if (missing.length === 0 && left.length === 0)
    return pass(name, `${counted(nodes.length, 'resource provider')}, one for each hypervisor`);
  const troubles = [
    ...(missing.length > 0 ? [`Placement knows no ${listed(missing)}: nothing can be scheduled there`] : []),
    ...(left.length > 0
      ? [
          `${listed(left.map((one) => `${one.name} (${one.uuid})`))} without a hypervisor: if nothing is allocated to it, openstack resource provider delete UUID (providers that are shared or not Nova's are no orphans)`,
        ]
      : []),
  ];
  return fail(name, troubles.join('; '));
}
