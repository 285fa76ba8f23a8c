import type { ByService, EndpointInterface } from '../../domain/cloud-access.ts';
import { listed } from '../../format/did-you-mean.ts';
import { authText, type CloudParts, expand, labelled, missing, refuse, topText } from './cloud-parts.ts';
import { SELECTORS } from './environment-cloud.ts';

/** The service types that Rollwatch speaks to. */
const SERVICE_TYPES = ['compute', 'identity', 'image', 'network', 'placement'] as const;

export function authUrlOf(cloud: CloudParts): string {
  const given = authText(cloud, 'auth_url');
  if (given === null) {
    throw missing(cloud, 'auth_url', cloud.ofEnvironment ? byVariables(cloud) : 'set it to where Keystone is');
  }
  const label = cloud.label('auth_url', true);
  const url = httpUrl(cloud, label, expand(cloud, 'auth_url', given));
  if (/\/v2\.0\/?$/.test(url)) throw refuse(cloud, `${label} is Keystone v2, which is no more; name its v3`);
  return url;
}

/** One stray variable is enough to be taken for a cloud, which nobody expects. */
function byVariables({ top }: CloudParts): string {
  const names = Object.keys(top).map((key) => `OS_${key.toUpperCase()}`);
  const describing = names.filter((name) => !SELECTORS.includes(name) && name !== 'OS_AUTH_URL').toSorted();
  const some = describing.length > 3 ? [...describing.slice(0, 2), 'others'] : describing;
  return `what is set (${listed(some, 'and')}) is taken for a cloud: complete it, or choose one of clouds.yaml by OS_CLOUD`;
}

/** `compute_endpoint_override`, or `compute_endpoint` as it was called. */
export function overridesOf(cloud: CloudParts): ByService<string> {
  const pairs = SERVICE_TYPES.flatMap((type) => {
    const key = [`${type}_endpoint_override`, `${type}_endpoint`].find((one) => topText(cloud, one) !== null);
    if (key === undefined) return [];
    return [[type, httpUrl(cloud, cloud.label(key), expand(cloud, key, topText(cloud, key) ?? ''))] as const];
  });
  return Object.fromEntries(pairs);
}

/** What would lead openstacksdk to another entry of the catalogue than us. */
export function warnOfIgnored(cloud: CloudParts): void {
  const keys = SERVICE_TYPES.flatMap((type) =>
    ['region_name', 'service_type', 'service_name'].map((key) => `${type}_${key}`),
  );
  for (const key of keys.filter((one) => topText(cloud, one) !== null)) {
    cloud.warn(
      `${cloud.where}: ${cloud.label(key)} is ignored; set an endpoint override if that service is another one`,
    );
  }
}

export const interfaceOf = (cloud: CloudParts): EndpointInterface => namedInterface(cloud, '') ?? 'public';

export function interfacesOf(cloud: CloudParts): ByService<EndpointInterface> {
  const pairs = SERVICE_TYPES.flatMap((type) => {
    const found = namedInterface(cloud, `${type}_`);
    return found === null ? [] : [[type, found] as const];
  });
  return Object.fromEntries(pairs);
}

/** 'public', or 'publicURL' as Keystone v2 had it. */
function namedInterface(cloud: CloudParts, prefix: string): EndpointInterface | null {
  const key = [`${prefix}endpoint_type`, `${prefix}interface`].find((one) => topText(cloud, one) !== null);
  const given = key === undefined ? null : topText(cloud, key);
  if (key === undefined || given === null) return null;
  const [, found] = /^(public|internal|admin)(?:URL)?$/.exec(given) ?? [];
  if (found === 'public' || found === 'internal' || found === 'admin') return found;
  throw refuse(
    cloud,
    `${labelled(cloud.label(key), given, ['public', 'internal', 'admin'])}; public, internal or admin is wanted`,
  );
}

function httpUrl(cloud: CloudParts, label: string, given: string): string {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) && URL.canParse(given) ? new URL(given) : null;
  if (url === null) throw refuse(cloud, `${label} is no URL; http://HOST:PORT/PATH or https:// is wanted`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw refuse(cloud, `${label} does not begin with http:// or https://`);
  }
  if (url.username !== '' || url.password !== '') {
    throw refuse(
      cloud,
      `${label} holds a user; put it into ${cloud.label('username', true)} and its password likewise`,
    );
  }
  return given;
}
