import { createHash, timingSafeEqual } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { Problem } from './problem.ts';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

export const isLoopback = (address: string): boolean =>
  isIP(address) !== 0 && LOOPBACK.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');

/**
 * On loopback a page of any site may make the browser ask us, by a name of its own that it points to 127.0.0.1
 * (DNS rebinding). Then the Host header has that name.
 */
export function checkHost({ headers }: FastifyRequest): void {
  const host = hostName(headers.host ?? '');
  if (host === 'localhost' || isLoopback(host)) return;
  throw new Problem(421, 'the listener is on loopback: the Host header has to be localhost, 127.0.0.1 or [::1]', {
    header: 'Host',
  });
}

const hostName = (host: string): string => {
  const [, name = ''] = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(host) ?? [];
  return name.replace(/^\[(.*)\]$/, '$1').toLowerCase();
};

/**
 * Lets a write pass or throws. A browser tells where a request comes from, so a foreign page can't write in the name
 * of whoever reads it; what is not a browser sends no Origin.
 */
export function checkWrite(
  { headers }: FastifyRequest,
  { loopback, token, basic = false }: { loopback: boolean; token: string | null; basic?: boolean },
): void {
  const { origin, host, authorization } = headers;
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    throw new Problem(403, 'a page of another origin may not write', { header: 'Origin' });
  }
  if (loopback && authorization === undefined) return;
  if (token === null) {
    if (loopback) return;
    throw new Problem(403, 'writing is off: the listener is not on loopback only, and no write token is configured');
  }
  const given = bearerOf(authorization) ?? (basic ? passwordOf(authorization) : undefined);
  if (given === undefined || !same(given, token)) {
    throw new Problem(401, "writing needs the header 'Authorization: Bearer TOKEN' with the write token", {
      header: 'Authorization',
    });
  }
}

const bearerOf = (header = ''): string | undefined => /^Bearer +(\S+)$/i.exec(header)?.[1];

/** Of HTTP's Basic scheme, whoever the user is: clients of Grafana know no other way without an API key. */
function passwordOf(header = ''): string | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(header)?.[1];
  return (
    encoded &&
    Buffer.from(encoded, 'base64')
      .toString('utf8')
      .replace(/^[^:]*:/, '')
  );
}

/** Takes the same time whatever differs, the length too. */
const same = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
