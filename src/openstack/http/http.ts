import { Agent as PlainAgent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { CloudAccess } from '../../domain/cloud-access.ts';
import type { Clock } from '../../domain/ports.ts';
import { type BodyBudget, createBodyBudget } from '../../http/read-body.ts';
import { exchange } from './exchange.ts';
import type { HttpAnswer, HttpRequest, HttpResult } from './http-message.ts';
import { countLostTime } from './lost-time.ts';
import { type Environment, type ProxyUrl, proxyFor } from './proxy.ts';

export type Http = {
  send(request: HttpRequest): Promise<HttpResult>;
  close(): void;
};

export type HttpOptions = {
  readonly clock: Clock;
  readonly tls: CloudAccess['tls'];
  /** `new`: a connection of its own for each request, closed after it. `reused`: connections are kept. */
  readonly connection: 'new' | 'reused';
  readonly bodies?: BodyBudget;
  /** Names the proxies. */
  readonly env?: Environment;
};

/** All answers that this thread reads at the same time, for all clouds. */
const BODIES = createBodyBudget(64 * 1024 * 1024);

export function createHttp({ clock, tls, connection, bodies = BODIES, env = process.env }: HttpOptions): Http {
  const kept = { keepAlive: connection === 'reused', maxFreeSockets: 8 };
  const trust = {
    rejectUnauthorized: tls.verify,
    ...(tls.ca === null ? {} : { ca: tls.ca }),
    ...(tls.cert === null ? {} : { cert: tls.cert }),
    ...(tls.key === null ? {} : { key: tls.key.reveal() }),
  };
  const agents = new Map<ProxyUrl, Agents>();

  function agentsFor(proxy: ProxyUrl): Agents {
    const known = agents.get(proxy);
    if (known !== undefined) return known;
    const proxyEnv = proxy === null ? {} : { proxyEnv: { HTTP_PROXY: proxy, HTTPS_PROXY: proxy } };
    const made = {
      http: new PlainAgent({ ...kept, ...proxyEnv }),
      https: new TlsAgent({ ...kept, ...trust, ...proxyEnv }),
    };
    agents.set(proxy, made);
    return made;
  }

  async function sendOnce(request: HttpRequest): Promise<HttpResult> {
    if (tls.ca === null && request.url.startsWith('https:')) trustTheSystem();
    const proxy = URL.canParse(request.url) ? proxyFor(new URL(request.url), env) : null;
    if (proxy !== null && !/^https?:\/\/./i.test(proxy)) return noProxy(proxy);
    const used = agentsFor(proxy);
    const result = await exchange(request, { agents: used, clock, bodies, proxy });
    // What else is kept was closed by the other side as well, most likely: the next request opens its own.
    if (result.type === 'failure' && result.kind === 'stale-connection') dropIdle(used);
    return result;
  }

  function noProxy(proxy: string): HttpResult {
    const now = clock.now();
    const scheme = proxy.slice(0, proxy.indexOf(':'));
    const message = `the environment names a proxy of type ${scheme}; only http and https proxies can be used`;
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

/** As keystoneauth has it, which repeats the method and the body with each of them. */
const REDIRECTS = [301, 302, 303, 305, 307, 308];
/** A chain that is longer is a loop: no service has one of more than two or three. */
const MOST_REDIRECTS = 5;

/**
 * Follows redirects within one host. The token and the password go to no other host, and not from TLS to plain HTTP:
 * there the redirect is the answer. All together have the time of one request.
 */
async function followRedirects(
  request: HttpRequest,
  send: (request: HttpRequest) => Promise<HttpResult>,
): Promise<HttpResult> {
  const lostTime = countLostTime();
  const first = await send(request);
  let result = first;
  let url = request.url;
  for (let count = 0; count < MOST_REDIRECTS; count++) {
    const next = result.type === 'answer' && REDIRECTS.includes(result.status) ? targetOf(result, url) : null;
    const left = request.limits.response - (result.endedAt - first.sentAt - lostTime.lost());
    if (next === null || left <= 0) break;
    url = next;
    result = await send({ ...request, url, limits: { ...request.limits, response: left } });
  }
  lostTime.stop();
  return { ...result, sentAt: first.sentAt };
}

function targetOf({ headers }: HttpAnswer, from: string): string | null {
  const { location } = headers;
  if (location === undefined || !URL.canParse(location, from)) return null;
  const [source, target] = [new URL(from), new URL(location, from)];
  const isSafe = target.protocol === source.protocol || target.protocol === 'https:';
  const isPlain = target.username === '' && target.password === '';
  return isSafe && isPlain && target.hostname === source.hostname ? target.href : null;
}

/**
 * Besides the authorities that Node brings, this thread takes those of the system, where an operator puts the cloud's
 * own: what other OpenStack clients trust by default is one of these, requests' own bundle or the system's.
 */
function trustTheSystem(): void {
  if (systemIsTrusted) return;
  systemIsTrusted = true;
  setDefaultCACertificates([...new Set([...getCACertificates('default'), ...getCACertificates('system')])]);
}
let systemIsTrusted = false;

function dropIdle(agents: Agents): void {
  for (const agent of [agents.http, agents.https]) {
    for (const idle of Object.values(agent.freeSockets)) for (const socket of idle ?? []) socket.destroy();
  }
}
