import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer, isIP } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { UserError } from '../domain/errors.ts';

/** Resolves a host name to one address, so that the address that was checked is the one that is bound. */
export async function addressOf(host: string): Promise<string> {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(bare) !== 0) return bare;
  try {
    return (await lookup(bare, { order: 'ipv4first' })).address;
  } catch {
    throw new UserError(
      `cannot listen on '${host}': the name cannot be resolved; it must be an address or a name of this machine`,
    );
  }
}

/** Returns the port if it is free on loopback, otherwise 0, which selects any free port. */
export async function portOrFree(port: number): Promise<number> {
  const probe = createServer();
  try {
    await once(probe.listen(port, '127.0.0.1'), 'listening');
    return port;
  } catch {
    return 0;
  } finally {
    probe.close();
  }
}

/**
 * Returns why a server cannot listen at a host and port, or null. Listens there for a moment.
 *
 * @throws UserError if the host cannot be resolved
 */
export async function listenProblem({ host, port }: { host: string; port: number }): Promise<UserError | null> {
  const address = await addressOf(host);
  const probe = createServer();
  try {
    await once(probe.listen(port, address), 'listening');
    return null;
  } catch (error) {
    const problem = userErrorOf(error, address, port);
    if (problem === null) throw error;
    return problem;
  } finally {
    probe.close();
  }
}

/** Listens at the address and returns the port. */
export async function bind(
  app: FastifyInstance,
  { address, port }: { address: string; port: number },
): Promise<number> {
  try {
    await app.listen({ host: address, port });
  } catch (error) {
    throw userErrorOf(error, address, port) ?? error;
  }
  const bound = app.server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : port;
}

function userErrorOf(error: unknown, address: string, port: number): UserError | null {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  const where = `cannot listen on ${authority(address, port)}`;
  if (code === 'EADDRINUSE') return new UserError(`${where}: the port is in use; port 0 selects a free one`, 3);
  if (code === 'EADDRNOTAVAIL') return new UserError(`${where}: this machine has no such address`);
  if (code === 'EACCES') return new UserError(`${where}: permission denied; ports from 1024 on need no privileges`);
  if (code === 'ERR_SOCKET_BAD_PORT') return new UserError(`${where}: a port is a number from 0 to 65535`);
  return null;
}

const authority = (address: string, port: number): string =>
  isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;

/** Returns the URL that a browser on this machine can open. */
export function urlOf(address: string, port: number): string {
  if (address === '0.0.0.0') return `http://${authority('127.0.0.1', port)}`;
  return `http://${authority(address === '::' ? '::1' : address, port)}`;
}
