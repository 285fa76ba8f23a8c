import type { VoidKind } from '../cause.ts';
import { intersect, length, union } from '../interval.ts';
import { memoizeBy } from '../memoize.ts';
import type { ProbeDescription } from '../probe.ts';
import type { LiveSeries } from '../run/live.ts';
import type { SeriesSummary, SeriesTotals } from '../run/report.ts';
import type { Sample, Series } from '../sample.ts';
import type { Interval, Millis } from '../time.ts';
import { outagesOf } from './outages.ts';
import { settledDowntimeOf } from './overall.ts';
import { joinPartialOutages } from './partial.ts';
import { createLatencies } from './quantiles.ts';
import { type SharperWindows, sharpenWindow, sharperWindows } from './sharpen.ts';
import { latencyOf, stalledFor } from './stalls.ts';
import { totalDowntime, totalDuration } from './total.ts';
import { createTrace, type Trace } from './trace.ts';
import {
  advance,
  beginTrack,
  expireAt,
  gapBefore,
  openWindowOf,
  type SeriesTrack,
  type TrackedWindow,
} from './tracker.ts';
import { type DowntimeWindow, isOutage } from './window.ts';

/** What the samples of one series amount to, in any order of arrival and over several sessions. */
export type SeriesState = {
  readonly series: Series;
  readonly trace: Trace;
  /** Continues in a new session. `series` has the settings of that session, which may differ. */
  beginSession(series: Series): void;
  endSession(aliveAt: Millis): void;
  /** Records that a sample is in flight; `note` is its progress. */
  sent(seq: number, at: Millis, note: string): void;
  accept(sample: Sample): void;
  /**
   * Returns the closed windows (including provisional ones) and the open one, in order. `sharper`: the windows of the
   * probes that sharpen this one.
   */
  windows(now: Millis, sharper?: readonly DowntimeWindow[]): readonly DowntimeWindow[];
  /** Returns the unobserved time up to `now`. */
  gaps(now: Millis): readonly Interval[];
  /** Returns the time from the start of the first session to the end of the last one, or to `now`. */
  watched(now: Millis): Interval;
  /** `windows`: those of the series, if other probes sharpened them. */
  totals(now: Millis, windows?: readonly DowntimeWindow[]): SeriesTotals;
  /** Returns the latencies' quantiles. Slow: it sorts all latencies. */
  latency(): SeriesSummary['latency'];
  status(now: Millis): Pick<LiveSeries, 'status' | 'last' | 'pending'> & { readonly open: DowntimeWindow | null };
};

type History = { track: SeriesTrack; readonly windows: TrackedWindow[]; readonly gaps: Interval[] };

export function createSeriesState(
  series: Series,
  startedAt: Millis,
  startEstimate?: ProbeDescription['startEstimate'],
): SeriesState {
  const settled: History = { track: beginTrack(series, startedAt, startEstimate), windows: [], gaps: [] };
  const counts = { ok: 0, failed: 0, void: 0, missed: 0, extra: 0 };
  const voids = new Map<VoidKind, { count: number; message: string }>();
  const latencies = createLatencies();
  const trace = createTrace();
  const pending = new Map<number, { readonly since: Millis; readonly note: string }>();
  let reorderBuffer = createReorderBuffer();
  let last: Sample | null = null;
  let endedAt: Millis | null = null;
  /** Counts the changes of everything that windows and gaps are computed from. */
  let changes = 0;
  const memoize = memoizeBy(() => changes);

  function countSample(sample: Sample): void {
    trace.add(sample);
    if (sample.extra) {
      counts.extra++;
    } else if (sample.outcome === 'void') {
      counts.void += sample.slots;
      if (sample.cause.kind === 'missed') counts.missed += sample.slots;
      const { kind, message } = sample.cause;
      voids.set(kind, { count: (voids.get(kind)?.count ?? 0) + sample.slots, message });
    } else {
      counts[sample.outcome]++;
      const latency = sample.outcome === 'ok' ? latencyOf(sample) : null;
      if (latency !== null) latencies.add(latency);
    }
    if (sample.outcome !== 'void' && (last === null || !isSentBefore(sample, last))) last = sample;
  }

  /** Returns the history including the samples that wait for an earlier one, as if the earlier one changed nothing. */
  const historyAt = memoize((): History => {
    const waiting = reorderBuffer.waiting();
    if (waiting.length === 0) return settled;
    const copy: History = { track: settled.track, windows: [...settled.windows], gaps: [...settled.gaps] };
    for (const sample of waiting) addSample(copy, sample, true);
    return copy;
  });

  const endOr = (now: Millis): Millis => endedAt ?? now;
  const oldestPending = () => {
    const [first] = [...pending.values()].sort((a, b) => a.since - b.since);
    return first ?? null;
  };
  /** Returns the time until which gaps count: while a sample is in flight, time does not count as unobserved yet. */
  const observedUntil = (now: Millis): Millis => Math.min(endOr(now), oldestPending()?.since ?? Infinity);

  const trackedOpenWindowIn = (history: History, now: Millis): TrackedWindow | null => {
    const open = openWindowOf(history.track, endOr(now), observedUntil(now));
    return open !== null && history !== settled ? { ...open, provisional: true } : open;
  };

  const watched = (now: Millis): Interval => ({ from: startedAt, until: Math.max(endOr(now), startedAt) });

  const gapsAt = memoize((now): readonly Interval[] => {
    const history = historyAt(now);
    const tail = gapBefore(history.track, observedUntil(now));
    const all = tail === null ? history.gaps : [...history.gaps, tail];
    // If the wall clock is set back, a session can begin before the previous one ended.
    return intersect(union(all), [watched(now)]);
  });

  const windowsAt = memoize((now): readonly DowntimeWindow[] => windowsSharpenedBy(sharperWindows([], now), now));

  function windowsSharpenedBy(sharper: SharperWindows, now: Millis): readonly DowntimeWindow[] {
    const history = historyAt(now);
    const open = trackedOpenWindowIn(history, now);
    const { sinceFailure, series: current } = history.track;
    const tail = gapBefore(history.track, observedUntil(now));
    const tracked = open === null ? history.windows : [...history.windows, open];
    const isSeparate = (window: DowntimeWindow) => sharper.openAt(window, window.knownUntil) !== null;
    const windows = tracked.map((window) => sharpenWindow(window, sharper));
    return joinPartialOutages(windows, {
      interval: current.interval,
      sinceFailure: { ...sinceFailure, unobserved: sinceFailure.unobserved + (tail === null ? 0 : length([tail])) },
      watched: watched(now),
      gaps: gapsAt(now),
      ended: endedAt !== null,
      isSeparate,
      joinsSameCause: history.track.startEstimate === 'by-stages',
    });
  }

  /** Returns the open window; if two are open, the outage rather than the degraded one. */
  const openWindowAt = (now: Millis): DowntimeWindow | null => {
    const open = windowsAt(now).filter(({ end }) => end === null);
    return open.find(isOutage) ?? open[0] ?? null;
  };

  return {
    get series() {
      return settled.track.series;
    },
    trace,
    beginSession(updated) {
      changes++;
      endedAt = null;
      settled.track = { ...settled.track, series: updated };
      reorderBuffer = createReorderBuffer();
    },
    endSession(aliveAt) {
      // The series may be absent from later sessions.
      if (endedAt !== null) return;
      changes++;
      for (const sample of reorderBuffer.waiting()) addSample(settled, sample, false);
      reorderBuffer = createReorderBuffer();
      pending.clear();
      settled.track = expireAt(settled.track, aliveAt);
      endedAt = aliveAt;
    },
    sent(seq, at, note) {
      changes++;
      pending.set(seq, { since: at, note });
    },
    accept(sample) {
      changes++;
      pending.delete(sample.seq);
      countSample(sample);
      for (const ready of reorderBuffer.accept(sample)) addSample(settled, ready, false);
    },
    windows: (now, sharper = []) =>
      sharper.length === 0 ? windowsAt(now) : windowsSharpenedBy(sharperWindows(sharper, now), now),
    gaps: gapsAt,
    watched,
    latency: latencies.quantiles,
    totals(now, windows = windowsAt(now)) {
      const outageWindows = windows.filter(isOutage);
      const degraded = windows.filter(({ kind }) => kind === 'degraded');
      const total = Math.max(endOr(now) - startedAt, 0) / 1000;
      const gaps = gapsAt(now);
      const unobserved = length(gaps) / 1000;
      const observed = Math.max(total - unobserved, 0);
      const own = [{ series: settled.track.series, windows, gaps, watched: watched(now) }];
      const downtime = totalDowntime(outagesOf(own));
      return {
        series: settled.track.series,
        samples: { ...counts },
        voids: [...voids].map(([kind, rest]) => ({ kind, ...rest })).toSorted((a, b) => b.count - a.count),
        availability: observed === 0 ? null : Math.min(1, Math.max(0, 1 - downtime.estimate / observed)),
        downtime,
        settledDowntime: settledDowntimeOf(own),
        degraded: totalDuration(degraded, endOr(now)),
        observed,
        unobserved,
        gaps,
        windows: outageWindows.length,
        longest: outageWindows.reduce((longest, window) => Math.max(longest, window.downtime.estimate), 0),
      };
    },
    status(now) {
      const history = historyAt(now);
      const unknown = endedAt !== null || gapBefore(history.track, observedUntil(now)) !== null;
      const open = openWindowAt(now);
      return {
        status: unknown ? 'unknown' : (open?.kind ?? history.track.state.kind),
        last: last && {
          at: last.startedAt,
          outcome: last.outcome,
          cause: last.cause,
          seconds: Math.max(0, last.endedAt - last.startedAt - stalledFor(last)) / 1000,
        },
        pending: oldestPending(),
        open,
      };
    },
  };
}

const isSentBefore = (a: Sample, b: Sample): boolean =>
  a.session < b.session || (a.session === b.session && a.seq < b.seq);

function addSample(history: History, sample: Sample, provisional: boolean): void {
  const { track, closed, gap } = advance(history.track, sample);
  history.track = track;
  history.windows.push(...(provisional ? closed.map((window) => ({ ...window, provisional })) : closed));
  if (gap !== null) history.gaps.push(gap);
}

/**
 * Restores the order in which the samples of one session were sent: `seq` has no holes, so a missing one is in flight.
 */
type ReorderBuffer = {
  /** Adds a sample; returns those that are now in order. */
  accept(sample: Sample): readonly Sample[];
  /** Returns the samples held back by an earlier one that is in flight, in the order sent. */
  waiting(): readonly Sample[];
};

function createReorderBuffer(): ReorderBuffer {
  let next = 0;
  const early = new Map<number, Sample>();
  return {
    accept(sample) {
      if (sample.seq < next) return [];
      early.set(sample.seq, sample);
      const released: Sample[] = [];
      for (let ready = early.get(next); ready !== undefined; ready = early.get(next)) {
        early.delete(next);
        released.push(ready);
        next++;
      }
      return released;
    },
    waiting: () => [...early.values()].sort((a, b) => a.seq - b.seq),
  };
}
