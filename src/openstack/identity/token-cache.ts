import type { Clock, Millis } from '../../domain/time.ts';
import type { Result } from '../result.ts';
import type { Token } from './keystone.ts';

/** Holds the token of a cloud's user and renews it, with one request at a time for all callers. */
export type TokenCache = {
  /** Returns a token that has not expired; waits for a new one only if there is none. */
  get(signal: AbortSignal): Promise<Result<Token>>;
  /** Returns a token other than `rejected`, which a service did not accept. */
  renew(rejected: Token, signal: AbortSignal): Promise<Result<Token>>;
  /** Returns the latest token, expired or not. */
  latest(): Token | null;
};

/**
 * Tokens are renewed when a quarter of their lifetime is left, so that an outage of Keystone that ends before they
 * expire does not affect other probes.
 */
const RENEWAL_SHARE = 0.25;
/** A token with less time left might expire on the way. */
const MIN_REMAINING_MS = 5_000;
/** The time between two attempts to renew a token that is still valid. */
const RENEWAL_INTERVAL_MS = 5_000;

export function createTokenCache(clock: Clock, issue: () => Promise<Result<Token>>): TokenCache {
  let current: Token | null = null;
  let issuing: Promise<Result<Token>> | null = null;
  let requestedAt: Millis = Number.NEGATIVE_INFINITY;

  function issueOnce(): Promise<Result<Token>> {
    requestedAt = clock.now();
    issuing ??= issue()
      .then((result) => {
        if (result.type === 'ok') current = result.value;
        return result;
      })
      .finally(() => {
        issuing = null;
      });
    return issuing;
  }

  const remainingMs = (token: Token): number => token.issuedAt + token.lifetimeMs - clock.now();
  const ok = (value: Token): Result<Token> => ({ type: 'ok', value, ...timing() });
  const timing = () => ({ stages: {}, sentAt: clock.now(), settledAt: clock.now(), requestId: null });

  /**
   * Waits for a new token. The request may have been sent earlier, for another caller, but the result has this caller's
   * timing, and `signal` ends only this caller's wait.
   */
  async function waitForToken(signal: AbortSignal): Promise<Result<Token>> {
    const sentAt = clock.now();
    const result = await orAborted(issueOnce(), signal);
    return result === null ? { type: 'void', cause: SHUTDOWN, ...timing(), sentAt } : { ...result, stages: {}, sentAt };
  }

  return {
    latest: () => current,
    async get(signal) {
      if (current === null || remainingMs(current) < Math.min(MIN_REMAINING_MS, current.lifetimeMs * RENEWAL_SHARE)) {
        return waitForToken(signal);
      }
      if (
        remainingMs(current) < current.lifetimeMs * RENEWAL_SHARE &&
        clock.now() - requestedAt > RENEWAL_INTERVAL_MS
      ) {
        // The old token is used meanwhile. If renewal fails, the caller that waits once the old token has expired gets
        // the failure.
        issueOnce().catch(() => {});
      }
      return ok(current);
    },
    async renew(rejected, signal) {
      if (current !== null && current.id !== rejected.id) return ok(current);
      return waitForToken(signal);
    },
  };
}

const SHUTDOWN = { kind: 'shutdown', service: 'rollwatch', message: 'Rollwatch is shutting down' } as const;

/** Waits for a promise; returns null if the signal aborts first. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  if (signal.aborted) return null;
  const aborted = Promise.withResolvers<null>();
  const onAbort = () => aborted.resolve(null);
  signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
