import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAccount } from '../../../src/domain/downtime/series-state.ts';
import type { Sample } from '../../../src/domain/sample.ts';
import { failedSample, okSample, SERIES, voidSample } from '../../support/samples.ts';

/** Any samples of one session, one a second, each taking up to 20 s. */
const anySamples = fc
  .array(fc.record({ letter: fc.constantFrom('o', 'f', 'h', 'v'), took: fc.integer({ min: 0, max: 20_000 }) }), {
    maxLength: 60,
  })
  .map((list) =>
    list.map(({ letter, took }, seq): Sample => {
      const place = { seq, at: (seq + 1) * 1000 };
      if (letter === 'o') return okSample(place, took);
      if (letter === 'v') return voidSample(place, took);
      return failedSample(place, { took, hung: letter === 'h' });
    }),
  );

/** Moments and times in milliseconds. */
type Stop = {
  readonly at: number;
  readonly kill: boolean;
  /** From the signal to the exit. */
  readonly queued: number;
  readonly back: number;
  readonly latencies: readonly number[];
};

const book = (samples: readonly Sample[], now: number) => {
  const account = createAccount(SERIES, 0);
  for (const sample of samples) account.accept(sample);
  return { summary: account.summary(now), windows: account.windows(now), gaps: account.gaps(now) };
};

describe('the account of a series', () => {
  it('says the same whatever the order in which the samples ended', () => {
    fc.assert(
      fc.property(anySamples, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (samples, keys) => {
        const shuffled = samples
          .map((sample) => ({ sample, key: keys.next().value }))
          .sort((a, b) => a.key - b.key)
          .map(({ sample }) => sample);
        expect(book(shuffled, 100_000)).toEqual(book(samples, 100_000));
      }),
    );
  });

  it('never has a minimum above the estimate, nor an estimate above the maximum', () => {
    fc.assert(
      fc.property(anySamples, (samples) => {
        const { summary, windows } = book(samples, 100_000);
        for (const { min, estimate, max } of [
          summary.downtime,
          summary.degraded,
          ...windows.map((one) => one.duration),
        ]) {
          expect(min).toBeGreaterThanOrEqual(0);
          expect(estimate).toBeGreaterThanOrEqual(min);
          expect(max).toBeGreaterThanOrEqual(estimate - 1e-9);
        }
      }),
    );
  });

  it('counts every moment as up, down or unobserved, once', () => {
    fc.assert(
      fc.property(anySamples, (samples) => {
        const { observed, unobserved, downtime } = book(samples, 100_000).summary;
        expect(observed + unobserved).toBeCloseTo(100, 6);
        expect(downtime.estimate).toBeLessThanOrEqual(observed + 1e-9);
      }),
    );
  });

  it('holds the true outage inside the brackets, for any outage and any answer time', () => {
    const outage = fc.record({
      from: fc.double({ min: 2000, max: 20_000, noNaN: true }),
      lasting: fc.double({ min: 1400, max: 8000, noNaN: true }),
      latency: fc.array(fc.double({ min: 0, max: 300, noNaN: true }), { minLength: 40, maxLength: 40 }),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(outage, ({ from, lasting, latency, at }) => {
        const until = from + lasting;
        // The server decides somewhere between the sending and the end of each request.
        const samples = latency.map((took, seq) => {
          const place = { seq, at: (seq + 1) * 1000 };
          const decided = place.at + took * at;
          return decided >= from && decided < until ? failedSample(place, { took }) : okSample(place, took);
        });
        const [window] = book(samples, 60_000).windows.filter((one) => one.kind === 'down');
        expect(window?.start.earliest).toBeLessThanOrEqual(from);
        expect(window?.start.latest).toBeGreaterThanOrEqual(from);
        expect(window?.end?.earliest).toBeLessThanOrEqual(until);
        expect(window?.end?.latest).toBeGreaterThanOrEqual(until);
        expect(window?.duration.min).toBeLessThanOrEqual(lasting / 1000);
        expect(window?.duration.max).toBeGreaterThanOrEqual(lasting / 1000);
      }),
    );
  });

  /**
   * A service that answers within `latency`, at 1 Hz. SIGTERM: it takes nothing from its queue any more, and resets what
   * waits there when it exits. SIGKILL: what it has in hand is reset. Then it refuses until it is back.
   */
  const stopped = (stop: Stop): readonly Sample[] =>
    stop.latencies.map((latency, seq) => {
      const place = { seq, at: (seq + 1) * 1000 };
      const exit = stop.at + stop.queued;
      if (place.at >= exit && place.at < stop.back) return failedSample(place, { took: 1 });
      const isLost = stop.kill ? place.at < exit && place.at + latency >= exit : place.at >= stop.at && place.at < exit;
      return isLost
        ? failedSample(place, { took: exit - place.at, kind: 'connection-reset' })
        : okSample(place, latency);
    });

  const anyStop = fc
    .record({
      at: fc.double({ min: 8000, max: 20_000, noNaN: true }),
      kill: fc.boolean(),
      wait: fc.double({ min: 0, max: 8000, noNaN: true }),
      usual: fc.double({ min: 1, max: 900, noNaN: true }),
      parts: fc.array(fc.double({ min: 1, max: 2, noNaN: true }), { minLength: 40, maxLength: 40 }),
    })
    .map(({ at, kill, wait, usual, parts }): Stop => {
      const queued = kill ? 0 : wait;
      return { at, kill, queued, back: at + queued + 3000, latencies: parts.map((part) => part * usual) };
    });

  it('holds the start of a stop inside its bracket, graceful or not', () => {
    fc.assert(
      fc.property(anyStop, (stop) => {
        const [window] = book(stopped(stop), 60_000).windows.filter((one) => one.kind === 'down');
        expect(window?.start.earliest).toBeLessThanOrEqual(stop.at);
        expect(window?.start.latest).toBeGreaterThanOrEqual(stop.at);
        expect(window?.end?.latest).toBeGreaterThanOrEqual(stop.back);
      }),
    );
  });

  it.each([
    { what: 'graceful stops of a second', kill: false, queued: 1000 },
    { what: 'graceful stops of a quarter of a second', kill: false, queued: 250 },
    { what: 'graceful stops that take long', kill: false, queued: 6600 },
    { what: 'kills', kill: true, queued: 0 },
  ])('finds the start of $what within half a second, without bias', ({ kill, queued }) => {
    const errors: number[] = [];
    for (let at = 10_005; at < 11_000; at += 10) {
      const stop = { at, kill, queued, back: at + queued + 3000, latencies: Array.from({ length: 40 }, () => 15) };
      const [window] = book(stopped(stop), 60_000).windows;
      errors.push((window?.start.estimate ?? Number.NaN) - at);
    }
    // A request is in hand for 15 ms.
    expect(Math.max(...errors.map(Math.abs))).toBeLessThanOrEqual(515);
    expect(Math.abs(errors.reduce((sum, one) => sum + one, 0) / errors.length)).toBeLessThanOrEqual(20);
  });

  it('marks as provisional what a sample under way may still change', () => {
    const account = createAccount(SERIES, 0);
    account.accept(okSample({ seq: 0, at: 1000 }));
    account.sent(1, 2000, '');
    account.accept(failedSample({ seq: 2, at: 3000 }));
    expect(account.windows(3100)).toMatchObject([{ provisional: true, start: { earliest: 1000 } }]);
    account.accept(okSample({ seq: 1, at: 2000 }, 1500));
    expect(account.windows(3600)).toMatchObject([
      { kind: 'degraded' },
      { provisional: false, start: { earliest: 2000 } },
    ]);
  });

  it('does not call time unobserved while a sample of it waits for its answer', () => {
    const account = createAccount(SERIES, 0);
    account.accept(okSample({ seq: 0, at: 1000 }));
    account.sent(1, 2000, 'no answer');
    expect(account.gaps(6000)).toEqual([]);
    expect(account.state(6000)).toMatchObject({ state: 'up', pending: { since: 2000 } });
  });

  it('keeps extra samples out of the counts and the latencies', () => {
    const account = createAccount(SERIES, 0);
    account.accept(failedSample({ seq: 0, at: 1000 }));
    account.accept(failedSample({ seq: 1, at: 1100, extra: true }));
    account.accept(okSample({ seq: 2, at: 1200, extra: true }, 700));
    account.accept(okSample({ seq: 3, at: 2000 }, 500));
    expect(account.summary(2500).samples).toEqual({ ok: 1, failed: 1, void: 0, missed: 0, extra: 2 });
    expect(account.summary(2500).latency).toEqual({ p50: 0.5, p95: 0.5, p99: 0.5, max: 0.5 });
  });

  it('counts the time between two sessions as unobserved and goes on with an open window', () => {
    const account = createAccount(SERIES, 0);
    account.accept(okSample({ seq: 0, at: 1000 }));
    account.accept(failedSample({ seq: 1, at: 2000 }));
    account.endSession(2400);
    account.beginSession(SERIES);
    account.accept(failedSample({ seq: 0, at: 60_000, session: 2 }));
    account.accept(okSample({ seq: 1, at: 61_000, session: 2 }));
    expect(account.gaps(61_100)).toEqual([{ from: 2400, until: 60_000 }]);
    const [window, ...more] = account.windows(61_100);
    expect(more).toEqual([]);
    expect(window?.duration).toEqual({ min: 0.4, estimate: 1.4, max: 60 });
  });

  it('never has more unobserved time than time, also after the wall clock was set back', () => {
    const account = createAccount(SERIES, 10_000);
    account.accept(okSample({ seq: 0, at: 11_000 }));
    account.endSession(11_100);
    account.beginSession(SERIES);
    account.accept(okSample({ seq: 0, at: 40_000, session: 2 }));
    account.endSession(40_100);
    account.beginSession(SERIES);
    account.accept(okSample({ seq: 0, at: 13_000, session: 3 }));
    account.endSession(14_000);
    const { observed, unobserved } = account.summary(20_000);
    expect([observed, unobserved]).toEqual([1.1, 2.9]);
  });

  it('closes the window at the first ok sample of the next session, with a bracket as wide as the gap', () => {
    const account = createAccount(SERIES, 0);
    account.accept(okSample({ seq: 0, at: 1000 }));
    account.accept(failedSample({ seq: 1, at: 2000 }));
    account.endSession(2400);
    account.beginSession(SERIES);
    account.accept(okSample({ seq: 0, at: 60_000, session: 2 }));
    expect(account.windows(61_000)[0]?.end).toEqual({ earliest: 2000, estimate: 31_000, latest: 60_000 });
  });
});
