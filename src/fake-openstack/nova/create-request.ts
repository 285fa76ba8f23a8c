import { z } from 'zod';
import type { Fixtures, Flavor, Image } from '../fixtures.ts';
import { parseJson } from '../http/routes.ts';

/** The parsed body of POST /servers. */
export type CreateRequest = {
  readonly name: string;
  readonly flavor: Flavor;
  readonly image: Image;
  /** Size in GiB of the volume to boot from; null for a local disk. */
  readonly volume: number | null;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly networks: 'auto' | 'none' | 'named';
  readonly keyName: string | null;
  /** The names of the security groups. */
  readonly securityGroups: readonly string[];
  /** The id of a server group, from the scheduler hints. */
  readonly group: string | null;
  /** The host in an availability zone of the form 'zone:host'. */
  readonly forcedHost: string | null;
};

const bodySchema = z.object({
  server: z.object({
    name: z.string(),
    flavorRef: z.union([z.string(), z.number()]),
    imageRef: z.string().optional(),
    block_device_mapping_v2: z
      .tuple([
        z.object({
          boot_index: z.literal(0),
          source_type: z.literal('image'),
          uuid: z.string(),
          destination_type: z.literal('volume'),
          volume_size: z.int().min(1),
        }),
      ])
      .optional(),
    description: z.string().nullish(),
    metadata: z.record(z.string(), z.string()).optional(),
    networks: z
      .union([z.string(), z.array(z.object({ uuid: z.string().optional(), port: z.string().optional() }))])
      .optional(),
    key_name: z.string().optional(),
    security_groups: z.array(z.object({ name: z.string() })).optional(),
    availability_zone: z.string().nullish(),
  }),
  'os:scheduler_hints': z.looseObject({ group: z.string().optional() }).optional(),
});

const REQUIRED = ['name', 'flavorRef'] as const;

/** Returns the request, or the message of the 400 response if it is invalid. */
export function parseCreateRequest(
  body: string,
  { minor, fixtures }: { minor: number; fixtures: Fixtures },
): CreateRequest | string {
  const json = parseJson(body);
  const server = z.object({ server: z.record(z.string(), z.unknown()) }).safeParse(json);
  if (!server.success) return 'Malformed request body';
  const fields = server.data.server;
  const disk = 'block_device_mapping_v2' in fields ? [] : ['imageRef'];
  const missing = [...REQUIRED, ...disk, ...(minor >= 37 ? ['networks'] : [])].find((key) => !(key in fields));
  if (missing !== undefined) return invalid('server', fields, `'${missing}' is a required property`);
  if (fields['name'] === '') return invalid('name', '', "'' is too short");
  const { networks } = fields;
  if (typeof networks === 'string' && (minor < 37 || !['auto', 'none'].includes(networks))) {
    return invalid('networks', networks, `'${networks}' is not of type 'array'`);
  }
  const read = bodySchema.safeParse(json);
  if (!read.success) return invalid('server', fields, read.error.issues[0]?.message ?? 'is not valid');
  const requested = read.data.server;
  const flavor = fixtures.flavors.find(({ id }) => id === String(requested.flavorRef));
  if (flavor === undefined) return `Flavor ${requested.flavorRef} could not be found.`;
  const [volume = null] = requested.block_device_mapping_v2 ?? [];
  const image = fixtures.images.find(({ id }) => id === (volume?.uuid ?? requested.imageRef));
  if (image === undefined) return 'Can not find requested image';
  const named = Array.isArray(requested.networks) ? requested.networks : [];
  const unknown = named.find(({ uuid }) => uuid !== undefined && uuid !== fixtures.network.id);
  if (unknown !== undefined) return `Network ${unknown.uuid} could not be found.`;
  return {
    name: requested.name.trim(),
    flavor,
    image,
    volume: volume?.volume_size ?? null,
    description: requested.description ?? null,
    metadata: requested.metadata ?? {},
    networks: requested.networks === 'none' ? 'none' : named.length > 0 ? 'named' : 'auto',
    keyName: requested.key_name ?? null,
    securityGroups: [...new Set((requested.security_groups ?? [{ name: 'default' }]).map(({ name }) => name))],
    group: read.data['os:scheduler_hints']?.group ?? null,
    forcedHost: requested.availability_zone?.split(':')[1] ?? null,
  };
}

const invalid = (field: string, value: unknown, why: string): string =>
  `Invalid input for field/attribute ${field}. Value: ${typeof value === 'string' ? value : JSON.stringify(value)}. ${why}`;
