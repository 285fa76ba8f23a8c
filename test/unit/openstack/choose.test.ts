import { describe, expect, it } from 'vitest';
import { pickFlavor, pickImage, pickNetwork } from '../../../src/openstack/choose.ts';

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

const nameOf = (picked: { found: { name?: string | null | undefined } } | { missing: string }) =>
  'found' in picked ? picked.found.name : picked.missing;

describe('an image', () => {
  it('is the smallest active one, by name among equals', () => {
    const images = [
      image('b'),
      image('a'),
      image('large', { size: 101 }),
      image('queued', { status: 'queued', size: 1 }),
      image('unknown', { size: null }),
    ];
    expect(nameOf(pickImage(images, null))).toBe('a');
  });

  it('is found by its id, and by its name', () => {
    const images = [image('a'), image('id-a')];
    expect(nameOf(pickImage(images, 'id-a'))).toBe('a');
    expect(nameOf(pickImage(images, 'a'))).toBe('a');
  });

  it('that is not there, or several times, is told with what there is', () => {
    expect(pickImage([image('a'), image('b')], 'c')).toEqual({ missing: "there is no image 'c'; there is: a, b" });
    expect(pickImage([], 'c')).toEqual({ missing: "there is no image 'c'; there is: none" });
    expect(pickImage([], null)).toEqual({ missing: 'there is no active image to boot' });
    expect(pickImage([image('a'), image('a', { id: 'x' })], 'a')).toEqual({
      missing: "there are several images 'a', choose one by its id: id-a, x",
    });
  });
});

describe('a flavor', () => {
  const flavors = [
    flavor('m', 1, 128, 1),
    flavor('s', 1, 64, 1),
    flavor('off', 1, 32, 1, { 'OS-FLV-DISABLED:disabled': true }),
    flavor('l', 2, 32, 0),
  ];

  it('is the smallest by cores, memory and disk that is not disabled', () => {
    expect(nameOf(pickFlavor(flavors, null, image('a')))).toBe('s');
  });

  it('is large enough for the image, where a disk of 0 is as large as it takes', () => {
    expect(nameOf(pickFlavor(flavors, null, image('a', { min_ram: 65 })))).toBe('m');
    expect(nameOf(pickFlavor(flavors, null, image('a', { min_disk: 2 })))).toBe('l');
    expect(nameOf(pickFlavor(flavors, null, image('a', { min_ram: 999, min_disk: 2 })))).toBe(
      'there is no flavor with 999 MB of memory and 2 GB of disk, as image a needs, to boot',
    );
  });

  it('that is asked for is taken as it is', () => {
    expect(nameOf(pickFlavor(flavors, 'l', image('a', { min_ram: 999 })))).toBe('l');
  });
});

describe('a network', () => {
  it('is the only one that has subnets and is not external', () => {
    const networks = [
      network('public', { 'router:external': true }),
      network('bare', { subnets: [] }),
      network('private'),
    ];
    expect(pickNetwork(networks, null, '2.1')).toEqual({ found: { name: 'private', networks: ['id-private'] } });
  });

  it('must be chosen among several', () => {
    expect(pickNetwork([network('a'), network('b')], null, '2.1')).toEqual({
      missing: 'there are several networks, choose one (probes.server-boot.network): a, b',
    });
    expect(pickNetwork([network('a'), network('b')], 'b', '2.1')).toEqual({
      found: { name: 'b', networks: ['id-b'] },
    });
  });

  it('is none where there is none, said as the microversion knows it', () => {
    expect(pickNetwork([], null, '2.36')).toEqual({ found: { name: 'none', networks: null } });
    expect(pickNetwork([], null, '2.37')).toEqual({ found: { name: 'none', networks: 'none' } });
  });

  it("is 'auto' or 'none' from 2.37 on", () => {
    expect(pickNetwork([network('a')], 'auto', '2.93')).toEqual({ found: { name: 'auto', networks: 'auto' } });
    expect(pickNetwork([network('a')], 'none', '2.9')).toEqual({
      missing: "network 'none' needs compute microversion 2.37 or newer, and it is 2.9",
    });
  });
});
