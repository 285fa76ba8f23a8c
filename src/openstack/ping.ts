import type { CloudAccess } from '../domain/cloud-access.ts';
import { SINGLE_BODY_LIMIT } from './body-limits.ts';
import type { Http } from './http.ts';
import { identityUrl } from './keystone.ts';
import { loadBalancerOf } from './load-balancer-page.ts';
import type { Pilot, Suspect } from './second-look.ts';
import type { Session } from './session.ts';

const LIMITS = { connect: 1_000, response: 2_000 };

export type PingOptions = { readonly access: CloudAccess; readonly session: Session; readonly http: Http };

/** Asks a service for its version document, which takes no token and nobody behind it. */
export function createPing({ access, session, http }: PingOptions) {
  return async (suspect: Suspect, signal: AbortSignal): Promise<Pilot> => {
    const url = urlOf(suspect, { access, session });
    if (url === null) return 'unknown';
    const answer = await http.send({
      method: 'GET',
      url,
      headers: { 'User-Agent': 'rollwatch' },
      bodyLimit: SINGLE_BODY_LIMIT,
      limits: LIMITS,
      signal,
    });
    if (answer.type === 'answer') {
      return answer.status < 500 && loadBalancerOf(answer.status, answer.body) === null ? 'answers' : 'silent';
    }
    return answer.kind === 'shutdown' || answer.kind === 'internal' ? 'unknown' : 'silent';
  };
}

const TYPES = { neutron: 'network', glance: 'image', placement: 'placement' } as const;

function urlOf(suspect: Suspect, { access, session }: Pick<PingOptions, 'access' | 'session'>): string | null {
  if (suspect === 'keystone') return identityUrl(access);
  const endpoint = session.endpoint(TYPES[suspect]);
  if (endpoint === null) return null;
  const version = endpoint.search(/\/v\d/);
  return `${version === -1 ? endpoint : endpoint.slice(0, version)}/`;
}
