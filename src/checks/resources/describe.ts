import { z } from 'zod';
import { entries, rows } from '../../http/lists.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { Choice } from '../../openstack/compute/choose.ts';
import type { Limits } from '../../openstack/compute/compute.ts';
import { addressesSchema, addressLines } from '../../openstack/compute/server-addresses.ts';
import { read, readOne } from '../../openstack/http/read.ts';
import { resourceId, segment } from '../../openstack/http/resource-id.ts';
import type { Result } from '../../openstack/result.ts';
import type { KeptServer } from '../survivors/compare.ts';

const serverSchema = z.object({
  server: z.looseObject({
    id: resourceId,
    name: z.string(),
    status: z.string(),
    hostId: z.string().default(''),
    'OS-EXT-SRV-ATTR:host': z.string().nullish(),
    addresses: addressesSchema,
    flavor: z.looseObject({
      id: resourceId.optional(),
      original_name: z.string().optional(),
      vcpus: z.number().optional(),
    }),
    image: z.union([z.looseObject({ id: resourceId }), z.literal('')]),
    metadata: entries(z.string()).default({}),
    security_groups: rows(z.looseObject({ name: z.string() })).default([]),
    fault: z.looseObject({ message: z.string() }).optional(),
  }),
});
/** What Nova says of the image of a server that boots from a volume is nothing. */
const VOLUME = 'a volume';

/** As `describe` will show the image of a server that is made so. */
export const imageOf = ({ image, volume }: Pick<Choice, 'image' | 'volume'>): string =>
  volume === null ? image : VOLUME;

const flavorSchema = z.object({ flavor: z.looseObject({ name: z.string(), vcpus: z.number() }) });

/** All that is to be the same afterwards; null where there is none of that id. */
export async function describe(
  { cloud, admin, limits, signal }: Limits & { readonly cloud: Cloud; readonly admin: Cloud | null },
  id: string,
): Promise<Result<KeptServer | null>> {
  const options = { limits, signal };
  const path = `/servers/${segment(id)}`;
  const found = await readOne(cloud, { type: 'compute', path, id }, serverSchema, options);
  if (found.type !== 'ok') return found;
  if (found.value === null) return { ...found, value: null };
  const { server } = found.value;
  const seen = admin === null ? null : await read(admin, { type: 'compute', path }, serverSchema, options);
  const host = seen?.type === 'ok' ? (seen.value.server['OS-EXT-SRV-ATTR:host'] ?? null) : null;
  const flavor = await flavorOf(cloud, server.flavor, options);
  const value: KeptServer = {
    id: server.id,
    name: server.name,
    status: server.status,
    hostId: server.hostId,
    host,
    addresses: addressLines(server.addresses),
    flavor: flavor.name,
    vcpus: flavor.vcpus,
    image: server.image === '' ? VOLUME : server.image.id,
    metadata: server.metadata,
    securityGroups: [...new Set(server.security_groups.map(({ name }) => name))].toSorted(),
    fault: server.fault?.message.trim() ?? null,
  };
  return { ...found, value };
}

type Flavor = z.infer<typeof serverSchema>['server']['flavor'];

/** Before 2.47 a server names its flavor by id alone. */
async function flavorOf(
  cloud: Cloud,
  flavor: Flavor,
  options: Limits,
): Promise<{ readonly name: string; readonly vcpus: number | null }> {
  if (flavor.id === undefined) return { name: flavor.original_name ?? 'unknown', vcpus: flavor.vcpus ?? null };
  const found = await read(cloud, { type: 'compute', path: `/flavors/${segment(flavor.id)}` }, flavorSchema, options);
  return found.type === 'ok' ? found.value.flavor : { name: flavor.id, vcpus: null };
}
