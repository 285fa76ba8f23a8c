import { UserError } from '../../domain/errors.ts';
import type { Cloud } from '../cloud.ts';
import { type BootChoice, type BootPreferences, chooseBootCandidate } from '../compute/boot-candidates.ts';
import { isKeystoneRejection, isMultiFactorRequired } from '../identity/keystone.ts';
import type { Problem } from '../result.ts';

/** The result of checking a cloud before it is watched. */
export type Preflight =
  | { readonly type: 'ready'; readonly choice: BootChoice }
  /** Exit code 2: the user must fix it (credentials, a missing flavor); 3: unreachable, which a daemon can watch. */
  | { readonly type: 'refused'; readonly userError: UserError }
  /** Unknown for now: throttled, rate-limited or stalled. */
  | { readonly type: 'throttled'; readonly userError: UserError };

/** Authenticates and chooses what to boot; only authenticates and lists servers if `wanted` is null. */
export async function preflight(cloud: Cloud, wanted: BootPreferences | null, signal: AbortSignal): Promise<Preflight> {
  const options = { timeouts: cloud.timeouts, signal };
  const noChoice: BootChoice = {
    flavor: '',
    image: '',
    volume: null,
    networks: null,
    vcpus: 0,
    names: { flavor: '', image: '', network: '' },
  };
  if (wanted === null) {
    const listed = await cloud.compute(cloud.http).list({ ...options, detail: true, limit: 1 });
    return listed.type === 'ok' ? { type: 'ready', choice: noChoice } : refused(cloud, listed);
  }
  const chosen = await chooseBootCandidate(cloud, wanted, options);
  return chosen.type === 'ok' ? { type: 'ready', choice: chosen.value } : refused(cloud, chosen);
}

function refused(cloud: Cloud, problem: Problem): Preflight {
  const isUnknown = ['throttled', 'rate-limited', 'stalled'].includes(problem.cause.kind);
  return { type: isUnknown ? 'throttled' : 'refused', userError: userErrorOf(cloud, problem) };
}

/** Returns a one-line error for the user, with exit code 2 if the user must fix it and 3 if waiting may help. */
export function userErrorOf({ access }: Pick<Cloud, 'access'>, { cause }: Problem): UserError {
  const { name, auth, authUrl } = access;
  if (isMultiFactorRequired(cause)) return new UserError(`cloud ${name}: ${cause.message}`);
  // Keystone answers 404 to an unknown application credential.
  const isRejected =
    cause.kind === 'unauthorized' || (cause.kind === 'not-found' && auth.type === 'application-credential');
  if (isRejected && isKeystoneRejection(cause)) {
    const subject =
      auth.type === 'application-credential'
        ? 'the application credential (wrong, deleted or expired?)'
        : auth.type === 'token'
          ? 'the token (wrong or expired?)'
          : 'the credentials (user, password, project and their domains)';
    return new UserError(`cloud ${name}: Keystone at ${authUrl} rejects ${subject}: ${cause.message}`);
  }
  if (cause.kind === 'no-resource' || cause.kind === 'no-endpoint') {
    return new UserError(`cloud ${name}: ${cause.message}`);
  }
  // Waiting does not fix untrusted TLS or missing permissions.
  const isPermanent =
    cause.kind === 'tls' || (cause.kind === 'forbidden' && cause.service !== 'load-balancer') || cause.status === 406;
  // A load balancer's page may mean that auth_url is wrong.
  const hint = cause.service === 'load-balancer' ? ` (auth_url is ${authUrl})` : '';
  const where = cause.service === 'keystone' ? ` at ${authUrl}` : hint;
  if (cause.kind === 'dns') return new UserError(`cloud ${name}: cannot resolve a host name: ${cause.message}`, 3);
  return new UserError(`cloud ${name}: ${cause.service}${where}: ${cause.kind}: ${cause.message}`, isPermanent ? 2 : 3);
}
