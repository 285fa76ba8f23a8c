import { createServer } from 'node:net';
import { UserError } from '../domain/errors.ts';
import type { EmbeddedCloud } from './cloud.ts';
import type { Urls } from './keystone/identity.ts';
import type { HttpService } from './services.ts';

const MIN_PORT = 12_000;
const MAX_PORT = 32_000;

type Ports = EmbeddedCloud['ports'];

/**
 * Returns the requested ports, and free ones for those that are 0 or not given.
 *
 * @throws UserError if a requested port is in use
 */
export async function choosePorts(requested: Partial<Ports>): Promise<Ports> {
  const taken = new Set<number>();
  const choose = async (name: keyof Ports): Promise<number> => {
    const port = requested[name];
    if (port !== undefined && port !== 0 && (taken.has(port) || !(await isFree(port)))) {
      throw new UserError(
        `port ${port} on 127.0.0.1 (${name}) is in use; choose another one, or 0 for any free port`,
        3,
      );
    }
    const chosen = port === undefined || port === 0 ? await freePort(taken) : port;
    taken.add(chosen);
    return chosen;
  };
  return {
    keystone: await choose('keystone'),
    'nova-api': await choose('nova-api'),
    placement: await choose('placement'),
    glance: await choose('glance'),
    neutron: await choose('neutron'),
    control: await choose('control'),
  };
}

/** Returns the URL of each service for the catalogue. */
export function urlsOf(ports: Ports): Urls {
  const baseUrl = (name: HttpService) => `http://127.0.0.1:${ports[name]}`;
  return {
    keystone: `${baseUrl('keystone')}/v3`,
    'nova-api': `${baseUrl('nova-api')}/v2.1`,
    placement: baseUrl('placement'),
    glance: baseUrl('glance'),
    neutron: baseUrl('neutron'),
  };
}

/**
 * Returns a free port below the kernel's range for outgoing connections (32768 and up). A port in that range may be
 * taken by an outgoing connection while the service is stopped; a client may even connect to itself.
 */
async function freePort(taken: ReadonlySet<number>): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = MIN_PORT + Math.floor(Math.random() * (MAX_PORT - MIN_PORT));
    if (!taken.has(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free port found between ${MIN_PORT} and ${MAX_PORT}`);
}

function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const server = createServer();
  server.once('error', () => resolve(false));
  server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)));
  return promise;
}
