import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSeriesState } from '../../../src/domain/downtime/series-state.ts';
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
      return failedSample(place, { took, timedOut: letter === 'h' });
    }),
  );

/** A stop or kill of a service; times in milliseconds. */
type Stop = {
  readonly at: number;
  readonly kill: boolean;
  /** From the signal to the exit of the process. */
  readonly queued: number;
  readonly back: number;
  readonly latencies: readonly number[];
};

const replay = (samples: readonly Sample[], now: number) => {
  const state = createSeriesState(SERIES, 0);
  for (const sample of samples) state.accept(sample);
  return { summary: state.totals(now), windows: state.windows(now), gaps: state.gaps(now) };
};

describe('the state of a series', () => {
  it('does not depend on the order in which the samples ended', () => {
    fc.assert(
      fc.property(anySamples, fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (samples, keys) => {
        const shuffled = samples
          .map((sample) => ({ sample, key: keys.next().value }))
          .sort((a, b) => a.key - b.key)
          .map(({ sample }) => sample);
        expect(replay(shuffled, 100_000)).toEqual(replay(samples, 100_000));
      }),
    );
  });

  it('has a minimum below the estimate, and an estimate below the maximum', () => {
    fc.assert(
      fc.property(anySamples, (samples) => {
        const { summary, windows } = replay(samples, 100_000);
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

  it('counts all time exactly once, as up, down or unobserved', () => {
    fc.assert(
      fc.property(anySamples, (samples) => {
        const { observed, unobserved, downtime } = replay(samples, 100_000).summary;
        expect(observed + unobserved).toBeCloseTo(100, 6);
        expect(downtime.estimate).toBeLessThanOrEqual(observed + 1e-9);
      }),
    );
  });

  it('has the true outage within its brackets, for any outage and any latency', () => {
    const outage = fc.record({
      from: fc.double({ min: 2000, max: 20_000, noNaN: true }),
      duration: fc.double({ min: 1400, max: 8000, noNaN: true }),
      latency: fc.array(fc.double({ min: 0, max: 300, noNaN: true }), { minLength: 40, maxLength: 40 }),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(outage, ({ from, duration, latency, at }) => {
        const until = from + duration;
        // The server decides at some time between the start and the end of each request.
        const samples = latency.map((took, seq) => {
          const place = { seq, at: (seq + 1) * 1000 };
          const decidedAt = place.at + took * at;
          return decidedAt >= from && decidedAt < until ? failedSample(place, { took }) : okSample(place, took);
        });
        const [window] = replay(samples, 60_000).windows.filter((one) => one.kind === 'down');
        expect(window?.start.earliest).toBeLessThanOrEqual(from);
        expect(window?.start.latest).toBeGreaterThanOrEqual(from);
        expect(window?.end?.earliest).toBeLessThanOrEqual(until);
        expect(window?.end?.latest).toBeGreaterThanOrEqual(until);
        expect(window?.duration.min).toBeLessThanOrEqual(duration / 1000);
        expect(window?.duration.max).toBeGreaterThanOrEqual(duration / 1000);
      }),
    );
  });

  /**
   * Samples a service at 1 Hz that is stopped. SIGTERM: it accepts nothing more from its queue, and resets the queue
   * when it exits. SIGKILL: requests in progress are reset. After that connections are refused until it is back.
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

  it('has the start of a stop within its bracket, graceful or not', () => {
    fc.assert(
      fc.property(anyStop, (stop) => {
        const [window] = replay(stopped(stop), 60_000).windows.filter((one) => one.kind === 'down');
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
  ])('estimates the start of $what to half a second, without bias', ({ kill, queued }) => {
    const errors: number[] = [];
    for (let at = 10_005; at < 11_000; at += 10) {
      const stop = { at, kill, queued, back: at + queued + 3000, latencies: Array.from({ length: 40 }, () => 15) };
      const [window] = replay(stopped(stop), 60_000).windows;
      errors.push((window?.start.estimate ?? Number.NaN) - at);
    }
    // A request takes 15 ms.
    expect(Math.max(...errors.map(Math.abs))).toBeLessThanOrEqual(515);
    expect(Math.abs(errors.reduce((sum, one) => sum + one, 0) / errors.length)).toBeLessThanOrEqual(20);
  });

  it('has provisional windows while a sample in flight may change them', () => {
    const state = createSeriesState(SERIES, 0);
    state.accept(okSample({ seq: 0, at: 1000 }));
    state.sent(1, 2000, '');
    state.accept(failedSample({ seq: 2, at: 3000 }));
    expect(state.windows(3100)).toMatchObject([{ provisional: true, start: { earliest: 1000 } }]);
    state.accept(okSample({ seq: 1, at: 2000 }, 1500));
    expect(state.windows(3600)).toMatchObject([
      { kind: 'degraded' },
      { provisional: false, start: { earliest: 2000 } },
    ]);
  });

  it('does not count time as unobserved while a sample is in flight', () => {
    const state = createSeriesState(SERIES, 0);
    state.accept(okSample({ seq: 0, at: 1000 }));
    state.sent(1, 2000, 'no answer');
    expect(state.gaps(6000)).toEqual([]);
    expect(state.status(6000)).toMatchObject({ status: 'up', pending: { since: 2000 } });
  });

  it('excludes extra samples from counts and latencies', () => {
    const state = createSeriesState(SERIES, 0);
    state.accept(failedSample({ seq: 0, at: 1000 }));
    state.accept(failedSample({ seq: 1, at: 1100, extra: true }));
    state.accept(okSample({ seq: 2, at: 1200, extra: true }, 700));
    state.accept(okSample({ seq: 3, at: 2000 }, 500));
    expect(state.totals(2500).samples).toEqual({ ok: 1, failed: 1, void: 0, missed: 0, extra: 2 });
    expect(state.latency()).toEqual({ p50: 0.5, p95: 0.5, p99: 0.5, max: 0.5 });
  });

  it('counts the time between two sessions as unobserved, and continues an open window', () => {
    const state = createSeriesState(SERIES, 0);
    state.accept(okSample({ seq: 0, at: 1000 }));
    state.accept(failedSample({ seq: 1, at: 2000 }));
    state.endSession(2400);
    state.beginSession(SERIES);
    state.accept(failedSample({ seq: 0, at: 60_000, session: 2 }));
    state.accept(okSample({ seq: 1, at: 61_000, session: 2 }));
    expect(state.gaps(61_100)).toEqual([{ from: 2400, until: 60_000 }]);
    const [window, ...more] = state.windows(61_100);
    expect(more).toEqual([]);
    expect(window?.duration).toEqual({ min: 0.4, estimate: 1.4, max: 2.4 });
  });

  it('has no more unobserved time than time, even after the wall clock was set back', () => {
    const state = createSeriesState(SERIES, 10_000);
    state.accept(okSample({ seq: 0, at: 11_000 }));
    state.endSession(11_100);
    state.beginSession(SERIES);
    state.accept(okSample({ seq: 0, at: 40_000, session: 2 }));
    state.endSession(40_100);
    state.beginSession(SERIES);
    state.accept(okSample({ seq: 0, at: 13_000, session: 3 }));
    state.endSession(14_000);
    const { observed, unobserved } = state.totals(20_000);
    expect([observed, unobserved]).toEqual([1.1, 2.9]);
  });

  it('closes a window at the first ok sample of the next session, with a bracket as wide as the gap', () => {
    const state = createSeriesState(SERIES, 0);
    state.accept(okSample({ seq: 0, at: 1000 }));
    state.accept(failedSample({ seq: 1, at: 2000 }));
    state.endSession(2400);
    state.beginSession(SERIES);
    state.accept(okSample({ seq: 0, at: 60_000, session: 2 }));
    expect(state.windows(61_000)[0]?.end).toEqual({ earliest: 2000, estimate: 31_000, latest: 60_000 });
  });
});
