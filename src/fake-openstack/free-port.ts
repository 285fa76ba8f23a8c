import { createServer } from 'node:net';

/**
 * A free port below the range from which the kernel takes the ports of outgoing connections (32768 and up). A port
 * from within it may be taken by somebody's connection while the service is stopped, and a client that tries such a
 * port can even be connected to itself instead of being refused.
 */
export async function freePort(taken: ReadonlySet<number>): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = 12_000 + Math.floor(Math.random() * 20_000);
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new Error('no free port found between 12000 and 32000');
}

export function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', () => resolve(false));
  server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)));
  return promise;
}
