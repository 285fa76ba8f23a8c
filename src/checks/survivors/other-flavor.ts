import { z } from 'zod';
import { goodRows } from '../../http/lists.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { Limits } from '../../openstack/compute/compute.ts';
import { read } from '../../openstack/http/read.ts';
import { resourceId } from '../../openstack/http/resource-id.ts';

const flavorsSchema = z.object({
  flavors: goodRows(
    z.looseObject({
      id: resourceId,
      name: z.string(),
      vcpus: z.number(),
      ram: z.number(),
      disk: z.number(),
      'OS-FLV-DISABLED:disabled': z.boolean().optional(),
    }),
  ),
});

/** The next larger flavor, to which a server may be resized; null where there is none. */
export async function otherFlavor(cloud: Cloud, name: string, options: Limits): Promise<string | null> {
  const found = await read(cloud, { type: 'compute', path: '/flavors/detail' }, flavorsSchema, options);
  if (found.type !== 'ok') return null;
  const usable = found.value.flavors.filter((one) => one['OS-FLV-DISABLED:disabled'] !== true);
  const own = usable.find((one) => one.name === name);
  if (own === undefined) return null;
  const larger = usable
    .filter((one) => one.id !== own.id && one.vcpus >= own.vcpus && one.ram >= own.ram && one.disk >= own.disk)
    .toSorted((a, b) => a.disk - b.disk || a.vcpus - b.vcpus || a.ram - b.ram);
  return larger[0]?.id ?? null;
}
