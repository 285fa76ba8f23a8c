import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** How many slots clients may hold, per address and in total, and how slow they may be, in milliseconds. */
export type Limits = {
  readonly connections: Share;
  readonly events: Share;
  readonly downloads: Share;
  /** The most time from the start of a connection or request to the end of its headers. */
  readonly headers: number;
  /** The most time from the start of a request to the end of its body. */
  readonly request: number;
  /** How long a connection may be idle within an answer or a request. */
  readonly stall: number;
};

type Share = { readonly total: number; readonly perAddress: number };

/** High enough per address for a proxy, whose clients share its address. */
export const LIMITS: Limits = {
  connections: { total: 512, perAddress: 256 },
  events: { total: 100, perAddress: 32 },
  downloads: { total: 16, perAddress: 8 },
  headers: 10_000,
  request: 30_000,
  stall: 60_000,
};

/** The holder of a slot. */
type Holder = {
  /** The client's address. */
  readonly address: string;
  /** Returns, for example, the number of unread bytes. The holder with the highest burden loses its slot first. */
  burden(): number;
  /** Ends the stream or connection of the holder. */
  drop(): void;
};

export type Slots = {
  /** Takes a slot; returns a function that releases it. */
  take(holder: Holder): () => void;
  readonly held: () => number;
};

/**
 * Limits the slots that clients hold, per address and in total. A new client always gets a slot: if none is free, the
 * holder with the highest burden loses its slot, and among equals the one that has held it longest. A client that takes
 * slots and never reads therefore cannot lock out others.
 */
export function createSlots({ total, perAddress }: Share): Slots {
  const holders = new Set<Holder>();

  function dropMostBurdened([first, ...others]: readonly Holder[]): void {
    if (first === undefined) return;
    const dropped = others.reduce((most, other) => (other.burden() > most.burden() ? other : most), first);
    holders.delete(dropped);
    dropped.drop();
  }

  return {
    take(holder) {
      const sameAddress = [...holders].filter(({ address }) => address === holder.address);
      if (sameAddress.length >= perAddress) dropMostBurdened(sameAddress);
      else if (holders.size >= total) dropMostBurdened([...holders]);
      holders.add(holder);
      return () => holders.delete(holder);
    },
    held: () => holders.size,
  };
}

/** Limits the connections. To admit a new connection, an idle one is closed before one that waits for an answer. */
export function limitConnections({ server }: Pick<FastifyInstance, 'server'>, share: Limits['connections']): void {
  const slots = createSlots(share);
  const busy = new Map<Socket, number>();
  server.on('connection', (socket: Socket) => {
    busy.set(socket, 0);
    const release = slots.take({
      address: socket.remoteAddress ?? '',
      burden: () => (busy.get(socket) === 0 ? 1 : 0),
      drop: () => socket.destroy(),
    });
    socket.on('close', () => {
      busy.delete(socket);
      release();
    });
  });
  server.on('request', ({ socket }, response) => {
    const count = (by: number) => busy.set(socket, (busy.get(socket) ?? 0) + by);
    count(1);
    response.on('close', () => busy.has(socket) && count(-1));
  });
}
