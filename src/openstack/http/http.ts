import { Agent as PlainAgent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { CloudAccess } from '../../domain/cloud-access.ts';
import type { Clock } from '../../domain/time.ts';
import { type BodyBudget, createBodyBudget } from '../../http/read-body.ts';
import { exchange } from './exchange.ts';
import type { HttpRequest, HttpResponse, HttpResult } from './http-message.ts';
import { countLostTime } from './lost-time.ts';
import { type Environment, type ProxyUrl, proxyFor } from './proxy.ts';

export type HttpClient = {
  send(request: HttpRequest): Promise<HttpResult>;
  close(): void;
};

export type HttpOptions = {
  readonly clock: Clock;
  readonly tls: CloudAccess['tls'];
  /** `new`: opens a connection for each request; `reused`: keeps connections open. */
  readonly connection: 'new' | 'reused';
  readonly bodies?: BodyBudget;
  /** Read for proxy settings. */
  readonly env?: Environment;
};

/** Shared by all answers that this thread reads at the same time. */
const BODY_BUDGET = createBodyBudget(64 * 1024 * 1024);

export function createHttpClient({
  clock,
  tls,
  connection,
  bodies = BODY_BUDGET,
  env = process.env,
}: HttpOptions): HttpClient {
  const keepAlive = { keepAlive: connection === 'reused', maxFreeSockets: 8 };
  const tlsOptions = {
    rejectUnauthorized: tls.verify,
    ...(tls.ca === null ? {} : { ca: tls.ca }),
    ...(tls.cert === null ? {} : { cert: tls.cert }),
    ...(tls.key === null ? {} : { key: tls.key.reveal() }),
  };
  const agents = new Map<ProxyUrl, Agents>();

  function agentsFor(proxy: ProxyUrl): Agents {
    const existing = agents.get(proxy);
    if (existing !== undefined) return existing;
    const proxyEnv = proxy === null ? {} : { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } };
    const created = {
      http: new PlainAgent({ ...keepAlive, ...proxyEnv }),
      https: new TlsAgent({ ...keepAlive, ...tlsOptions, ...proxyEnv }),
    };
    agents.set(proxy, created);
    return created;
  }

  async function sendOnce(request: HttpRequest): Promise<HttpResult> {
    if (tls.ca === null && request.url.startsWith('https:')) trustSystemCertificates();
    const proxy = URL.canParse(request.url) ? proxyFor(new URL(request.url), env) : null;
    if (proxy !== null && !/^https?:\/\/./i.test(proxy)) return unsupportedProxy(proxy);
    const agentPair = agentsFor(proxy);
    const result = await exchange(request, { agents: agentPair, clock, bodies, proxy });
    // The peer has probably closed the other idle connections as well.
    if (result.type === 'failure' && result.kind === 'stale-connection') closeIdleConnections(agentPair);
    return result;
  }

  function unsupportedProxy(proxy: string): HttpResult {
    const now = clock.now();
    const scheme = proxy.slice(0, proxy.indexOf(':'));
    const message = `unsupported proxy type ${scheme} in the environment; only http and https proxies are supported`;
    return { type: 'failure', kind: 'internal', message, status: null, stages: {}, sentAt: now, endedAt: now };
  }

  return {
    send: (request) => followRedirects(request, sendOnce),
    close() {
      for (const { http, https } of agents.values()) {
        http.destroy();
        https.destroy();
      }
    },
  };
}

type Agents = { readonly http: PlainAgent; readonly https: TlsAgent };

/** The redirects that keystoneauth follows; it repeats method and body for each of them. */
const REDIRECT_STATUSES = [301, 302, 303, 305, 307, 308];
/** A longer chain is a loop: services use two or three at most. */
const MAX_REDIRECTS = 5;

/**
 * Follows redirects within one host. Returns the redirect itself if it leads to another host or from TLS to plain HTTP,
 * as following it would expose the token or password. The time limit covers all requests together.
 */
async function followRedirects(
  request: HttpRequest,
  send: (request: HttpRequest) => Promise<HttpResult>,
): Promise<HttpResult> {
  const lostTime = countLostTime();
  const first = await send(request);
  let result = first;
  let url = request.url;
  for (let count = 0; count < MAX_REDIRECTS; count++) {
    const next = result.type === 'response' && REDIRECT_STATUSES.includes(result.status) ? targetOf(result, url) : null;
    const remainingMs = request.timeouts.response - (result.endedAt - first.sentAt - lostTime.lostMs());
    if (next === null || remainingMs <= 0) break;
    url = next;
    result = await send({ ...request, url, timeouts: { ...request.timeouts, response: remainingMs } });
  }
  lostTime.stop();
  return { ...result, sentAt: first.sentAt };
}

/** Returns the URL that a redirect leads to; null unless it is safe to follow. */
function targetOf({ headers }: HttpResponse, from: string): string | null {
  const { location } = headers;
  if (location === undefined || !URL.canParse(location, from)) return null;
  const [source, target] = [new URL(from), new URL(location, from)];
  const isSafe = target.protocol === source.protocol || target.protocol === 'https:';
  const hasNoUser = target.username === '' && target.password === '';
  return isSafe && hasNoUser && target.hostname === source.hostname ? target.href : null;
}

/**
 * Adds the system's CA certificates to Node's own for this thread. Operators install the cloud's CA in the system's
 * store. By default, other OpenStack clients trust that store or the bundle of the Python library `requests`.
 */
function trustSystemCertificates(): void {
  if (trustsSystemCertificates) return;
  trustsSystemCertificates = true;
  setDefaultCACertificates([...new Set([...getCACertificates('default'), ...getCACertificates('system')])]);
}
let trustsSystemCertificates = false;

function closeIdleConnections(agents: Agents): void {
  for (const agent of [agents.http, agents.https]) {
    for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
  }
}
