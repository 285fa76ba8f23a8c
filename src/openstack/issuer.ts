import type { CloudAccess } from '../domain/cloud-access.ts';
import type { Clock } from '../domain/ports.ts';
import type { Millis } from '../domain/time.ts';
import { type Ask, isKeystonesRefusal, issueToken, type Token } from './keystone.ts';
import type { Failed, Result } from './result.ts';

/** Asks Keystone for tokens in the name of one user. */
export type Issuer = (ask: Ask) => Promise<Result<Token>>;

/** Keystone can be set to lock an account after some refusals (`lockout_failure_attempts`). */
const HOLD = 10_000;

export function createIssuer(access: CloudAccess, clock: Clock): Issuer {
  let refused: { readonly at: Millis; readonly result: Failed } | null = null;
  return async (ask) => {
    const now = clock.now();
    if (refused !== null && now - refused.at < HOLD) {
      const { cause } = refused.result;
      const ago = Math.round((now - refused.at) / 1000);
      const message = `${cause.message} (${ago} s ago; not asked at once again, as accounts are locked for that)`;
      return { ...refused.result, cause: { ...cause, message }, stages: {}, sentAt: now, settledAt: now };
    }
    const result = await issueToken(access, ask);
    const isRefused =
      result.type === 'failed' && result.cause.kind === 'unauthorized' && isKeystonesRefusal(result.cause);
    refused = isRefused ? { at: now, result } : null;
    return result;
  };
}
