import { z } from 'zod';
import type { Flavor, Image, Offer } from '../fixtures.ts';
import { parsed } from '../http/answer.ts';

/** POST /servers, understood: what to build, or why not (400). */
export type CreateRequest = {
  readonly name: string;
  readonly flavor: Flavor;
  readonly image: Image;
  /** In GiB: it boots from a volume made of the image; null: from its own disk. */
  readonly volume: number | null;
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly networks: 'auto' | 'none' | 'named';
  readonly keyName: string | null;
  /** Names. */
  readonly securityGroups: readonly string[];
  /** The id of a server group, by the scheduler's hint. */
  readonly group: string | null;
  /** As it was asked for by 'zone:host'. */
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

export function readCreate(body: string, { minor, offer }: { minor: number; offer: Offer }): CreateRequest | string {
  const found = parsed(body);
  const server = z.object({ server: z.record(z.string(), z.unknown()) }).safeParse(found);
  if (!server.success) return 'Malformed request body';
  const given = server.data.server;
  const disk = 'block_device_mapping_v2' in given ? [] : ['imageRef'];
  const lacks = [...REQUIRED, ...disk, ...(minor >= 37 ? ['networks'] : [])].find((key) => !(key in given));
  if (lacks !== undefined) return invalid('server', given, `'${lacks}' is a required property`);
  if (given['name'] === '') return invalid('name', '', "'' is too short");
  const { networks } = given;
  if (typeof networks === 'string' && (minor < 37 || !['auto', 'none'].includes(networks))) {
    return invalid('networks', networks, `'${networks}' is not of type 'array'`);
  }
  const read = bodySchema.safeParse(found);
  if (!read.success) return invalid('server', given, read.error.issues[0]?.message ?? 'is not valid');
  const asked = read.data.server;
  const flavor = offer.flavors.find(({ id }) => id === String(asked.flavorRef));
  if (flavor === undefined) return `Flavor ${asked.flavorRef} could not be found.`;
  const [volume = null] = asked.block_device_mapping_v2 ?? [];
  const image = offer.images.find(({ id }) => id === (volume?.uuid ?? asked.imageRef));
  if (image === undefined) return 'Can not find requested image';
  const named = Array.isArray(asked.networks) ? asked.networks : [];
  const strange = named.find(({ uuid }) => uuid !== undefined && uuid !== offer.network.id);
  if (strange !== undefined) return `Network ${strange.uuid} could not be found.`;
  return {
    name: asked.name.trim(),
    flavor,
    image,
    volume: volume?.volume_size ?? null,
    description: asked.description ?? null,
    metadata: asked.metadata ?? {},
    networks: asked.networks === 'none' ? 'none' : named.length > 0 ? 'named' : 'auto',
    keyName: asked.key_name ?? null,
    securityGroups: [...new Set((asked.security_groups ?? [{ name: 'default' }]).map(({ name }) => name))],
    group: read.data['os:scheduler_hints']?.group ?? null,
    forcedHost: asked.availability_zone?.split(':')[1] ?? null,
  };
}

const invalid = (field: string, value: unknown, why: string): string =>
  `Invalid input for field/attribute ${field}. Value: ${typeof value === 'string' ? value : JSON.stringify(value)}. ${why}`;
