import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Interval } from '../../../src/domain/time.ts';
import { addLostTime, type Extension, extension } from '../../../src/openstack/http/lost-time.ts';

const BEAT = 50;
/** What is no longer is not counted as a stall, and may delay the writing. */
const SHORT = 3 * BEAT;

/** Stalls of an event loop, in order, with at least 20 ms between two. */
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

/** When the loop gets to what is due at `at`. */
const runsAt = (at: number, stalls: readonly Interval[]): number =>
  stalls.find(({ from, until }) => at >= from && at < until)?.until ?? at;

const stoodWithin = (stalls: readonly Interval[], until: number): number =>
  stalls.reduce((sum, one) => sum + Math.max(0, Math.min(one.until, until) - one.from), 0);

/**
 * A request with a limit, in a loop with these stalls: answered `after` milliseconds after it was written, which is once
 * the loop has run again after `connected`. Timers ring before sockets are read; the verdict is preceded by a read.
 */
function request(
  stalls: readonly Interval[],
  { connected, after, limit }: { connected: number; after: number; limit: number },
) {
  const time = addLostTime(0);
  let beat = 0;
  const lostAt = (now: number): number => {
    for (; runsAt(beat + BEAT, stalls) <= now; beat = runsAt(beat + BEAT, stalls))
      time.beat(runsAt(beat + BEAT, stalls));
    return time.lost(now);
  };
  const answered = runsAt(connected, stalls) + after;
  const granted: number[] = [];
  for (let due = limit; ; ) {
    const now = runsAt(due, stalls);
    if (answered <= now) return { seenAt: runsAt(answered, stalls), verdict: 'answer' } as const;
    const more: Extension = extension(lostAt(now), granted);
    if (more.type !== 'wait') return { seenAt: now, verdict: more.type } as const;
    granted.push(more.millis);
    due = now + more.millis;
  }
}

describe('a time limit', () => {
  it('is never passed by an answer that would have come in time without the stalls', () => {
    const any = fc.record({
      limit: fc.integer({ min: 500, max: 10_000 }),
      share: fc.double({ min: 0, max: 0.999, noNaN: true }),
      connected: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(anyStalls, any, (stalls, { limit, share, connected }) => {
        const after = Math.max(0, limit * share - connected - SHORT);
        expect(['answer', 'exhausted']).toContain(request(stalls, { connected, after, limit }).verdict);
      }),
    );
  });

  it('is over, where nothing comes, once the loop has run for as long, and not before', () => {
    fc.assert(
      fc.property(anyStalls, fc.integer({ min: 500, max: 10_000 }), (stalls, limit) => {
        const { seenAt, verdict } = request(stalls, { connected: 0, after: Infinity, limit });
        if (verdict === 'exhausted') return;
        const missed = stalls.length * SHORT;
        expect(seenAt - stoodWithin(stalls, seenAt)).toBeGreaterThanOrEqual(limit - missed);
      }),
    );
  });

  it('is over for a request that hangs also where our loop stands still for 0.4 s of every 4 s', () => {
    const stalls = Array.from({ length: 20 }, (_, index) => ({
      from: 1000 + index * 4000,
      until: 1400 + index * 4000,
    }));
    const { verdict, seenAt } = request(stalls, { connected: 10, after: Infinity, limit: 10_000 });
    expect(verdict).toBe('over');
    expect(seenAt).toBeGreaterThanOrEqual(11_200);
    expect(seenAt).toBeLessThan(12_500);
  });

  it('ends without a word on the cloud where the loop hardly runs at all', () => {
    const stalls = Array.from({ length: 200 }, (_, index) => ({ from: 20 + index * 1020, until: 1020 + index * 1020 }));
    expect(request(stalls, { connected: 0, after: Infinity, limit: 2000 }).verdict).toBe('exhausted');
  });
});
