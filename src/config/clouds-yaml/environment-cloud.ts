import type { Host } from '../host.ts';
import type { Branch } from './tree.ts';

/** Variables that choose a cloud instead of describing one. */
export const SELECTORS: readonly string[] = [
  'OS_CLOUD',
  'OS_REGION_NAME',
  'OS_CLIENT_CONFIG_FILE',
  'OS_CLIENT_SECURE_FILE',
  'OS_CLOUD_NAME',
];

/** Keys that belong into `auth`: the options of keystoneauth's plug-ins. */
const AUTH =
  /^(auth_url|username|user_name|user_id|password|(project|tenant)_(name|id)|((user|project)_)?domain_(name|id)|token|application_credential_\w+)$/;

/**
 * The OS_* variables that stand beside OS_CLOUD, as a layer over the cloud that it chooses: so the openstack command has
 * it, of which each of them is an option. An application credential carries its project, so none is taken for it.
 */
export function beside(host: Host, { ownProject }: { readonly ownProject: boolean }): Overlay | null {
  const variables = (environmentCloud(host)?.variables ?? [])
    .filter((name) => (host.env[name] ?? '') !== '')
    .filter((name) => !(ownProject && /^OS_(PROJECT|TENANT|DOMAIN|DEFAULT_DOMAIN)/.test(name)));
  if (variables.length === 0) return null;
  const all = variables.map((name): readonly [string, string] => [name.slice(3).toLowerCase(), host.env[name] ?? '']);
  const auth = Object.fromEntries(all.filter(([key]) => AUTH.test(key)));
  return { variables, cloud: { ...Object.fromEntries(all.filter(([key]) => !AUTH.test(key))), auth } };
}

export type Overlay = { readonly variables: readonly string[]; readonly cloud: Branch };

/** Of OpenStack's own test tools. */
const FOREIGN = ['OS_TEST', 'OS_STD', 'OS_LOG'];

/** What OS_* variables describe, if they describe a cloud at all (openstack/config/loader.py, _get_os_environ). */
export function environmentCloud(host: Host): { readonly cloud: Branch; readonly variables: readonly string[] } | null {
  const variables = Object.keys(host.env)
    .filter((name) => name.startsWith('OS_') && !FOREIGN.some((prefix) => name.startsWith(prefix)))
    .filter((name) => host.env[name] !== undefined);
  const describing = variables.filter((name) => !SELECTORS.includes(name));
  if (describing.length === 0) return null;
  const cloud = Object.fromEntries(variables.map((name) => [name.slice(3).toLowerCase(), host.env[name] ?? '']));
  return { cloud, variables: describing.toSorted() };
}
