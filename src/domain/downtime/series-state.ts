import type { VoidKind } from '../cause.ts';
import { intersect, length, union } from '../interval.ts';
import type { LiveSeries } from '../run/live.ts';
import type { SeriesSummary } from '../run/report.ts';
import type { Sample, Series } from '../sample.ts';
import type { Interval, Millis } from '../time.ts';
import { createLatencies } from './latencies.ts';
import { createSequencer } from './reorder-buffer.ts';
import { latencyOf, stalledFor } from './stalls.ts';
import { createTrace, type Trace } from './trace.ts';
import { advance, beginTrack, gapBefore, openWindowOf, type Track, uncover } from './tracker.ts';
import { type DowntimeWindow, extentOf, seconds, settledSeconds } from './window.ts';

/** The whole book of one series: what its samples, in any order of arrival and over several sessions, come to. */
export type Account = {
  readonly series: Series;
  readonly trace: Trace;
  /** Goes on in a new session, maybe with other settings. */
  beginSession(series: Series): void;
  endSession(aliveAt: Millis): void;
  /** A sample is under way; `note` tells how far it is. */
  sent(seq: number, at: Millis, note: string): void;
  accept(sample: Sample): void;
  /** Windows that are closed (provisional ones too) and the open one, in order. */
  windows(now: Millis): readonly DowntimeWindow[];
  /** Unobserved stretches up to `now`. */
  gaps(now: Millis): readonly Interval[];
  /** What was watched: from the first session's start to the end of the last one, or `now`. */
  watched(now: Millis): Interval;
  summary(now: Millis): SeriesSummary;
  state(now: Millis): Pick<LiveSeries, 'state' | 'last' | 'pending'> & { readonly open: DowntimeWindow | null };
};

type Book = { track: Track; readonly windows: DowntimeWindow[]; readonly gaps: Interval[] };

export function createAccount(series: Series, startedAt: Millis): Account {
  const book: Book = { track: beginTrack(series, startedAt), windows: [], gaps: [] };
  const counts = { ok: 0, failed: 0, void: 0, missed: 0, extra: 0 };
  const voids = new Map<VoidKind, { count: number; message: string }>();
  const latencies = createLatencies();
  const trace = createTrace();
  const pending = new Map<number, { readonly since: Millis; readonly note: string }>();
  let sequencer = createSequencer();
  let last: Sample | null = null;
  let ended: Millis | null = null;

  function tally(sample: Sample): void {
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
    if (sample.outcome !== 'void' && (last === null || !before(sample, last))) last = sample;
  }

  /** What would stand if nothing that is still under way said anything else. */
  function view(): Book {
    const waiting = sequencer.waiting();
    if (waiting.length === 0) return book;
    const copy: Book = { track: book.track, windows: [...book.windows], gaps: [...book.gaps] };
    for (const sample of waiting) enter(copy, sample, true);
    return copy;
  }

  const end = (now: Millis): Millis => ended ?? now;
  const oldest = () => {
    const [first] = [...pending.values()].sort((a, b) => a.since - b.since);
    return first ?? null;
  };
  /** Time in which a sample waits for its answer is not unobserved yet. */
  const observedUpTo = (now: Millis): Millis => Math.min(end(now), oldest()?.since ?? Infinity);

  const currentOf = (seen: Book, now: Millis): DowntimeWindow | null => {
    const open = openWindowOf(seen.track, end(now), observedUpTo(now));
    return open !== null && seen !== book ? { ...open, provisional: true } : open;
  };

  const windowsOf = (seen: Book, now: Millis): readonly DowntimeWindow[] => {
    const open = currentOf(seen, now);
    return open === null ? seen.windows : [...seen.windows, open];
  };

  const watchedUpTo = (now: Millis): Interval => ({ from: startedAt, until: Math.max(end(now), startedAt) });

  const gapsOf = (seen: Book, now: Millis): readonly Interval[] => {
    const tail = gapBefore(seen.track, observedUpTo(now));
    const all = tail === null ? seen.gaps : [...seen.gaps, tail];
    // A wall clock that was set back makes a session begin before the one before it has ended.
    return intersect(union(all), [watchedUpTo(now)]);
  };

  return {
    get series() {
      return book.track.series;
    },
    trace,
    beginSession(renewed) {
      ended = null;
      book.track = { ...book.track, series: renewed };
      sequencer = createSequencer();
    },
    endSession(aliveAt) {
      // A later session that does without this series is not its own.
      if (ended !== null) return;
      for (const sample of sequencer.waiting()) enter(book, sample, false);
      sequencer = createSequencer();
      pending.clear();
      book.track = uncover(book.track, aliveAt);
      ended = aliveAt;
    },
    sent(seq, at, note) {
      pending.set(seq, { since: at, note });
    },
    accept(sample) {
      pending.delete(sample.seq);
      tally(sample);
      for (const ready of sequencer.accept(sample)) enter(book, ready, false);
    },
    windows: (now) => windowsOf(view(), now),
    gaps: (now) => gapsOf(view(), now),
    watched: watchedUpTo,
    summary(now) {
      const seen = view();
      const windows = windowsOf(seen, now);
      const down = windows.filter((one) => one.kind === 'down');
      const extents = (some: readonly DowntimeWindow[]) => some.map((one) => extentOf(one, end(now)));
      const total = Math.max(end(now) - startedAt, 0) / 1000;
      const gaps = gapsOf(seen, now);
      const unobserved = length(gaps) / 1000;
      const observed = Math.max(total - unobserved, 0);
      const downtime = seconds(extents(down));
      return {
        series: book.track.series,
        samples: { ...counts },
        voids: [...voids].map(([kind, told]) => ({ kind, ...told })).toSorted((a, b) => b.count - a.count),
        availability: observed === 0 ? null : Math.min(1, Math.max(0, 1 - downtime.estimate / observed)),
        downtime,
        settled: settledSeconds(down),
        degraded: seconds(extents(windows.filter((one) => one.kind === 'degraded'))),
        observed,
        unobserved,
        gaps,
        windows: down.length,
        longest: down.reduce((most, one) => Math.max(most, one.duration.estimate), 0),
        get latency() {
          return latencies.quantiles();
        },
      };
    },
    state(now) {
      const seen = view();
      const unknown = ended !== null || gapBefore(seen.track, observedUpTo(now)) !== null;
      return {
        state: unknown ? 'unknown' : seen.track.state.kind,
        last: last && {
          at: last.startedAt,
          outcome: last.outcome,
          cause: last.cause,
          seconds: Math.max(0, last.endedAt - last.startedAt - stalledFor(last)) / 1000,
        },
        pending: oldest(),
        open: currentOf(seen, now),
      };
    },
  };
}

const before = (a: Sample, b: Sample): boolean => a.session < b.session || (a.session === b.session && a.seq < b.seq);

function enter(book: Book, sample: Sample, provisional: boolean): void {
  const { track, closed, gap } = advance(book.track, sample);
  book.track = track;
  book.windows.push(...(provisional ? closed.map((one) => ({ ...one, provisional })) : closed));
  if (gap !== null) book.gaps.push(gap);
}
