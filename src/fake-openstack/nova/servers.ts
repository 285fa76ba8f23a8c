import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Flavor, Image } from '../fixtures.ts';
import type { Token } from '../keystone/tokens.ts';
import { moment } from '../moment.ts';
import { type Compute, hostOf } from '../services.ts';

export type Address = { readonly network: string; readonly address: string; readonly mac: string };
export type ServerFault = { readonly code: number; readonly message: string; readonly created: number };

/** A server as Nova's database has it. */
export type Server = {
  readonly id: string;
  readonly name: string;
  readonly projectId: string;
  readonly userId: string;
  flavor: Flavor;
  readonly image: Image;
  /** In GiB: it boots from a volume made of the image; null: from its own disk. */
  readonly volume: number | null;
  readonly description: string | null;
  readonly number: number;
  readonly created: number;
  /** The request that created it, for the log of its actions. */
  readonly requestId: string;
  metadata: Readonly<Record<string, string>>;
  updated: number;
  launched: number | null;
  status: string;
  vmState: string;
  taskState: string | null;
  powerState: number;
  host: Compute | null;
  fault: ServerFault | null;
  addresses: readonly Address[];
  locked: boolean;
  /** The name of a key pair. */
  readonly keyName: string | null;
  /** The id of its server group. */
  readonly group: string | null;
  /** The host on which an administrator wants it. */
  readonly forcedHost: Compute | null;
  /** Names. */
  securityGroups: readonly string[];
  /** What it was before a resize that is neither confirmed nor reverted. */
  before: { readonly flavor: Flavor; readonly host: Compute | null } | null;
};

export type NewServer = Pick<
  Server,
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
export type Change = Partial<
  Pick<
    Server,
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
    | 'before'
  >
>;

export type Servers = {
  add(asked: NewServer, owner: Token): Server;
  get(id: string): Server | undefined;
  /** The newest first. */
  all(): readonly Server[];
  change(server: Server, change: Change): void;
  remove(server: Server): void;
};

export function createServers(): Servers {
  const servers = new Map<string, Server>();
  let number = 0;
  return {
    add(asked, owner) {
      const now = moment();
      const server: Server = {
        ...asked,
        id: randomUUID(),
        projectId: owner.project?.id ?? owner.user.project.id,
        userId: owner.user.id,
        number: ++number,
        created: now,
        updated: now,
        launched: null,
        status: 'BUILD',
        vmState: 'building',
        taskState: 'scheduling',
        powerState: 0,
        host: null,
        fault: null,
        addresses: [],
        locked: false,
        before: null,
      };
      servers.set(server.id, server);
      return server;
    },
    get: (id) => servers.get(id),
    all: () => [...servers.values()].reverse(),
    change(server, change) {
      Object.assign(server, change);
      server.updated = moment();
    },
    remove: (server) => {
      servers.delete(server.id);
    },
  };
}

/** Nova's `hostId`: the same for servers of a project on the same host. */
export const hostId = ({ host, projectId }: Server): string =>
  host === null
    ? ''
    : createHash('sha224')
        .update(projectId + hostOf(host))
        .digest('hex');

/** An address of the network, for the server of that number. */
export function addressOn(network: string, number: number): Address {
  const host = 2 + (number % 65_000);
  const mac = [...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  return { network, address: `10.99.${host >> 8}.${host & 255}`, mac: `fa:16:3e:${mac}` };
}
