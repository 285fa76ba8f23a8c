import type { Clock } from '../../domain/ports.ts';
import type { Millis } from '../../domain/time.ts';
import type { Result } from '../result.ts';
import type { Token } from './keystone.ts';

/** Keeps the token of a cloud's user fresh, with one request at a time however many ask. */
export type TokenKeeper = {
  /** A token that is good as far as we know; waits for one only where there is none. */
  get(signal: AbortSignal): Promise<Result<Token>>;
  /** Another one than `refused`, which a service took no more. */
  renew(refused: Token, signal: AbortSignal): Promise<Result<Token>>;
  /** The latest there was, ended or not. */
  latest(): Token | null;
};

/** A token is renewed when a quarter of its life is left: an outage of Keystone's shorter than that is not ours. */
const MARGIN = 0.25;
/** Nothing is sent with a token that may end on the way. */
const LAST = 5_000;
/** Between two tries to renew a token that is still good. */
const PATIENCE = 5_000;

export function createTokenKeeper(clock: Clock, issue: () => Promise<Result<Token>>): TokenKeeper {
  let current: Token | null = null;
  let issuing: Promise<Result<Token>> | null = null;
  let tried: Millis = Number.NEGATIVE_INFINITY;

  function issueOnce(): Promise<Result<Token>> {
    tried = clock.now();
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

  const left = (token: Token): number => token.issuedAt + token.lifetime - clock.now();
  const ok = (value: Token): Result<Token> => ({ type: 'ok', value, ...here() });
  const here = () => ({ stages: {}, sentAt: clock.now(), settledAt: clock.now(), requestId: null });

  /** The result of a request that someone else may have sent earlier: the caller's own moments, and its own shutdown. */
  async function wait(signal: AbortSignal): Promise<Result<Token>> {
    const wantedAt = clock.now();
    const result = await orShutdown(issueOnce(), signal);
    return result === null
      ? { type: 'void', cause: SHUTDOWN, ...here(), sentAt: wantedAt }
      : { ...result, stages: {}, sentAt: wantedAt };
  }

  return {
    latest: () => current,
    async get(signal) {
      if (current === null || left(current) < Math.min(LAST, current.lifetime * MARGIN)) return wait(signal);
      if (left(current) < current.lifetime * MARGIN && clock.now() - tried > PATIENCE) {
        // The old one does meanwhile; a failure shows when it has ended. A bug of ours is told to who waits for it.
        issueOnce().catch(() => {});
      }
      return ok(current);
    },
    async renew(refused, signal) {
      if (current !== null && current.id !== refused.id) return ok(current);
      return wait(signal);
    },
  };
}

const SHUTDOWN = { kind: 'shutdown', service: 'rollwatch', message: 'we were told to stop' } as const;

/** Null where the signal came first. */
async function orShutdown<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
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
