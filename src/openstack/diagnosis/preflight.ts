import { Refusal } from '../../domain/user-error.ts';
import type { Cloud } from '../cloud.ts';
import { type Choice, choose, type Wanted } from '../compute/choose.ts';
import { isKeystonesRefusal, wantsMoreFactors } from '../identity/keystone.ts';
import type { Trouble } from '../result.ts';

/** What there is to say of a cloud before it is watched. */
export type Preflight =
  | { readonly type: 'ready'; readonly choice: Choice }
  /**
   * `refusal.exitCode` 2: the user must put it right (credentials, a flavor that isn't there); 3: it can't be reached
   * now, which is what a daemon is there to watch.
   */
  | { readonly type: 'refused'; readonly refusal: Refusal }
  /** Nothing was asked, it asked us to come back later, or we stood still ourselves: nobody can say yet. */
  | { readonly type: 'throttled'; readonly refusal: Refusal };

/** Signs in and looks for what to boot; `wanted` null: only signs in and lists. */
export async function preflight(cloud: Cloud, wanted: Wanted | null, signal: AbortSignal): Promise<Preflight> {
  const options = { limits: cloud.limits, signal };
  const none: Choice = {
    flavor: '',
    image: '',
    volume: null,
    networks: null,
    vcpus: 0,
    names: { flavor: '', image: '', network: '' },
  };
  if (wanted === null) {
    const listed = await cloud.compute(cloud.http).list({ ...options, detail: true, limit: 1 });
    return listed.type === 'ok' ? { type: 'ready', choice: none } : refused(cloud, listed);
  }
  const chosen = await choose(cloud, wanted, options);
  return chosen.type === 'ok' ? { type: 'ready', choice: chosen.value } : refused(cloud, chosen);
}

function refused(cloud: Cloud, trouble: Trouble): Preflight {
  const isOpen = ['throttled', 'rate-limited', 'stalled'].includes(trouble.cause.kind);
  return { type: isOpen ? 'throttled' : 'refused', refusal: refusalOf(cloud, trouble) };
}

export function refusalOf({ access }: Pick<Cloud, 'access'>, { cause }: Trouble): Refusal {
  const { name, auth, authUrl } = access;
  // Keystone answers 404 for an application credential that it doesn't have.
  if (wantsMoreFactors(cause)) return new Refusal(`cloud ${name}: ${cause.message}`);
  const isRefusal =
    cause.kind === 'unauthorized' || (cause.kind === 'not-found' && auth.type === 'application-credential');
  if (isRefusal && isKeystonesRefusal(cause)) {
    const what =
      auth.type === 'application-credential'
        ? 'the application credential (wrong, deleted or expired?)'
        : auth.type === 'token'
          ? 'the token (wrong or expired?)'
          : 'the credentials (user, password, project and their domains)';
    return new Refusal(`cloud ${name}: Keystone at ${authUrl} refuses ${what}: ${cause.message}`);
  }
  if (cause.kind === 'no-resource' || cause.kind === 'no-endpoint')
    return new Refusal(`cloud ${name}: ${cause.message}`);
  // TLS that isn't trusted, a user who may not: nothing that waiting mends.
  const ours =
    cause.kind === 'tls' || (cause.kind === 'forbidden' && cause.service !== 'load-balancer') || cause.status === 406;
  // A page of somebody before it may mean that the address is not Keystone's.
  const behind = cause.service === 'load-balancer' ? ` (auth_url is ${authUrl})` : '';
  const where = cause.service === 'keystone' ? ` at ${authUrl}` : behind;
  if (cause.kind === 'dns') return new Refusal(`cloud ${name}: a name cannot be resolved: ${cause.message}`, 3);
  return new Refusal(`cloud ${name}: ${cause.service}${where} gives ${cause.kind}: ${cause.message}`, ours ? 2 : 3);
}
