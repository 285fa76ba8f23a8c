import type { CloudAccess } from '../../domain/cloud-access.ts';
import { SINGLE_BODY_LIMIT } from '../http/body-limits.ts';
import type { Http } from '../http/http.ts';
import type { HttpLimits } from '../http/http-message.ts';
import { loadBalancerOf } from '../http/load-balancer-page.ts';
import { identityUrl } from '../identity/keystone.ts';
import type { Session } from '../identity/session.ts';
import type { Failed } from '../result.ts';
import { failureTrouble } from './classify.ts';

/** Services that have a version document at the root of their endpoint, which takes no token and asks nobody behind it. */
export type Versioned = 'nova-api' | 'keystone' | 'neutron' | 'glance' | 'placement';

export type Pinged = {
  /** `answers`: the service itself; `silent`: nothing came, or a load balancer answered for it. */
  readonly service: 'answers' | 'silent' | 'unknown';
  /** Nothing at all came in time. */
  readonly timedOut: boolean;
  /** The connection was closed without an answer. */
  readonly reset: Failed | null;
};

export type Ping = (service: Versioned, limits: HttpLimits, signal: AbortSignal) => Promise<Pinged>;

export type PingOptions = { readonly access: CloudAccess; readonly session: Session; readonly http: Http };

/** Asks a service for its version document. */
export function createPing({ access, session, http }: PingOptions): Ping {
  return async (service, limits, signal) => {
    const url = urlOf(service, { access, session });
    if (url === null) return { service: 'unknown', timedOut: false, reset: null };
    const answer = await http.send({
      method: 'GET',
      url,
      headers: { 'User-Agent': 'rollwatch' },
      bodyLimit: SINGLE_BODY_LIMIT,
      limits,
      signal,
    });
    if (answer.type === 'answer') {
      const itself = answer.status < 500 && loadBalancerOf(answer.status, answer.body) === null;
      return { service: itself ? 'answers' : 'silent', timedOut: false, reset: null };
    }
    const ours = answer.kind === 'shutdown' || answer.kind === 'internal' || answer.kind === 'stalled';
    const timedOut = answer.kind === 'response-timeout' || answer.kind === 'connect-timeout';
    const trouble = answer.kind === 'connection-reset' ? failureTrouble(answer, service) : null;
    const reset = trouble?.type === 'failed' ? trouble : null;
    return { service: ours ? 'unknown' : 'silent', timedOut, reset };
  };
}

const TYPES = { 'nova-api': 'compute', neutron: 'network', glance: 'image', placement: 'placement' } as const;

function urlOf(service: Versioned, { access, session }: Pick<PingOptions, 'access' | 'session'>): string | null {
  if (service === 'keystone') return identityUrl(access);
  const endpoint = session.endpoint(TYPES[service]);
  return endpoint === null ? null : versionsUrl(endpoint);
}

/** Where the versions of a service's API are listed: the root of its endpoint. */
export function versionsUrl(endpoint: string): string {
  const version = endpoint.search(/\/v\d/);
  return `${version === -1 ? endpoint : endpoint.slice(0, version)}/`;
}
