import { z } from 'zod';
import type { Cause } from '../../domain/cause.ts';
import { goodRows, rows } from '../../http/lists.ts';
import type { Cloud } from '../cloud.ts';
import { read } from '../http/read.ts';
import { resourceId, segment } from '../http/resource-id.ts';
import type { Result } from '../result.ts';
import type { CreateServer, Limits } from './compute.ts';
import { atLeast } from './microversion.ts';

/** What the user asks for, by name or id; null: the smallest, or the only one. */
export type Wanted = {
  readonly flavor: string | null;
  readonly image: string | null;
  readonly network: string | null;
  /** The size in GiB of the volume to boot from; null: the flavor's disk. */
  readonly volume: number | null;
};

/** What a server is booted of. */
export type Choice = Pick<CreateServer, 'flavor' | 'image' | 'volume' | 'networks'> & {
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
const imageSchema = z.looseObject({
  id: resourceId,
  name: z.string().nullish(),
  status: z.string(),
  size: z.number().nullish(),
  virtual_size: z.number().nullish(),
  min_ram: z.number().nullish(),
  min_disk: z.number().nullish(),
  visibility: z.string().nullish(),
  owner: z.string().nullish(),
  os_hidden: z.boolean().nullish(),
  disk_format: z.string().nullish(),
  container_format: z.string().nullish(),
  block_device_mapping: z.string().nullish(),
  image_type: z.string().nullish(),
  hw_architecture: z.string().nullish(),
  architecture: z.string().nullish(),
  hypervisor_type: z.string().nullish(),
  img_hv_type: z.string().nullish(),
});
const imagesSchema = z.object({ images: goodRows(imageSchema), next: z.string().nullish() });
const networksSchema = z.object({
  networks: goodRows(
    z.looseObject({
      id: resourceId,
      name: z.string(),
      'router:external': z.boolean().optional(),
      shared: z.boolean().nullish(),
      project_id: z.string().nullish(),
      subnets: rows(z.string()).default([]),
    }),
  ),
});

type Flavor = z.infer<typeof flavorsSchema>['flavors'][number];
type Image = z.infer<typeof imageSchema>;
type Network = z.infer<typeof networksSchema>['networks'][number];
type Options = Limits;
/** What was found, or why nothing can be. */
type Pick1<T> = { readonly found: T } | { readonly missing: string };

/** Finds what to boot. A cloud that has no such thing is a failed result of kind 'no-resource' that says what it has. */
export async function choose(cloud: Cloud, wanted: Wanted, options: Options): Promise<Result<Choice>> {
  const all = await candidates(cloud, wanted, options);
  return all.type === 'ok' ? { ...all, value: all.value[0] } : all;
}

/** All that can be expected to boot, the best first: at least one. */
export async function candidates(
  cloud: Cloud,
  wanted: Wanted,
  options: Options,
): Promise<Result<readonly [Choice, ...Choice[]]>> {
  const { microversion } = cloud.compute(cloud.http);
  const images =
    wanted.image === null ? await readImages(cloud, '', options) : await lookUp(cloud, wanted.image, options);
  if (images.type !== 'ok') return images;
  const flavors = await read(cloud, { type: 'compute', path: '/flavors/detail' }, flavorsSchema, options);
  if (flavors.type !== 'ok') return flavors;
  const networks = await readNetworks(cloud, wanted, options);
  if (networks.type !== 'ok') return networks;

  const projectId = cloud.session.projectId();
  const pickedImages = pickImages(images.value, wanted.image, projectId);
  if ('missing' in pickedImages) return missing(networks, pickedImages.missing, 'glance');
  const network = pickNetwork(networks.value, wanted.network, { microversion, projectId });
  if ('missing' in network) return missing(networks, network.missing, 'neutron');
  const pairs: { readonly image: Image; readonly flavor: Flavor; readonly rank: number }[] = [];
  let none: string | null = null;
  for (const [imageRank, image] of pickedImages.found.slice(0, MOST_OF_A_KIND).entries()) {
    const picked = pickFlavors(flavors.value.flavors, wanted, image);
    if ('missing' in picked) {
      none ??= picked.missing;
      continue;
    }
    const fitting = picked.found.slice(0, MOST_OF_A_KIND);
    pairs.push(...fitting.map((flavor, flavorRank) => ({ image, flavor, rank: imageRank + flavorRank })));
  }
  const [first, ...others] = pairs
    .toSorted((a, b) => a.rank - b.rank)
    .map(
      ({ image, flavor }): Choice => ({
        flavor: flavor.id,
        image: image.id,
        volume: wanted.volume,
        networks: network.found.networks,
        vcpus: flavor.vcpus,
        names: { flavor: flavor.name, image: image.name ?? image.id, network: network.found.name },
      }),
    );
  if (first === undefined) return missing(networks, none ?? 'there is no image to boot', 'nova-api');
  return { ...networks, value: [first, ...others] };
}

/** Of images, and of flavors for each. */
const MOST_OF_A_KIND = 3;

/** A list of Glance's follows `next`: Glance hands out as many at once as it likes (`api_limit_max`). */
async function readImages(cloud: Cloud, query: string, options: Options): Promise<Result<readonly Image[]>> {
  const found: Image[] = [];
  let marker = '';
  for (let page = 0; ; page++) {
    const path = `/images?limit=1000${query}${marker}`;
    const result = await read(cloud, { type: 'image', path }, imagesSchema, options);
    if (result.type !== 'ok') return result;
    found.push(...result.value.images);
    // Whatever host `next` names, the next page is asked of the endpoint.
    const after = new URLSearchParams(result.value.next?.split('?')[1] ?? '').get('marker');
    const next = after === null ? '' : `&marker=${segment(after)}`;
    if (next === '' || next === marker || page === MOST_PAGES) return { ...result, value: found };
    marker = next;
  }
}
/** More pages than this are a loop, or more images than are worth the reading. */
const MOST_PAGES = 20;

/** By id, then by name, then by name among the community's, which Glance lists only when asked for; else all there are. */
async function lookUp(cloud: Cloud, wanted: string, options: Options): Promise<Result<readonly Image[]>> {
  if (resourceId.safeParse(wanted).success) {
    const shown = await read(cloud, { type: 'image', path: `/images/${segment(wanted)}` }, imageSchema, options);
    if (shown.type === 'ok') return { ...shown, value: [shown.value] };
    // Glance refuses what is no id of its own with 400 or 404.
    const isUnknown = [400, 404].includes(shown.cause.status ?? 0) && shown.cause.service === 'glance';
    if (!isUnknown) return shown;
  }
  for (const query of ['', '&visibility=community']) {
    const named = await readImages(cloud, `&name=${encodeURIComponent(wanted)}${query}`, options);
    if (named.type !== 'ok' || named.value.some(({ name }) => name === wanted)) return named;
  }
  return readImages(cloud, '', options);
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
const GIB = 1024 ** 3;

/** No disk that a server boots from: ISOs, kernels and ramdisks, containers. */
const NO_DISK = ['iso', 'aki', 'ari', 'docker', 'ova'];
/** What most clouds run; images for anything else are the last resort, as we don't know what this cloud has. */
const USUAL = ['x86_64', 'amd64', 'i686', 'kvm', 'qemu', 'qemu/kvm', 'lxc', ''];

/**
 * The usable ones, the smallest first. Administrators are shown everybody's images: other projects' private ones are
 * none of ours. A snapshot of a server with a volume has size 0, and booting it would make a volume that stays.
 */
export function pickImages(
  images: readonly Image[],
  wanted: string | null,
  projectId: string | null,
): Pick1<readonly Image[]> {
  const active = images.filter((one) => one.status === 'active');
  const sorted = active.toSorted(
    (a, b) =>
      lastResort(a, projectId) - lastResort(b, projectId) ||
      (a.size ?? MANY) - (b.size ?? MANY) ||
      (a.name ?? a.id).localeCompare(b.name ?? b.id),
  );
  const asked = named('image', sorted, wanted);
  if (asked !== null) return 'missing' in asked ? asked : { found: [asked.found] };
  const usable = sorted.filter((one) => isBootable(one) && isForUs(one, projectId));
  if (usable.length > 0) return { found: usable };
  const others = active.length === 0 ? '' : `; there is: ${namesOf(sorted)}, of which none is a disk that we may boot`;
  return { missing: `there is no active image to boot${others}` };
}

const isBootable = (one: Image): boolean =>
  one.os_hidden !== true &&
  one.size !== 0 &&
  (one.block_device_mapping ?? '') === '' &&
  ![one.disk_format, one.container_format].some((format) => NO_DISK.includes(format ?? ''));

/** Glance lists an image that another project shares only once ours has accepted it, but all of them to administrators. */
const isForUs = ({ visibility, owner }: Image, projectId: string | null): boolean =>
  visibility !== 'private' || projectId === null || (owner ?? projectId) === projectId;

const lastResort = (one: Image, projectId: string | null): number =>
  [one.hw_architecture, one.architecture, one.hypervisor_type, one.img_hv_type].some(
    (kind) => !USUAL.includes(kind?.toLowerCase() ?? ''),
  ) ||
  one.image_type === 'snapshot' ||
  (one.visibility === 'shared' && (one.owner ?? projectId) !== projectId)
    ? 1
    : 0;

/**
 * Those that are large enough for the image, the smallest first. A disk of 0 takes the image's size, but since Stein
 * Nova's policy lets only volumes boot with it, so these come last. With a volume the flavor's disk does not matter.
 */
export function pickFlavors(
  flavors: readonly Flavor[],
  { flavor: wanted, volume }: Pick<Wanted, 'flavor' | 'volume'>,
  image: Image,
): Pick1<readonly Flavor[]> {
  const sorted = flavors
    .filter((one) => one['OS-FLV-DISABLED:disabled'] !== true)
    .toSorted(
      (a, b) =>
        (volume === null ? Number(a.disk === 0) - Number(b.disk === 0) : 0) ||
        a.vcpus - b.vcpus ||
        a.ram - b.ram ||
        a.disk - b.disk ||
        a.name.localeCompare(b.name),
    );
  const disk = Math.max(image.min_disk ?? 0, Math.ceil(Math.max(image.size ?? 0, image.virtual_size ?? 0) / GIB));
  if (volume !== null && volume < disk) {
    return {
      missing: `a volume of ${volume} GiB is too small for image ${image.name ?? image.id}, which needs ${disk}`,
    };
  }
  const asked = named('flavor', sorted, wanted);
  if (asked !== null) return 'missing' in asked ? asked : { found: [asked.found] };
  const ram = image.min_ram ?? 0;
  const holds = (one: Flavor) => volume !== null || one.disk === 0 || one.disk >= disk;
  const found = sorted.filter((one) => one.ram >= ram && holds(one));
  if (found.length > 0) return { found };
  const size = volume === null ? ` and ${disk} GB of disk` : '';
  const needs = `flavor with ${ram} MB of memory${size}, as image ${image.name ?? image.id} needs,`;
  return { missing: `there is no ${needs} to boot` };
}

type Networks = { readonly name: string; readonly networks: CreateServer['networks'] };

export function pickNetwork(
  networks: readonly Network[],
  wanted: string | null,
  { microversion, projectId }: { readonly microversion: string; readonly projectId: string | null },
): Pick1<Networks> {
  if (wanted === 'auto' || wanted === 'none') {
    if (atLeast(microversion, '2.37')) return { found: { name: wanted, networks: wanted } };
    return { missing: `network '${wanted}' needs compute microversion 2.37 or newer, and it is ${microversion}` };
  }
  // An external network is for routers and floating addresses; one without a subnet has no address to give.
  // Administrators are shown those of all projects.
  const isForUs = ({ shared, project_id }: Network) =>
    shared === true || projectId === null || (project_id ?? projectId) === projectId;
  const usable = networks.filter((one) => one['router:external'] !== true && one.subnets.length > 0 && isForUs(one));
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

const SHOWN = 10;

function namesOf(all: readonly { readonly id: string; readonly name?: string | null | undefined }[]): string {
  if (all.length === 0) return 'none';
  const names = all.slice(0, SHOWN).map((one) => one.name ?? one.id);
  const more = all.length > SHOWN ? ` and ${all.length - SHOWN} more` : '';
  return `${names.join(', ')}${more}`;
}
