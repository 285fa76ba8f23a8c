import type { CloudAccess } from '../../domain/cloud-access.ts';
import type { HttpClient } from '../http/http.ts';
import { type HttpRequest, type HttpResult, type HttpTimeouts, SINGLE_BODY_LIMIT } from '../http/http-message.ts';
import { identityUrl } from '../identity/keystone.ts';
import type { CloudSession } from '../identity/session.ts';
import type { Failed } from '../result.ts';
import { problemFromFailure } from './classify.ts';
import { loadBalancerOf } from './load-balancer-page.ts';

/** Services with a version document at the root of the endpoint, which needs no token and no other service. */
export type PingableService = 'nova-api' | 'keystone' | 'neutron' | 'glance' | 'placement';

/**
 * `answers`: the service itself answered; `silent`: there was no answer, a 5xx, or one of a load balancer in front of
 * the service; `unknown`: its URL is not known yet, or Rollwatch could not ask.
 */
export type Reachability = 'answers' | 'silent' | 'unknown';

export type PingResult = {
  readonly reachability: Reachability;
  readonly timedOut: boolean;
  /** The connection was closed without an answer. */
  readonly reset: Failed | null;
};

export type Ping = (service: PingableService, timeouts: HttpTimeouts, signal: AbortSignal) => Promise<PingResult>;

export type PingOptions = {
  readonly access: CloudAccess;
  readonly session: CloudSession;
  readonly http: HttpClient;
  /** Logs each request. */
  readonly debug: (message: string) => void;
};

/** Returns a function that requests the version document of a service. */
export function createPing({ access, session, http, debug }: PingOptions): Ping {
  return async (service, timeouts, signal) => {
    const url = urlOf(service, { access, session });
    if (url === null) return { reachability: 'unknown', timedOut: false, reset: null };
    const response = await requestVersions(http, { url, timeouts, signal });
    const outcome = response.type === 'response' ? `HTTP ${response.status}` : `${response.kind}: ${response.message}`;
    debug(
      `diagnosis: version document of ${service}: ${outcome} (${Math.round(response.endedAt - response.sentAt)} ms)`,
    );
    if (response.type === 'response') {
      const isService = response.status < 500 && loadBalancerOf(response.status, response.body) === null;
      return { reachability: isService ? 'answers' : 'silent', timedOut: false, reset: null };
    }
    const isVoid = response.kind === 'shutdown' || response.kind === 'internal' || response.kind === 'stalled';
    const timedOut = response.kind === 'response-timeout' || response.kind === 'connect-timeout';
    const problem = response.kind === 'connection-reset' ? problemFromFailure(response, service) : null;
    const reset = problem?.type === 'failed' ? problem : null;
    return { reachability: isVoid ? 'unknown' : 'silent', timedOut, reset };
  };
}

/** Requests a version document, without a token. */
export const requestVersions = (
  http: HttpClient,
  request: Pick<HttpRequest, 'url' | 'timeouts' | 'signal'>,
): Promise<HttpResult> =>
  http.send({ ...request, method: 'GET', headers: { 'User-Agent': 'rollwatch' }, bodyLimit: SINGLE_BODY_LIMIT });

const CATALOGUE_TYPES = {
  'nova-api': 'compute',
  neutron: 'network',
  glance: 'image',
  placement: 'placement',
} as const;

/** Returns the URL of a service's version document; null while the catalogue is not known. */
export function urlOf(
  service: PingableService,
  { access, session }: Pick<PingOptions, 'access' | 'session'>,
): string | null {
  if (service === 'keystone') return identityUrl(access);
  const endpoint = session.endpoint(CATALOGUE_TYPES[service]);
  return endpoint === null ? null : versionsUrl(endpoint);
}

/** Returns the root of an endpoint, where the service lists the versions of its API. */
export function versionsUrl(endpoint: string): string {
  const version = endpoint.search(/\/v\d/);
  return `${version === -1 ? endpoint : endpoint.slice(0, version)}/`;
}
