import { randomUUID } from 'node:crypto';
import { now } from './clock.ts';
import { hexId } from './keystone/identity.ts';

export type Flavor = {
  readonly id: string;
  readonly name: string;
  readonly ram: number;
  readonly disk: number;
  readonly vcpus: number;
  /** Whether any host has enough room. */
  readonly fits: boolean;
};

export type Image = { readonly id: string; readonly name: string; readonly size: number; readonly createdAt: number };

export type Network = {
  readonly id: string;
  readonly name: string;
  readonly subnet: string;
  readonly createdAt: number;
};

/** What servers can be booted from, with the names of the real cloud. */
export type Fixtures = {
  readonly flavors: readonly Flavor[];
  readonly images: readonly Image[];
  readonly network: Network;
  /** The checksum of every image: they all have the same content. */
  readonly checksum: string;
};

export function createFixtures(): Fixtures {
  const createdAt = now();
  const flavor = (name: string, ram: number, disk: number) => ({ id: randomUUID(), name, ram, disk, vcpus: 1 });
  return {
    flavors: [
      { ...flavor('m1.probe', 64, 1), fits: true },
      { ...flavor('m1.probe2', 128, 1), fits: true },
      { ...flavor('m1.nowhere', 64, 10_000_000), fits: false },
    ],
    images: [
      { id: randomUUID(), name: 'probe', size: 29, createdAt },
      { id: randomUUID(), name: 'probe2', size: 29, createdAt },
    ],
    network: { id: randomUUID(), name: 'probe-net', subnet: randomUUID(), createdAt },
    checksum: hexId(),
  };
}
