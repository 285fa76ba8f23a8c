import { z } from 'zod';
import type { Cause } from '../../domain/cause.ts';
import { listOf, validRowsOf } from '../../http/lists.ts';
import type { Cloud } from '../cloud.ts';
import { resourceId, segment } from '../http/resource-id.ts';
import { read } from '../rest.ts';
import type { Result } from '../result.ts';
import { type CreateServer, isAtLeast, type RequestOptions } from './compute.ts';

/** What the user configured, by name or id; null selects the smallest flavor or image, or the only network. */
export type BootPreferences = {
  readonly flavor: string | null;
  readonly image: string | null;
  readonly network: string | null;
  /** Size in GiB of the volume to boot from; null boots from the flavor's disk. */
  readonly volume: number | null;
};

/** What to boot test servers from. */
export type BootChoice = Pick<CreateServer, 'flavor' | 'image' | 'volume' | 'networks'> & {
  readonly vcpus: number;
  /** The names in reports: 'm1.tiny', 'cirros', 'private'. */
  readonly names: { readonly flavor: string; readonly image: string; readonly network: string };
};

/** GET /flavors/detail. */
export const flavorsSchema = z.object({
  flavors: validRowsOf(
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
const imagesSchema = z.object({ images: validRowsOf(imageSchema), next: z.string().nullish() });
const networksSchema = z.object({
  networks: validRowsOf(
    z.looseObject({
      id: resourceId,
      name: z.string(),
      'router:external': z.boolean().optional(),
      shared: z.boolean().nullish(),
      project_id: z.string().nullish(),
      subnets: listOf(z.string()).default([]),
    }),
  ),
});

type Flavor = z.infer<typeof flavorsSchema>['flavors'][number];
type Image = z.infer<typeof imageSchema>;
type Network = z.infer<typeof networksSchema>['networks'][number];

/** What was found, or why there is nothing. */
type Selection<T> = { readonly found: T } | { readonly missing: string };

/** Chooses what to boot. Fails with kind 'no-resource' and a list of what is available if nothing fits. */
export async function chooseBootCandidate(
  cloud: Cloud,
  wanted: BootPreferences,
  options: RequestOptions,
): Promise<Result<BootChoice>> {
  const result = await bootCandidates(cloud, wanted, options);
  return result.type === 'ok' ? { ...result, value: result.value[0] } : result;
}

/** Returns all combinations that should boot, the best first; fails as `chooseBootCandidate` does. */
export async function bootCandidates(
  cloud: Cloud,
  wanted: BootPreferences,
  options: RequestOptions,
): Promise<Result<readonly [BootChoice, ...BootChoice[]]>> {
  const { microversion } = cloud.compute(cloud.http);
  const images =
    wanted.image === null ? await readImages(cloud, '', options) : await findImages(cloud, wanted.image, options);
  if (images.type !== 'ok') return images;
  const flavors = await read(cloud, { type: 'compute', path: '/flavors/detail' }, flavorsSchema, options);
  if (flavors.type !== 'ok') return flavors;
  const networks = await readNetworks(cloud, wanted, options);
  if (networks.type !== 'ok') return networks;

  const projectId = cloud.session.projectId();
  const pickedImages = pickImages(images.value, wanted.image, projectId);
  if ('missing' in pickedImages) return noResource(networks, pickedImages.missing, 'glance');
  const network = pickNetwork(networks.value, wanted.network, { microversion, projectId });
  if ('missing' in network) return noResource(networks, network.missing, 'neutron');
  const pairs: { readonly image: Image; readonly flavor: Flavor; readonly rank: number }[] = [];
  let firstMissing: string | null = null;
  for (const [imageRank, image] of pickedImages.found.slice(0, MAX_IMAGES).entries()) {
    const picked = pickFlavors(flavors.value.flavors, wanted, image);
    if ('missing' in picked) {
      firstMissing ??= picked.missing;
      continue;
    }
    const fitting = picked.found.slice(0, MAX_FLAVORS_PER_IMAGE);
    pairs.push(...fitting.map((flavor, flavorRank) => ({ image, flavor, rank: imageRank + flavorRank })));
  }
  const [first, ...others] = pairs
    .toSorted((a, b) => a.rank - b.rank)
    .map(
      ({ image, flavor }): BootChoice => ({
        flavor: flavor.id,
        image: image.id,
        volume: wanted.volume,
        networks: network.found.networks,
        vcpus: flavor.vcpus,
        names: { flavor: flavor.name, image: image.name ?? image.id, network: network.found.name },
      }),
    );
  if (first === undefined) return noResource(networks, firstMissing ?? 'no bootable image', 'nova-api');
  return { ...networks, value: [first, ...others] };
}

const MAX_IMAGES = 3;
const MAX_FLAVORS_PER_IMAGE = 3;

/** Reads all images. Follows `next` links, as Glance limits the size of a page (`api_limit_max`). */
async function readImages(cloud: Cloud, query: string, options: RequestOptions): Promise<Result<readonly Image[]>> {
  const found: Image[] = [];
  let marker = '';
  for (let page = 0; ; page++) {
    const path = `/images?limit=1000${query}${marker}`;
    const result = await read(cloud, { type: 'image', path }, imagesSchema, options);
    if (result.type !== 'ok') return result;
    found.push(...result.value.images);
    // Only the marker is taken from `next`, never its host.
    const after = new URLSearchParams(result.value.next?.split('?')[1] ?? '').get('marker');
    const next = after === null ? '' : `&marker=${segment(after)}`;
    if (next === '' || next === marker || page === MAX_PAGES) return { ...result, value: found };
    marker = next;
  }
}
/** More pages than this mean that the links loop, or that there are too many images to read. */
const MAX_PAGES = 20;

/**
 * Finds images by id, by name, and by name among community images, which Glance hides by default. If nothing matches,
 * returns all images, for the error message to list.
 */
async function findImages(cloud: Cloud, wanted: string, options: RequestOptions): Promise<Result<readonly Image[]>> {
  if (resourceId.safeParse(wanted).success) {
    const shown = await read(cloud, { type: 'image', path: `/images/${segment(wanted)}` }, imageSchema, options);
    if (shown.type === 'ok') return { ...shown, value: [shown.value] };
    // Glance answers 400 or 404 if it does not know the id.
    const isUnknown = [400, 404].includes(shown.cause.status ?? 0) && shown.cause.service === 'glance';
    if (!isUnknown) return shown;
  }
  for (const query of ['', '&visibility=community']) {
    const named = await readImages(cloud, `&name=${encodeURIComponent(wanted)}${query}`, options);
    if (named.type !== 'ok' || named.value.some(({ name }) => name === wanted)) return named;
  }
  return readImages(cloud, '', options);
}

/** Reads the networks; returns none for a cloud without Neutron. */
async function readNetworks(
  cloud: Cloud,
  wanted: BootPreferences,
  options: RequestOptions,
): Promise<Result<readonly Network[]>> {
  const result = await read(cloud, { type: 'network', path: '/networks' }, networksSchema, options);
  if (result.type === 'ok') return { ...result, value: result.value.networks };
  const hasNoNeutron = result.type === 'failed' && result.cause.kind === 'no-endpoint' && wanted.network === null;
  return hasNoNeutron ? { ...result, type: 'ok', value: [] } : result;
}

/** Returns a failure of kind 'no-resource'. `last`: the result of the last request, for its timing. */
function noResource(last: Result<unknown>, message: string, service: Cause['service']): Result<never> {
  const { sentAt, settledAt, requestId } = last;
  const cause: Cause = { kind: 'no-resource', service, message };
  return { type: 'failed', cause, timedOut: false, stages: {}, sentAt, settledAt, requestId };
}

/** Sorts an unknown size last. */
const UNKNOWN_SIZE = Number.MAX_SAFE_INTEGER;
const GIB = 1024 ** 3;

/** The formats of ISOs, kernels, ramdisks and containers. */
const UNBOOTABLE_FORMATS = ['iso', 'aki', 'ari', 'docker', 'ova'];
/**
 * The architectures and hypervisors that most clouds run. Images for anything else are a last resort, as the
 * hypervisors of this cloud are unknown.
 */
const COMMON_ARCHITECTURES = ['x86_64', 'amd64', 'i686', 'kvm', 'qemu', 'qemu/kvm', 'lxc', ''];

/**
 * Returns the bootable images, the smallest first. Skips private images of other projects, which administrators can
 * see, and snapshots of servers with a volume (size 0): booting one would leave a volume behind.
 */
export function pickImages(
  images: readonly Image[],
  wanted: string | null,
  projectId: string | null,
): Selection<readonly Image[]> {
  const active = images.filter(({ status }) => status === 'active');
  const sorted = active.toSorted(
    (a, b) =>
      Number(isLastResort(a, projectId)) - Number(isLastResort(b, projectId)) ||
      (a.size ?? UNKNOWN_SIZE) - (b.size ?? UNKNOWN_SIZE) ||
      (a.name ?? a.id).localeCompare(b.name ?? b.id),
  );
  const requested = findByName('image', sorted, wanted);
  if (requested !== null) return 'missing' in requested ? requested : { found: [requested.found] };
  const usable = sorted.filter((image) => isBootable(image) && isAvailable(image, projectId));
  if (usable.length > 0) return { found: usable };
  const others = active.length === 0 ? '' : ` among: ${namesOf(sorted)}`;
  return { missing: `no bootable active image${others}` };
}

const isBootable = (image: Image): boolean =>
  image.os_hidden !== true &&
  image.size !== 0 &&
  (image.block_device_mapping ?? '') === '' &&
  ![image.disk_format, image.container_format].some((format) => UNBOOTABLE_FORMATS.includes(format ?? ''));

/**
 * Whether the project may use an image. Glance lists shared images only to projects that have accepted them, but every
 * private image to administrators.
 */
const isAvailable = ({ visibility, owner }: Image, projectId: string | null): boolean =>
  visibility !== 'private' || projectId === null || (owner ?? projectId) === projectId;

const isLastResort = (image: Image, projectId: string | null): boolean =>
  [image.hw_architecture, image.architecture, image.hypervisor_type, image.img_hv_type].some(
    (kind) => !COMMON_ARCHITECTURES.includes(kind?.toLowerCase() ?? ''),
  ) ||
  image.image_type === 'snapshot' ||
  (image.visibility === 'shared' && (image.owner ?? projectId) !== projectId);

/**
 * Returns the flavors that are large enough for the image, the smallest first. Flavors with a disk of 0 come last:
 * since Stein, Nova's policy allows them only for boots from a volume. With a volume, the flavor's disk is irrelevant.
 */
export function pickFlavors(
  flavors: readonly Flavor[],
  { flavor: wanted, volume }: Pick<BootPreferences, 'flavor' | 'volume'>,
  image: Image,
): Selection<readonly Flavor[]> {
  const sorted = flavors
    .filter((flavor) => flavor['OS-FLV-DISABLED:disabled'] !== true)
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
      missing: `a volume of ${volume} GiB is too small for image ${image.name ?? image.id}, which needs ${disk} GiB`,
    };
  }
  const requested = findByName('flavor', sorted, wanted);
  if (requested !== null) return 'missing' in requested ? requested : { found: [requested.found] };
  const ram = image.min_ram ?? 0;
  const fitsDisk = (flavor: Flavor) => volume !== null || flavor.disk === 0 || flavor.disk >= disk;
  const found = sorted.filter((flavor) => flavor.ram >= ram && fitsDisk(flavor));
  if (found.length > 0) return { found };
  const size = volume === null ? ` and ${disk} GiB of disk` : '';
  return { missing: `no flavor has the ${ram} MiB of memory${size} that image ${image.name ?? image.id} needs` };
}

type Networks = { readonly name: string; readonly networks: CreateServer['networks'] };

export function pickNetwork(
  networks: readonly Network[],
  wanted: string | null,
  { microversion, projectId }: { readonly microversion: string; readonly projectId: string | null },
): Selection<Networks> {
  if (wanted === 'auto' || wanted === 'none') {
    if (isAtLeast(microversion, '2.37')) return { found: { name: wanted, networks: wanted } };
    return { missing: `network '${wanted}' needs compute microversion 2.37 or newer (in use: ${microversion})` };
  }
  // External networks are for routers and floating IPs, and a network without a subnet has no addresses. Administrators
  // see the networks of all projects.
  const isAvailable = ({ shared, project_id }: Network) =>
    shared === true || projectId === null || (project_id ?? projectId) === projectId;
  const usable = networks.filter(
    (network) => network['router:external'] !== true && network.subnets.length > 0 && isAvailable(network),
  );
  const select = ({ id, name }: Network): Selection<Networks> => ({ found: { name, networks: [id] } });
  const requested = findByName('network', wanted === null ? usable : networks, wanted);
  if (requested !== null) return 'missing' in requested ? requested : select(requested.found);
  const [first, second] = usable;
  if (first === undefined)
    return { found: { name: 'none', networks: isAtLeast(microversion, '2.37') ? 'none' : null } };
  if (second === undefined) return select(first);
  return { missing: `several networks found; set probes.server-boot.network to one of: ${namesOf(usable)}` };
}

/** Finds what is requested by id or name; returns null if nothing is. Ids take precedence; a name must be unique. */
function findByName<T extends { readonly id: string; readonly name?: string | null | undefined }>(
  type: 'flavor' | 'image' | 'network',
  all: readonly T[],
  wanted: string | null,
): Selection<T> | null {
  if (wanted === null) return null;
  const byId = all.find(({ id }) => id === wanted);
  if (byId !== undefined) return { found: byId };
  const [found, second] = all.filter(({ name }) => name === wanted);
  if (found === undefined) return { missing: `no ${type} '${wanted}' (available: ${namesOf(all)})` };
  if (second === undefined) return { found };
  return { missing: `several ${type}s are named '${wanted}'; use an id: ${found.id}, ${second.id}` };
}

const MAX_NAMES = 10;

function namesOf(all: readonly { readonly id: string; readonly name?: string | null | undefined }[]): string {
  if (all.length === 0) return 'none';
  const names = all.slice(0, MAX_NAMES).map(({ id, name }) => name ?? id);
  const more = all.length > MAX_NAMES ? ` and ${all.length - MAX_NAMES} more` : '';
  return `${names.join(', ')}${more}`;
}
