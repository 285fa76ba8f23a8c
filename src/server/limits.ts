import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** What clients may hold at once, for each of their addresses and in all, and for how long, in milliseconds. */
export type Limits = {
  readonly connections: Share;
  readonly events: Share;
  readonly downloads: Share;
  /** From a connection's first byte, or the end of the request before, to the end of the headers. */
  readonly headers: number;
  /** To the end of the body. */
  readonly request: number;
  /** How long a connection may be idle within an answer or a request. */
  readonly stall: number;
};

type Share = { readonly total: number; readonly perAddress: number };

/** A proxy's clients share an address. */
export const LIMITS: Limits = {
  connections: { total: 512, perAddress: 256 },
  events: { total: 100, perAddress: 32 },
  downloads: { total: 16, perAddress: 8 },
  headers: 10_000,
  request: 30_000,
  stall: 60_000,
};

/** Whoever holds a slot. */
type Holder = {
  /** The client's address. */
  readonly address: string;
  /** The holder with the highest loses its slot first: the bytes it has not read, for example. */
  burden(): number;
  /** Ends what it was given. */
  drop(): void;
};

export type Slots = {
  /** Takes a slot; returns a function that releases it. */
  take(holder: Holder): () => void;
  readonly held: () => number;
};

/**
 * Bounds what clients hold, for each address and in all. A newcomer always gets a slot: if there is none, the holder with
 * the highest burden loses its own, and among equals the one that has held it longest. So a client that takes slots and
 * never reads locks nobody else out.
 */
export function createSlots({ total, perAddress }: Share): Slots {
  const holders = new Set<Holder>();

  function dropOne(some: readonly Holder[]): void {
    const [first, ...others] = some;
    if (first === undefined) return;
    const most = others.reduce((one, other) => (other.burden() > one.burden() ? other : one), first);
    holders.delete(most);
    most.drop();
  }

  return {
    take(holder) {
      const own = [...holders].filter(({ address }) => address === holder.address);
      if (own.length >= perAddress) dropOne(own);
      else if (holders.size >= total) dropOne([...holders]);
      holders.add(holder);
      return () => holders.delete(holder);
    },
    held: () => holders.size,
  };
}

/** Bounds the connections. An idle one gives way to a new one before one that waits for an answer. */
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
