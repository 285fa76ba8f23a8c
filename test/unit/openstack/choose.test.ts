import { describe, expect, it } from 'vitest';
import { pickFlavors, pickImages, pickNetwork } from '../../../src/openstack/compute/boot-candidates.ts';

const image = (name: string, changes: object = {}) => ({
  id: `id-${name}`,
  name,
  status: 'active',
  size: 100,
  min_ram: 0,
  min_disk: 0,
  ...changes,
});
const flavor = (name: string, vcpus: number, ram: number, disk: number, changes: object = {}) => ({
  id: `id-${name}`,
  name,
  vcpus,
  ram,
  disk,
  ...changes,
});
const network = (name: string, changes: object = {}) => ({ id: `id-${name}`, name, subnets: ['subnet'], ...changes });

type Picked =
  | { readonly found: readonly { readonly name?: string | null | undefined }[] }
  | { readonly missing: string };
const namesOf = (picked: Picked) => ('found' in picked ? picked.found.map(({ name }) => name) : picked.missing);
const nameOf = (picked: Picked) => ('found' in picked ? picked.found[0]?.name : picked.missing);
const pickImage = (images: Parameters<typeof pickImages>[0], wanted: string | null) => pickImages(images, wanted, 'p1');
const ANY = { flavor: null, volume: null };
const pickFlavor = pickFlavors;
const AT = (microversion: string) => ({ microversion, projectId: 'p1' });

describe('the image', () => {
  it('is the smallest active one, the first by name if several are', () => {
    const images = [
      image('b'),
      image('a'),
      image('large', { size: 101 }),
      image('queued', { status: 'queued', size: 1 }),
      image('unknown', { size: null }),
    ];
    expect(nameOf(pickImage(images, null))).toBe('a');
  });

  it('is found by id and by name', () => {
    const images = [image('a'), image('id-a')];
    expect(nameOf(pickImage(images, 'id-a'))).toBe('a');
    expect(nameOf(pickImage(images, 'a'))).toBe('a');
  });

  it('that is missing or ambiguous is reported with the available ones', () => {
    expect(pickImage([image('a'), image('b')], 'c')).toEqual({ missing: "no image 'c' (available: a, b)" });
    expect(pickImage([], 'c')).toEqual({ missing: "no image 'c' (available: none)" });
    expect(pickImage([], null)).toEqual({ missing: 'no bootable active image' });
    expect(pickImage([image('a'), image('a', { id: 'x' })], 'a')).toEqual({
      missing: "several images are named 'a'; use an id: id-a, x",
    });
  });
});

describe('an unusual image', () => {
  it.each([
    ['a snapshot of a server with a volume', { size: 0, block_device_mapping: '[{}]' }],
    ['a snapshot of a volume that has a size', { block_device_mapping: '[{}]' }],
    ['an ISO', { disk_format: 'iso' }],
    ['a kernel', { disk_format: 'aki', container_format: 'aki' }],
    ['a ramdisk', { container_format: 'ari' }],
    ['a container', { container_format: 'docker' }],
    ['a hidden image', { os_hidden: true }],
    ['a private image of another project', { visibility: 'private', owner: 'p2' }],
    ['an inactive image', { status: 'deactivated' }],
  ])('is skipped: %s', (_name, changes) => {
    const images = [image('odd', { size: 1, ...changes }), image('cirros')];
    expect(namesOf(pickImage(images, null))).toEqual(['cirros']);
    expect(nameOf(pickImage([image('odd', changes)], null))).toMatch(/^no bootable active image/);
  });

  it.each([
    ['another architecture', { hw_architecture: 'aarch64' }],
    ['another hypervisor', { hypervisor_type: 'vmware' }],
    ['a snapshot of a server', { image_type: 'snapshot' }],
    ['a shared image of another project', { visibility: 'shared', owner: 'p2' }],
    ['an unknown size', { size: null }],
  ])('is a last resort: %s', (_name, changes) => {
    const images = [image('odd', { size: 1, ...changes }), image('cirros')];
    expect(namesOf(pickImage(images, null))).toEqual(['cirros', 'odd']);
  });

  it('is used if it is requested', () => {
    expect(nameOf(pickImage([image('odd', { disk_format: 'iso' })], 'odd'))).toBe('odd');
  });

  it('is not skipped if it belongs to the project', () => {
    const own = { visibility: 'private', owner: 'p1', hw_architecture: 'x86_64', hypervisor_type: 'QEMU' };
    expect(namesOf(pickImage([image('own', own)], null))).toEqual(['own']);
  });
});

describe('the flavor', () => {
  const flavors = [
    flavor('m', 1, 128, 1),
    flavor('s', 1, 64, 1),
    flavor('off', 1, 32, 1, { 'OS-FLV-DISABLED:disabled': true }),
    flavor('l', 2, 32, 0),
  ];

  it('is the smallest enabled one by vCPUs, memory and disk', () => {
    expect(nameOf(pickFlavor(flavors, ANY, image('a')))).toBe('s');
  });

  it('is large enough for the image; a disk of 0 fits any image', () => {
    expect(nameOf(pickFlavor(flavors, ANY, image('a', { min_ram: 65 })))).toBe('m');
    expect(nameOf(pickFlavor(flavors, ANY, image('a', { min_disk: 2 })))).toBe('l');
    expect(nameOf(pickFlavor(flavors, ANY, image('a', { min_ram: 999, min_disk: 2 })))).toBe(
      'no flavor has the 999 MiB of memory and 2 GiB of disk that image a needs',
    );
  });

  it('has a disk if possible', () => {
    expect(namesOf(pickFlavor([flavor('zero', 1, 64, 0), flavor('disk', 4, 4096, 40)], ANY, image('a')))).toEqual([
      'disk',
      'zero',
    ]);
  });

  it.each([
    ['size', { size: 1024 ** 3 + 1 }],
    ['virtual size', { virtual_size: 2 * 1024 ** 3 }],
    ['min_disk', { min_disk: 2 }],
  ])('has a disk for the image: %s', (_name, changes) => {
    const found = pickFlavor([flavor('small', 1, 64, 1), flavor('large', 1, 64, 2)], ANY, image('a', changes));
    expect(namesOf(found)).toEqual(['large']);
  });

  it('that is requested is used even if it is too small', () => {
    expect(nameOf(pickFlavor(flavors, { flavor: 'l', volume: null }, image('a', { min_ram: 999 })))).toBe('l');
  });
});

describe('the flavor of a server that boots from a volume', () => {
  const flavors = [flavor('zero', 1, 64, 0), flavor('small', 1, 128, 1), flavor('big', 4, 64, 40)];

  it('is the smallest, regardless of its disk', () => {
    const found = pickFlavor(flavors, { flavor: null, volume: 10 }, image('a', { min_disk: 5, min_ram: 100 }));
    expect(namesOf(found)).toEqual(['small']);
    expect(nameOf(pickFlavor(flavors, { flavor: null, volume: 10 }, image('a')))).toBe('zero');
  });

  it('is missing if the volume is too small for the image', () => {
    expect(nameOf(pickFlavor(flavors, { flavor: 'big', volume: 4 }, image('a', { min_disk: 5 })))).toBe(
      'a volume of 4 GiB is too small for image a, which needs 5 GiB',
    );
  });
});

describe('the network', () => {
  it('is the only internal one with a subnet', () => {
    const networks = [
      network('public', { 'router:external': true }),
      network('bare', { subnets: [] }),
      network('private'),
    ];
    expect(pickNetwork(networks, null, AT('2.1'))).toEqual({ found: { name: 'private', networks: ['id-private'] } });
  });

  it('does not belong to another project, as shown to administrators', () => {
    const networks = [
      network('theirs', { project_id: 'p2', shared: false }),
      network('ours', { project_id: 'p1', shared: false }),
    ];
    expect(pickNetwork(networks, null, AT('2.1'))).toEqual({ found: { name: 'ours', networks: ['id-ours'] } });
    expect(pickNetwork([network('all', { project_id: 'p2', shared: true })], null, AT('2.1'))).toEqual({
      found: { name: 'all', networks: ['id-all'] },
    });
  });

  it('must be configured if there are several', () => {
    expect(pickNetwork([network('a'), network('b')], null, AT('2.1'))).toEqual({
      missing: 'several networks found; set probes.server-boot.network to one of: a, b',
    });
    expect(pickNetwork([network('a'), network('b')], 'b', AT('2.1'))).toEqual({
      found: { name: 'b', networks: ['id-b'] },
    });
  });

  it('is left out or `none` without networks, depending on the microversion', () => {
    expect(pickNetwork([], null, AT('2.36'))).toEqual({ found: { name: 'none', networks: null } });
    expect(pickNetwork([], null, AT('2.37'))).toEqual({ found: { name: 'none', networks: 'none' } });
  });

  it("can be 'auto' or 'none' from microversion 2.37 on", () => {
    expect(pickNetwork([network('a')], 'auto', AT('2.93'))).toEqual({ found: { name: 'auto', networks: 'auto' } });
    expect(pickNetwork([network('a')], 'none', AT('2.9'))).toEqual({
      missing: "network 'none' needs compute microversion 2.37 or newer (in use: 2.9)",
    });
  });
});
