import { z } from 'zod';
import type { CloudAccess } from '../../domain/cloud-access.ts';
import { validRowsOf } from '../../http/lists.ts';

export const catalogueSchema = validRowsOf(
  z.looseObject({
    type: z.string(),
    endpoints: validRowsOf(
      z.looseObject({
        interface: z.string(),
        url: z.string(),
        region: z.string().nullish(),
        region_id: z.string().nullish(),
      }),
    ),
  }),
);

export type Catalogue = z.infer<typeof catalogueSchema>;

export type ServiceType = 'compute' | 'image' | 'network' | 'placement';

/** The names that catalogues use for a service type. */
const TYPE_ALIASES: Readonly<Record<ServiceType, readonly string[]>> = {
  compute: ['compute', 'computev21', 'compute_legacy'],
  image: ['image'],
  network: ['network'],
  placement: ['placement'],
};

/** Appended to a URL without a version. */
const DEFAULT_VERSION_PATHS: Readonly<Record<ServiceType, string>> = {
  compute: '/v2.1',
  image: '/v2',
  network: '/v2.0',
  placement: '',
};

/**
 * Returns the versioned URL of a service without a trailing slash; null if there is none, or if it is not a usable HTTP
 * URL.
 */
export function endpointOf(
  type: ServiceType,
  { catalogue, projectId, access }: { catalogue: Catalogue; projectId: string | null; access: CloudAccess },
): string | null {
  const url = access.overrides[type] ?? listedUrl(type, catalogue, access);
  if (url === undefined || url.length > MAX_URL_LENGTH) return null;
  const filled = url.replaceAll(/[%$]\((project|tenant)_id\)s/g, projectId ?? '').replace(/(?<!\/)\/+$/, '');
  if (!isBaseUrl(filled)) return null;
  // Glance dropped v1 in Newton; a catalogue that still names it serves v2 at the same address.
  if (type === 'image' && /\/v1(\.\d)?$/.test(filled)) return filled.replace(/\/v1(\.\d)?$/, '/v2');
  return /\/v\d/.test(new URL(filled).pathname) ? filled : `${filled}${DEFAULT_VERSION_PATHS[type]}`;
}

const MAX_URL_LENGTH = 2048;

/** Whether a path can be appended to a URL, which must have no query or fragment. */
const isBaseUrl = (url: string): boolean =>
  !/[?#]/.test(url) && URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol);

/** Returns the URL as listed in the catalogue, usable or not. */
export function listedUrl(type: ServiceType, catalogue: Catalogue, access: CloudAccess): string | undefined {
  const interfaceName = access.interfaces[type] ?? access.interface;
  const region = access.regionName;
  for (const name of TYPE_ALIASES[type]) {
    const found = catalogue
      .filter((entry) => entry.type === name)
      .flatMap((entry) => entry.endpoints)
      .find(
        (endpoint) =>
          endpoint.interface === interfaceName &&
          (region === null || endpoint.region_id === region || endpoint.region === region),
      );
    if (found !== undefined) return found.url;
  }
  return undefined;
}

/** Returns the regions that the catalogue lists for a service. */
export const regionsOf = (type: ServiceType, catalogue: Catalogue): readonly string[] => [
  ...new Set(
    catalogue
      .filter((entry) => TYPE_ALIASES[type].includes(entry.type))
      .flatMap((entry) => entry.endpoints)
      .flatMap(({ region_id, region }) => region_id ?? region ?? []),
  ),
];
