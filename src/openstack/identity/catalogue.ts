import { z } from 'zod';
import type { CloudAccess } from '../../domain/cloud-access.ts';
import { goodRows } from '../../http/lists.ts';

export const catalogueSchema = goodRows(
  z.looseObject({
    type: z.string(),
    endpoints: goodRows(
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

/** Type names that clouds have given the same service in their catalogues. */
const ALIASES: Readonly<Record<ServiceType, readonly string[]>> = {
  compute: ['compute', 'computev21', 'compute_legacy'],
  image: ['image'],
  network: ['network'],
  placement: ['placement'],
};

/** What a URL gets that a catalogue gives without its version. */
const VERSIONS: Readonly<Record<ServiceType, string>> = {
  compute: '/v2.1',
  image: '/v2',
  network: '/v2.0',
  placement: '',
};

/** Where a service is, versioned and without a slash at its end; null where it is nowhere, or nowhere that HTTP leads to. */
export function endpointOf(
  type: ServiceType,
  { catalogue, projectId, access }: { catalogue: Catalogue; projectId: string | null; access: CloudAccess },
): string | null {
  const url = access.overrides[type] ?? listed(type, catalogue, access);
  if (url === undefined || url.length > LONGEST_URL) return null;
  const filled = url.replaceAll(/[%$]\((project|tenant)_id\)s/g, projectId ?? '').replace(/(?<!\/)\/+$/, '');
  if (!isPlace(filled)) return null;
  // Clouds that never changed the entry serve v2 there all the same; v1 went with Newton.
  if (type === 'image' && /\/v1(\.\d)?$/.test(filled)) return filled.replace(/\/v1(\.\d)?$/, '/v2');
  return /\/v\d/.test(new URL(filled).pathname) ? filled : `${filled}${VERSIONS[type]}`;
}

const LONGEST_URL = 2048;

/** A path is added to it: behind a query or a fragment that would be none. */
const isPlace = (url: string): boolean =>
  !/[?#]/.test(url) && URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol);

/** As the catalogue has it, whether HTTP leads there or not. */
export function listed(type: ServiceType, catalogue: Catalogue, access: CloudAccess): string | undefined {
  const wanted = access.interfaces[type] ?? access.interface;
  const here = access.regionName;
  for (const name of ALIASES[type]) {
    const found = catalogue
      .filter((entry) => entry.type === name)
      .flatMap((entry) => entry.endpoints)
      .find((one) => one.interface === wanted && (here === null || one.region_id === here || one.region === here));
    if (found !== undefined) return found.url;
  }
  return undefined;
}

/** For a message: the regions that the catalogue has for a service. */
export const regionsOf = (type: ServiceType, catalogue: Catalogue): readonly string[] => [
  ...new Set(
    catalogue
      .filter((entry) => ALIASES[type].includes(entry.type))
      .flatMap((entry) => entry.endpoints)
      .flatMap(({ region_id, region }) => region_id ?? region ?? []),
  ),
];
