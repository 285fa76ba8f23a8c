import type { ByService, EndpointInterface } from '../../domain/cloud-access.ts';
import { listed } from '../../format/lists.ts';
import { SELECTORS } from './environment-cloud.ts';
import { authText, cloudError, expand, type MergedCloud, missing, topText, valueError } from './merged-cloud.ts';

/** The service types that Rollwatch uses. */
const SERVICE_TYPES = ['compute', 'identity', 'image', 'network', 'placement'] as const;

export function readAuthUrl(cloud: MergedCloud): string {
  const given = authText(cloud, 'auth_url');
  if (given === null)
    throw missing(cloud, 'auth_url', cloud.fromEnvironment ? completeOrChoose(cloud) : "set it to Keystone's URL");
  const label = cloud.label('auth_url', true);
  const url = httpUrl(cloud, label, expand(cloud, 'auth_url', given));
  if (/\/v2\.0\/?$/.test(url))
    throw cloudError(cloud, `${label} is for Keystone v2, which no longer exists; use the v3 URL`);
  return url;
}

/** Returns advice that names the variables, because a single stray variable is enough to describe a cloud. */
function completeOrChoose({ top }: MergedCloud): string {
  const names = Object.keys(top).map((key) => `OS_${key.toUpperCase()}`);
  const describing = names.filter((name) => !SELECTORS.includes(name) && name !== 'OS_AUTH_URL').toSorted();
  const shown = describing.length > 3 ? [...describing.slice(0, 2), 'others'] : describing;
  return `complete the cloud described by ${listed(shown, 'and')}, or choose one from clouds.yaml with OS_CLOUD`;
}

/** Returns the endpoint overrides: `compute_endpoint_override`, or the older `compute_endpoint`. */
export function readOverrides(cloud: MergedCloud): ByService<string> {
  const pairs = SERVICE_TYPES.flatMap((type) => {
    const key = [`${type}_endpoint_override`, `${type}_endpoint`].find((name) => topText(cloud, name) !== null);
    if (key === undefined) return [];
    return [[type, httpUrl(cloud, cloud.label(key), expand(cloud, key, topText(cloud, key) ?? ''))] as const];
  });
  return Object.fromEntries(pairs);
}

/** Warns of keys that make openstacksdk choose a different entry of the catalogue than Rollwatch does. */
export function warnAboutIgnoredKeys(cloud: MergedCloud): void {
  for (const type of SERVICE_TYPES) {
    for (const key of [`${type}_region_name`, `${type}_service_type`, `${type}_service_name`]) {
      if (topText(cloud, key) === null) continue;
      const override = cloud.label(`${type}_endpoint_override`);
      cloud.warn(`${cloud.where}: ${cloud.label(key)} is ignored; to use another service, set ${override}`);
    }
  }
}

export const readInterface = (cloud: MergedCloud): EndpointInterface => namedInterface(cloud, '') ?? 'public';

export function readServiceInterfaces(cloud: MergedCloud): ByService<EndpointInterface> {
  const pairs = SERVICE_TYPES.flatMap((type) => {
    const found = namedInterface(cloud, `${type}_`);
    return found === null ? [] : [[type, found] as const];
  });
  return Object.fromEntries(pairs);
}

/** Returns the interface that the cloud sets, or null. Accepts 'public', and 'publicURL' as in Keystone v2. */
function namedInterface(cloud: MergedCloud, prefix: string): EndpointInterface | null {
  const key = [`${prefix}endpoint_type`, `${prefix}interface`].find((name) => topText(cloud, name) !== null);
  const value = key === undefined ? null : topText(cloud, key);
  if (key === undefined || value === null) return null;
  const [, found] = /^(public|internal|admin)(?:URL)?$/.exec(value) ?? [];
  if (found === 'public' || found === 'internal' || found === 'admin') return found;
  const words = ['public', 'internal', 'admin'];
  throw valueError(cloud, key, { value, expected: listed(words), words });
}

function httpUrl(cloud: MergedCloud, label: string, given: string): string {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) && URL.canParse(given) ? new URL(given) : null;
  if (url === null) throw cloudError(cloud, `${label} must be a URL, such as https://HOST:PORT/PATH`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw cloudError(cloud, `${label} must start with http:// or https://`);
  if (url.username !== '' || url.password !== '') {
    const [user, password] = [cloud.label('username', true), cloud.label('password', true)];
    throw cloudError(cloud, `${label} contains a user name or password; move them to ${user} and ${password}`);
  }
  return given;
}
