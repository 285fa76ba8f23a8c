import type { CloudAccess } from '../../domain/cloud-access.ts';
import type { Clock } from '../../domain/ports.ts';
import type { Millis } from '../../domain/time.ts';
import type { Result } from '../result.ts';
import { type Ask, isKeystonesRefusal, issueToken, type Token } from './keystone.ts';

/** Asks Keystone for tokens in the name of one user. What is not asked is void: only an answer says anything of Keystone. */
export type Issuer = (ask: Ask) => Promise<Result<Token>>;

/** Keystone can be set to lock an account after some refusals (`lockout_failure_attempts`). */
const REFUSED_PAUSE_MS = 10_000;

export function createIssuer(access: CloudAccess, clock: Clock): Issuer {
  let refused: { readonly at: Millis; readonly message: string } | null = null;
  return async (ask) => {
    const now = clock.now();
    if (refused !== null && now - refused.at < REFUSED_PAUSE_MS) {
      const ago = ((now - refused.at) / 1000).toFixed(1);
      const message = `not asked again ${ago} s after a refusal, as accounts are locked for that: ${refused.message}`;
      const cause = { kind: 'throttled', service: 'rollwatch', message } as const;
      return { type: 'void', cause, stages: {}, sentAt: now, settledAt: now, requestId: null };
    }
    const result = await issueToken(access, ask);
    const isRefused =
      result.type === 'failed' && result.cause.kind === 'unauthorized' && isKeystonesRefusal(result.cause);
    refused = isRefused ? { at: now, message: result.cause.message } : null;
    return result;
  };
}
