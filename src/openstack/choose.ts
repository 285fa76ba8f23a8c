import { z } from 'zod';
import type { Cause } from '../domain/cause.ts';
import { goodRows, rows } from '../http/lists.ts';
import type { Cloud } from './cloud.ts';
import type { CreateServer, Limits } from './compute.ts';
import { atLeast } from './microversion.ts';
import { read } from './read.ts';
import { resourceId } from './resource-id.ts';
import type { Result } from './result.ts';

/** What the user asks for, by name or id; null: the smallest, or the only one. */
export type Wanted = { readonly flavor: string | null; readonly image: string | null; readonly network: string | null };

/** What a server is booted of. */
export type Choice = Pick<CreateServer, 'flavor' | 'image' | 'networks'> & {
  /** As the flavor says. */
  readonly vcpus: number;
  /** For the report: 'm1.tiny', 'cirros', 'private'. */
  readonly names: { readonly flavor: string; readonly image: string; readonly network: string };
};

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
const imagesSchema = z.object({
  images: goodRows(
    z.looseObject({
      id: resourceId,
      name: z.string().nullish(),
      status: z.string(),
      size: z.number().nullish(),
      min_ram: z.number().default(0),
      min_disk: z.number().default(0),
    }),
  ),
});
const networksSchema = z.object({
  networks: goodRows(
    z.looseObject({
      id: resourceId,
      name: z.string(),
      'router:external': z.boolean().optional(),
      admin_state_up: z.boolean().optional(),
      subnets: rows(z.string()).default([]),
    }),
  ),
});

type Flavor = z.infer<typeof flavorsSchema>['flavors'][number];
type Image = z.infer<typeof imagesSchema>['images'][number];
type Network = z.infer<typeof networksSchema>['networks'][number];
type Options = Limits;
/** What was found, or why nothing can be. */
type Pick1<T> = { readonly found: T } | { readonly missing: string };

/** Finds what to boot. A cloud that has no such thing is a failed result of kind 'no-resource' that says what it has. */
export async function choose(cloud: Cloud, wanted: Wanted, options: Options): Promise<Result<Choice>> {
  const { microversion } = cloud.compute(cloud.http);
  const images = await read(cloud, { type: 'image', path: '/images?limit=1000' }, imagesSchema, options);
  if (images.type !== 'ok') return images;
  const flavors = await read(cloud, { type: 'compute', path: '/flavors/detail' }, flavorsSchema, options);
  if (flavors.type !== 'ok') return flavors;
  const networks = await readNetworks(cloud, wanted, options);
  if (networks.type !== 'ok') return networks;

  const image = pickImage(images.value.images, wanted.image);
  if ('missing' in image) return missing(networks, image.missing, 'glance');
  const flavor = pickFlavor(flavors.value.flavors, wanted.flavor, image.found);
  if ('missing' in flavor) return missing(networks, flavor.missing, 'nova-api');
  const network = pickNetwork(networks.value, wanted.network, microversion);
  if ('missing' in network) return missing(networks, network.missing, 'neutron');
  const value: Choice = {
    flavor: flavor.found.id,
    image: image.found.id,
    networks: network.found.networks,
    vcpus: flavor.found.vcpus,
    names: { flavor: flavor.found.name, image: image.found.name ?? image.found.id, network: network.found.name },
  };
  return { ...networks, value };
}

/** A cloud without Neutron has no networks to choose from. */
async function readNetworks(cloud: Cloud, wanted: Wanted, options: Options): Promise<Result<readonly Network[]>> {
  const result = await read(cloud, { type: 'network', path: '/networks' }, networksSchema, options);
  if (result.type === 'ok') return { ...result, value: result.value.networks };
  const none = result.type === 'failed' && result.cause.kind === 'no-endpoint' && wanted.network === null;
  return none ? { ...result, type: 'ok', value: [] } : result;
}

function missing(after: Result<unknown>, message: string, service: Cause['service']): Result<never> {
  const { sentAt, settledAt, requestId } = after;
  const cause: Cause = { kind: 'no-resource', service, message };
  return { type: 'failed', cause, hung: false, stages: {}, sentAt, settledAt, requestId };
}

/** A size that isn't known comes last. */
const MANY = Number.MAX_SAFE_INTEGER;

export function pickImage(images: readonly Image[], wanted: string | null): Pick1<Image> {
  const active = images.filter((one) => one.status === 'active');
  const sorted = active.toSorted(
    (a, b) => (a.size ?? MANY) - (b.size ?? MANY) || (a.name ?? a.id).localeCompare(b.name ?? b.id),
  );
  return named('image', sorted, wanted) ?? first('active image', sorted);
}

/** The smallest that is large enough for the image. A disk of 0 takes the image's size. */
export function pickFlavor(flavors: readonly Flavor[], wanted: string | null, image: Image): Pick1<Flavor> {
  const sorted = flavors
    .filter((one) => one['OS-FLV-DISABLED:disabled'] !== true)
    .toSorted((a, b) => a.vcpus - b.vcpus || a.ram - b.ram || a.disk - b.disk || a.name.localeCompare(b.name));
  const fits = ({ ram, disk }: Flavor) => ram >= image.min_ram && (disk === 0 || disk >= image.min_disk);
  const what = `flavor with ${image.min_ram} MB of memory and ${image.min_disk} GB of disk, as image ${image.name} needs,`;
  return named('flavor', sorted, wanted) ?? first(what, sorted.filter(fits));
}

type Networks = { readonly name: string; readonly networks: CreateServer['networks'] };

export function pickNetwork(
  networks: readonly Network[],
  wanted: string | null,
  microversion: string,
): Pick1<Networks> {
  if (wanted === 'auto' || wanted === 'none') {
    if (atLeast(microversion, '2.37')) return { found: { name: wanted, networks: wanted } };
    return { missing: `network '${wanted}' needs compute microversion 2.37 or newer, and it is ${microversion}` };
  }
  // An external network is for routers and floating addresses; one without a subnet has no address to give.
  const usable = networks.filter((one) => one['router:external'] !== true && one.subnets.length > 0);
  const only = (one: Network): Pick1<Networks> => ({ found: { name: one.name, networks: [one.id] } });
  const asked = named('network', wanted === null ? usable : networks, wanted);
  if (asked !== null) return 'missing' in asked ? asked : only(asked.found);
  const [one, another] = usable;
  if (one === undefined) return { found: { name: 'none', networks: atLeast(microversion, '2.37') ? 'none' : null } };
  if (another === undefined) return only(one);
  return { missing: `there are several networks, choose one (probes.server-boot.network): ${namesOf(usable)}` };
}

/** Null where nothing is asked for by name. An id goes before a name; a name must be the only one of it. */
function named<T extends { readonly id: string; readonly name?: string | null | undefined }>(
  what: string,
  all: readonly T[],
  wanted: string | null,
): Pick1<T> | null {
  if (wanted === null) return null;
  const byId = all.find((one) => one.id === wanted);
  if (byId !== undefined) return { found: byId };
  const [found, another] = all.filter((one) => one.name === wanted);
  if (found === undefined) return { missing: `there is no ${what} '${wanted}'; there is: ${namesOf(all)}` };
  if (another === undefined) return { found };
  return { missing: `there are several ${what}s '${wanted}', choose one by its id: ${found.id}, ${another.id}` };
}

const first = <T>(what: string, all: readonly T[]): Pick1<T> => {
  const [found] = all;
  return found === undefined ? { missing: `there is no ${what} to boot` } : { found };
};

const SHOWN = 10;

function namesOf(all: readonly { readonly id: string; readonly name?: string | null | undefined }[]): string {
  if (all.length === 0) return 'none';
  const names = all.slice(0, SHOWN).map((one) => one.name ?? one.id);
  const more = all.length > SHOWN ? ` and ${all.length - SHOWN} more` : '';
  return `${names.join(', ')}${more}`;
}
