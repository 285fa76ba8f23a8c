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

/** Prefixes of variables of OpenStack's own test tools. */
const IGNORED_PREFIXES = ['OS_TEST', 'OS_STD', 'OS_LOG'];

/** A cloud that OS_* variables describe, in whole or in part. */
export type EnvironmentCloud = {
  readonly cloud: Branch;
  /** The names of the variables, sorted. */
  readonly variables: readonly string[];
};

/**
 * Returns the cloud that the OS_* variables describe (openstack/config/loader.py, _get_os_environ); null if none of
 * them describes a cloud.
 */
export function environmentCloud(host: Host): EnvironmentCloud | null {
  const variables = Object.keys(host.env)
    .filter((name) => name.startsWith('OS_') && !IGNORED_PREFIXES.some((prefix) => name.startsWith(prefix)))
    .filter((name) => host.env[name] !== undefined);
  const describing = variables.filter((name) => !SELECTORS.includes(name));
  if (describing.length === 0) return null;
  const cloud = Object.fromEntries(variables.map((name) => [keyOf(name), host.env[name] ?? '']));
  return { cloud, variables: describing.toSorted() };
}

/** Keys of `auth`: the options of keystoneauth's plug-ins. */
const AUTH_KEYS =
  /^(auth_url|username|user_name|user_id|password|(project|tenant)_(name|id)|((user|project)_)?domain_(name|id)|token|application_credential_\w+)$/;

/**
 * Returns the OS_* variables that are set together with OS_CLOUD and override the cloud that it chooses, as the
 * openstack command does. An application credential is bound to its project, so variables that set a project are
 * ignored.
 */
export function overridesBesideCloud(
  host: Host,
  { hasCredential }: { readonly hasCredential: boolean },
): EnvironmentCloud | null {
  const variables = (environmentCloud(host)?.variables ?? [])
    .filter((name) => (host.env[name] ?? '') !== '')
    .filter((name) => !(hasCredential && /^OS_(PROJECT|TENANT|DOMAIN|DEFAULT_DOMAIN)/.test(name)));
  if (variables.length === 0) return null;
  const all = variables.map((name): readonly [string, string] => [keyOf(name), host.env[name] ?? '']);
  const auth = Object.fromEntries(all.filter(([key]) => AUTH_KEYS.test(key)));
  return { variables, cloud: { ...Object.fromEntries(all.filter(([key]) => !AUTH_KEYS.test(key))), auth } };
}

const keyOf = (variable: string): string => variable.slice('OS_'.length).toLowerCase();
