import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { now } from '../clock.ts';
import type { Flavor, Image } from '../fixtures.ts';
import type { IssuedToken } from '../keystone/tokens.ts';
import { type ComputeService, hostOf } from '../services.ts';

export type Address = { readonly network: string; readonly address: string; readonly mac: string };
export type ServerFault = { readonly code: number; readonly message: string; readonly created: number };

/** A server as in Nova's database. */
export type FakeServer = {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  readonly userId: string;
  flavor: Flavor;
  readonly image: Image;
  /** Size in GiB of the volume that the server boots from; null if it boots from a local disk. */
  readonly volume: number | null;
  readonly description: string | null;
  readonly number: number;
  readonly created: number;
  /** Id of the request that created the server, for its action log. */
  readonly requestId: string;
  metadata: Readonly<Record<string, string>>;
  updated: number;
  launched: number | null;
  status: string;
  vmState: string;
  taskState: string | null;
  powerState: number;
  host: ComputeService | null;
  fault: ServerFault | null;
  addresses: readonly Address[];
  locked: boolean;
  /** The name of a key pair. */
  readonly keyName: string | null;
  /** The id of its server group. */
  readonly group: string | null;
  /** The host that an administrator requested. */
  readonly forcedHost: ComputeService | null;
  /** The names of its security groups. */
  securityGroups: readonly string[];
  /** Flavor and host before a resize that is neither confirmed nor reverted. */
  beforeResize: { readonly flavor: Flavor; readonly host: ComputeService | null } | null;
};

export type NewServer = Pick<
  FakeServer,
  | 'name'
  | 'flavor'
  | 'image'
  | 'volume'
  | 'description'
  | 'metadata'
  | 'requestId'
  | 'keyName'
  | 'group'
  | 'forcedHost'
  | 'securityGroups'
>;
export type ServerChange = Partial<
  Pick<
    FakeServer,
    | 'status'
    | 'vmState'
    | 'taskState'
    | 'powerState'
    | 'host'
    | 'fault'
    | 'addresses'
    | 'launched'
    | 'locked'
    | 'metadata'
    | 'flavor'
    | 'securityGroups'
    | 'beforeResize'
  >
>;

export type Servers = {
  add(newServer: NewServer, owner: IssuedToken): FakeServer;
  get(id: string): FakeServer | undefined;
  /** Returns all servers, newest first. */
  all(): readonly FakeServer[];
  change(server: FakeServer, change: ServerChange): void;
  remove(server: FakeServer): void;
};

export function createServers(): Servers {
  const servers = new Map<string, FakeServer>();
  let number = 0;
  return {
    add(newServer, owner) {
      const created = now();
      const server: FakeServer = {
        ...newServer,
        id: randomUUID(),
        projectId: owner.project?.id ?? owner.user.project.id,
        userId: owner.user.id,
        number: ++number,
        created,
        updated: created,
        launched: null,
        status: 'BUILD',
        vmState: 'building',
        taskState: 'scheduling',
        powerState: 0,
        host: null,
        fault: null,
        addresses: [],
        locked: false,
        beforeResize: null,
      };
      servers.set(server.id, server);
      return server;
    },
    get: (id) => servers.get(id),
    all: () => [...servers.values()].reverse(),
    change(server, change) {
      Object.assign(server, change);
      server.updated = now();
    },
    remove: (server) => {
      servers.delete(server.id);
    },
  };
}

/** Returns Nova's `hostId`: the same for servers of one project on the same host. */
export const hostId = ({ host, projectId }: FakeServer): string =>
  host === null
    ? ''
    : createHash('sha224')
        .update(projectId + hostOf(host))
        .digest('hex');

/** Returns an address on `network` for the server with that number. */
export function addressOn(network: string, number: number): Address {
  const host = 2 + (number % 65_000);
  const mac = [...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  return { network, address: `10.99.${host >> 8}.${host & 255}`, mac: `fa:16:3e:${mac}` };
}
