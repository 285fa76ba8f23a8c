import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Interval } from '../../../src/domain/time.ts';
import { createLostTimeCounter, extendTimeout, type TimeoutExtension } from '../../../src/openstack/http/lost-time.ts';

const BEAT_MS = 50;
/** A shorter stall is not counted, and may delay the write. */
const MAX_UNCOUNTED = 3 * BEAT_MS;

/** Stalls of an event loop in order, at least 20 ms apart. */
const anyStalls = fc
  .array(fc.tuple(fc.integer({ min: 20, max: 3000 }), fc.integer({ min: 0, max: 4000 })), { maxLength: 12 })
  .map((list) => {
    let at = 0;
    return list.map(([pause, lasting]): Interval => {
      const from = at + pause;
      at = from + lasting;
      return { from, until: at };
    });
  });

/** When the loop runs a callback that is due at `at`. */
const runsAt = (at: number, stalls: readonly Interval[]): number =>
  stalls.find(({ from, until }) => at >= from && at < until)?.until ?? at;

const stalledUntil = (stalls: readonly Interval[], until: number): number =>
  stalls.reduce((sum, one) => sum + Math.max(0, Math.min(one.until, until) - one.from), 0);

/**
 * Simulates a request with a limit in a loop with stalls. It is written when the loop runs after `connected`, and
 * answered `after` milliseconds later. Timers fire before sockets are read, but the socket is read before the result is
 * decided.
 */
function request(
  stalls: readonly Interval[],
  { connected, after, limit }: { connected: number; after: number; limit: number },
) {
  const counter = createLostTimeCounter(0);
  let beat = 0;
  const lostAt = (now: number): number => {
    for (; runsAt(beat + BEAT_MS, stalls) <= now; beat = runsAt(beat + BEAT_MS, stalls))
      counter.beat(runsAt(beat + BEAT_MS, stalls));
    return counter.lost(now);
  };
  const answered = runsAt(connected, stalls) + after;
  const granted: number[] = [];
  for (let due = limit; ; ) {
    const now = runsAt(due, stalls);
    if (answered <= now) return { seenAt: runsAt(answered, stalls), result: 'answer' } as const;
    const extension: TimeoutExtension = extendTimeout(lostAt(now), granted);
    if (extension.type !== 'wait') return { seenAt: now, result: extension.type } as const;
    granted.push(extension.millis);
    due = now + extension.millis;
  }
}

describe('a timeout in a loop with stalls', () => {
  it('does not drop an answer that would have arrived in time without the stalls', () => {
    const any = fc.record({
      limit: fc.integer({ min: 500, max: 10_000 }),
      share: fc.double({ min: 0, max: 0.999, noNaN: true }),
      connected: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(anyStalls, any, (stalls, { limit, share, connected }) => {
        const after = Math.max(0, limit * share - connected - MAX_UNCOUNTED);
        expect(['answer', 'exhausted']).toContain(request(stalls, { connected, after, limit }).result);
      }),
    );
  });

  it('ends once the loop has run for the whole limit, not before', () => {
    fc.assert(
      fc.property(anyStalls, fc.integer({ min: 500, max: 10_000 }), (stalls, limit) => {
        const { seenAt, result } = request(stalls, { connected: 0, after: Infinity, limit });
        if (result === 'exhausted') return;
        const missed = stalls.length * MAX_UNCOUNTED;
        expect(seenAt - stalledUntil(stalls, seenAt)).toBeGreaterThanOrEqual(limit - missed);
      }),
    );
  });

  it('ends for a request that hangs although the loop stalls for 0.4 s of every 4 s', () => {
    const stalls = Array.from({ length: 20 }, (_, index) => ({
      from: 1000 + index * 4000,
      until: 1400 + index * 4000,
    }));
    const { result, seenAt } = request(stalls, { connected: 10, after: Infinity, limit: 10_000 });
    expect(result).toBe('over');
    expect(seenAt).toBeGreaterThanOrEqual(11_200);
    expect(seenAt).toBeLessThan(12_500);
  });

  it('is exhausted if the loop hardly runs at all', () => {
    const stalls = Array.from({ length: 200 }, (_, index) => ({ from: 20 + index * 1020, until: 1020 + index * 1020 }));
    expect(request(stalls, { connected: 0, after: Infinity, limit: 2000 }).result).toBe('exhausted');
  });
});
