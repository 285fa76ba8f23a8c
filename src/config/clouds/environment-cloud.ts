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
