import { z } from 'zod';
import { type Check, fail, pass } from '../../domain/check.ts';
import { listOf, recordOf } from '../../http/lists.ts';
import type { Cloud } from '../../openstack/cloud.ts';
import type { BootChoice } from '../../openstack/compute/boot-candidates.ts';
import type { RequestOptions } from '../../openstack/compute/compute.ts';
import { addressesSchema, addressLines } from '../../openstack/compute/server-body.ts';
import { resourceId, segment } from '../../openstack/http/resource-id.ts';
import { read, readOne } from '../../openstack/rest.ts';
import type { Result } from '../../openstack/result.ts';

/** The properties of a server that must survive an upgrade. */
export type ServerRecord = {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  /** Nova's hash of host and project: shown to users, and different for each host. */
  readonly hostId: string;
  /** Visible to administrators only, otherwise null. */
  readonly host: string | null;
  /** Sorted lines such as 'private fixed 10.0.0.5'. */
  readonly addresses: readonly string[];
  readonly flavor: string;
  readonly vcpus: number | null;
  readonly image: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly securityGroups: readonly string[];
  readonly fault: string | null;
};

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
    metadata: recordOf(z.string()).default({}),
    security_groups: listOf(z.looseObject({ name: z.string() })).default([]),
    fault: z.looseObject({ message: z.string() }).optional(),
  }),
});
/** Stands for the image of a server that boots from a volume, for which Nova shows none. */
const VOLUME_IMAGE = 'a volume';

/** Returns the image that `describeServer` will show for a server booted from this choice. */
export const expectedImage = ({ image, volume }: Pick<BootChoice, 'image' | 'volume'>): string =>
  volume === null ? image : VOLUME_IMAGE;

const flavorSchema = z.object({ flavor: z.looseObject({ name: z.string(), vcpus: z.number() }) });

/** Reads a server's record. The value is null if there is no server with this id. */
export async function describeServer(
  { cloud, admin, timeouts, signal }: RequestOptions & { readonly cloud: Cloud; readonly admin: Cloud | null },
  id: string,
): Promise<Result<ServerRecord | null>> {
  const options = { timeouts, signal };
  const path = `/servers/${segment(id)}`;
  const found = await readOne(cloud, { type: 'compute', path, id }, serverSchema, options);
  if (found.type !== 'ok') return found;
  if (found.value === null) return { ...found, value: null };
  const { server } = found.value;
  const asAdmin = admin === null ? null : await read(admin, { type: 'compute', path }, serverSchema, options);
  const host = asAdmin?.type === 'ok' ? (asAdmin.value.server['OS-EXT-SRV-ATTR:host'] ?? null) : null;
  const flavor = await flavorOf(cloud, server.flavor, options);
  const value: ServerRecord = {
    id: server.id,
    name: server.name,
    status: server.status,
    hostId: server.hostId,
    host,
    addresses: addressLines(server.addresses),
    flavor: flavor.name,
    vcpus: flavor.vcpus,
    image: server.image === '' ? VOLUME_IMAGE : server.image.id,
    metadata: server.metadata,
    securityGroups: [...new Set(server.security_groups.map(({ name }) => name))].toSorted(),
    fault: server.fault?.message.trim() ?? null,
  };
  return { ...found, value };
}

type Flavor = z.infer<typeof serverSchema>['server']['flavor'];

/** Returns a server's flavor. Reads it if the server has only its id, as before microversion 2.47. */
async function flavorOf(
  cloud: Cloud,
  flavor: Flavor,
  options: RequestOptions,
): Promise<{ readonly name: string; readonly vcpus: number | null }> {
  if (flavor.id === undefined) return { name: flavor.original_name ?? 'unknown', vcpus: flavor.vcpus ?? null };
  const found = await read(cloud, { type: 'compute', path: `/flavors/${segment(flavor.id)}` }, flavorSchema, options);
  return found.type === 'ok' ? found.value.flavor : { name: flavor.id, vcpus: null };
}

export type ExpectedServer = Pick<ServerRecord, 'name' | 'flavor' | 'image' | 'metadata'> & {
  readonly vcpus: number;
  /** Null if any host will do. */
  readonly host: string | null;
};

/** Checks that a new server has the properties it was created with. */
export function checkCreated(checkName: string, expected: ExpectedServer, actual: ServerRecord): Check {
  const { name, flavor, vcpus, image, metadata, host } = expected;
  const differences = [
    ...(actual.name === name ? [] : [`is called ${actual.name}, not ${name}`]),
    ...(host === null || actual.host === host ? [] : [`is on ${actual.host ?? 'no host'}, not ${host}`]),
    ...(actual.flavor === flavor ? [] : [`has flavor ${actual.flavor}, not ${flavor}`]),
    ...(actual.vcpus === null || actual.vcpus === vcpus ? [] : [`has ${actual.vcpus} vCPUs, not ${vcpus}`]),
    ...(actual.image === image ? [] : [`has image ${actual.image}, not ${image}`]),
    ...Object.entries(metadata)
      .filter(([key, value]) => actual.metadata[key] !== value)
      .map(([key, value]) => `has metadata ${key}=${actual.metadata[key] ?? ''}, not ${value}`),
  ];
  if (differences.length > 0) return fail(checkName, `server ${actual.id} ${differences.join(', ')}`);
  return pass(checkName, `${name}, ${flavor} with ${vcpus} vCPU${host === null ? '' : `, on ${host}`}`);
}
