import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { FastifyRequest } from 'fastify';
import { isLoopback } from '../domain/network-address.ts';
import { Problem } from './problem.ts';
import type { App } from './route.ts';

type Headers = FastifyRequest['headers'];

/**
 * Protects against DNS rebinding: any site can make its own name resolve to the daemon's address, so that the browser
 * lets its pages read the answers. The Host header then has that name, so only requests for the daemon's own names are
 * answered. An IP address (on loopback, only a loopback address) is accepted too, as it cannot be rebound.
 */
export function createHostCheck({
  loopback,
  listenHost,
  allowedHosts,
}: {
  readonly loopback: boolean;
  readonly listenHost: string;
  readonly allowedHosts: readonly string[];
}): (headers: Headers) => void {
  const own = loopback ? [] : [listenHost, hostname()];
  const names = new Set(['localhost', ...own, ...allowedHosts].map((name) => name.toLowerCase()));
  return ({ host = '' }) => {
    const name = hostName(host);
    if (names.has(name) || (loopback ? isLoopback(name) : isIP(name) !== 0)) return;
    const expected = loopback ? 'localhost, 127.0.0.1, [::1]' : "an address, this machine's name";
    throw new Problem(421, `the Host header must be ${expected} or one of allowed_hosts in rollwatch.yaml`, {
      header: 'Host',
    });
  };
}

/** Returns the name in a Host header, without port, brackets and trailing dot. */
const hostName = (host: string): string => {
  const [, name = ''] = /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec(host) ?? [];
  return name
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
};

/** Returns whether a proxy has forwarded the request: the client may be elsewhere, even if the connection is local. */
const isForwarded = (headers: Headers): boolean =>
  Object.keys(headers).some((name) => PROXY_HEADERS.has(name) || name.startsWith('x-forwarded-'));

const PROXY_HEADERS = new Set([
  'forwarded',
  'via',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-original-host',
  'true-client-ip',
  'cf-connecting-ip',
]);

type WriteGuard = {
  readonly loopback: boolean;
  readonly token: string | null;
  /** Also accepts the token as the password of HTTP Basic authentication. */
  readonly basic?: boolean;
};

/** Guards all routes that write, before their bodies are read. */
export function guardWrites(app: App, guard: WriteGuard): void {
  app.addHook('onRequest', async ({ method, headers }) => {
    if (method !== 'GET' && method !== 'HEAD') checkWrite(headers, guard);
  });
}

/**
 * Throws unless the request is permitted. Browsers send the origin of a request, which keeps pages of other sites from
 * writing on behalf of their visitors; other clients send neither Origin nor Sec-Fetch-Site.
 */
function checkWrite(headers: Headers, { loopback, token, basic = false }: WriteGuard): void {
  const { origin, host, authorization, 'sec-fetch-site': site = 'none' } = headers;
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    throw new Problem(403, 'pages from other origins are not allowed to write', { header: 'Origin' });
  }
  if (site !== 'none' && site !== 'same-origin') {
    throw new Problem(403, 'pages from other origins are not allowed to write', { header: 'Sec-Fetch-Site' });
  }
  const forwarded = isForwarded(headers);
  const local = loopback && !forwarded;
  if (local && authorization === undefined) return;
  if (token === null) {
    if (local) return;
    const reason = loopback ? 'the request came through a proxy' : 'the daemon does not listen on loopback only';
    throw new Problem(403, `writing is disabled: ${reason}, and no write token is configured`);
  }
  const given = bearerOf(authorization) ?? (basic ? passwordOf(authorization) : undefined);
  if (given === undefined || !same(given, token)) {
    throw new Problem(401, "writing needs the header 'Authorization: Bearer TOKEN' with the write token", {
      header: 'Authorization',
    });
  }
}

const bearerOf = (header = ''): string | undefined => /^Bearer +(\S+)$/i.exec(header)?.[1];

/** Reads the password of HTTP Basic authentication; the user is ignored. Grafana API clients without a key use it. */
function passwordOf(header = ''): string | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(header)?.[1];
  return (
    encoded &&
    Buffer.from(encoded, 'base64')
      .toString('utf8')
      .replace(/^[^:]*:/, '')
  );
}

/** Compares in constant time, even if the lengths differ. */
const same = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b));
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
