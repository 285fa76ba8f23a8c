import type { Sample } from '../domain/sample.ts';
import type { Millis } from '../domain/time.ts';

/** Whether to look more often: from a failure on until a sample sent later is ok, for at most `limit` milliseconds. */
export type Failing = {
  note(sample: Sample): void;
  isNow(now: Millis): boolean;
};

export function createFailing(limit: number): Failing {
  let latest = -1;
  let since: Millis | null = null;
  return {
    note(sample) {
      if (sample.outcome === 'void' || sample.seq < latest) return;
      latest = sample.seq;
      if (sample.outcome === 'ok') since = null;
      else since ??= sample.endedAt;
    },
    isNow: (now) => since !== null && now - since < limit,
  };
}
