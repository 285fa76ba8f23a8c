import { stalledFor } from '../domain/downtime/stalls.ts';
import type { Sample } from '../domain/sample.ts';
import type { Millis } from '../domain/time.ts';

/**
 * Whether to look more often: from a failure that came back at once until a sample sent later is anything else, for at
 * most `limit` milliseconds. A service that refuses, resets or answers with an error at once has nothing to lose by it;
 * one that hangs, is slow to fail or asks for fewer requests would be kept down.
 */
export type Failing = {
  note(sample: Sample): void;
  isNow(now: Millis): boolean;
};

/** Keystone's middleware, for one, takes 3.5 s to give a 503, and a worker of Nova's for that long. */
const AT_ONCE_MS = 500;

export function createFailing(limit: number): Failing {
  let latest = -1;
  let since: Millis | null = null;
  return {
    note(sample) {
      if (sample.seq < latest) return;
      if (sample.outcome === 'void' && sample.cause.kind !== 'rate-limited') return;
      latest = sample.seq;
      if (isSharp(sample)) since ??= sample.endedAt;
      else since = null;
    },
    isNow: (now) => since !== null && now - since < limit,
  };
}

const isSharp = (sample: Sample): boolean =>
  sample.outcome === 'failed' && !sample.hung && sample.settledAt - sample.brokeAt - stalledFor(sample) < AT_ONCE_MS;
