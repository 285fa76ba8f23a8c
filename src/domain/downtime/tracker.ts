import type { Cause } from '../cause.ts';
import type { FailedSample, OkSample, Sample, Series, ValidSample } from '../sample.ts';
import type { Bracket, Interval, Millis } from '../time.ts';
import { isSlow, stalledFor } from './stalls.ts';
import { type CauseCount, type DowntimeWindow, extentOf, seconds, type WindowKind } from './window.ts';

/**
 * The rules by which the samples of one series become windows. Samples come in the order in which they were sent,
 * whatever the order in which they ended.
 *
 *   ok(1) failed(2) failed(3) ok(4)      down, start [1, 2], end [3, 4]
 *   failed(1) ok(2)                      down, start [begin of the session, 1], end [1, 2]
 *   ok(1) void(2) failed(3) ok(4)        down, start [1, 3], end [3, 4]; from 2 to 3 unobserved
 *   ok(1) failed(2) void(3) ok(4)        down, start [1, 2], end [2, 4]; from 3 to 4 unobserved
 *   failed(2) (daemon dead) failed(60)   one window; from 2 to 60 unobserved, so in the maximum alone
 *   ok(1) slow(2) failed(3) slow(4)      degraded [1, 2] to [2, 3], down [2, 3] to [3, 4], degraded from [3, 4]
 *
 * The numbers are moments sent. An edge's estimate lies midway between them; its latest moment is when the sample
 * behind it was certain of what it saw, as the service may have changed while it was on its way. An answer that was cut
 * off in the middle saw the very moment: if the samples sent after it fail sooner than it did, the estimate is that moment.
 * A boot's start is estimated at `brokeAt`, by its own stages: src/probes/boot-course.ts.
 *
 * A connection that is reset without an answer shows no such moment. Either the service was killed with the request in
 * hand, or it was told to stop: then it finishes what it has in hand, takes nothing from its listen queue any more, and
 * resets the queue when it exits, a second later or more. A request in that queue is lost from the moment it is sent.
 *
 * Where our own loop stood still within a sample, what it took is an upper bound: it shows no very moment, nor what is
 * usual, and an ok one that may have been slow neither opens a degraded window nor closes one.
 */
export type Track = {
  readonly series: Series;
  readonly state: State;
  /** Up to here the valid sample sent last stands for the series, if the next one comes by then; */
  readonly covered: Millis;
  /** and if it doesn't, all is unobserved from here on. */
  readonly gapFrom: Millis;
  /** How long the latest ok samples took, in milliseconds. */
  readonly recent: readonly number[];
};

type State =
  /** Nothing valid yet, since the session began. */
  | { readonly kind: 'unknown'; readonly since: Millis }
  /** `upUntil`: the latest proof of being up. */
  | { readonly kind: 'up'; readonly upUntil: Millis }
  | { readonly kind: 'degraded'; readonly upUntil: Millis; readonly open: Open }
  | { readonly kind: 'down'; readonly open: Open };

type Open = {
  readonly id: string;
  readonly kind: WindowKind;
  readonly start: Bracket;
  /** The first sample, if it was cut off, until a later sample shows whether the window began with that. */
  readonly cut: Cut | null;
  readonly goneBy: Millis | null;
  /** The last moment at which it is known to have lasted still. */
  readonly lastSeen: Millis;
  readonly samples: number;
  readonly causes: readonly CauseCount[];
  readonly gaps: Gaps;
};

/** `answering`: the answer had begun. */
type Cut = Interval & { readonly answering: boolean };

/** The last one first, so that one more costs no copy of all before it. */
type Gaps = { readonly gap: Interval; readonly before: Gaps } | null;

export type Advance = {
  readonly track: Track;
  readonly closed: readonly DowntimeWindow[];
  readonly gap: Interval | null;
};

/** How many ok samples tell what is usual, */
const USUAL = 60;
/** and how few do not tell how slow the service may be. */
const FEW = 5;

/** Longer than a connection takes that is refused, in milliseconds. */
const AT_ONCE = 20;

export const beginTrack = (series: Series, since: Millis): Track => ({
  series,
  state: { kind: 'unknown', since },
  covered: since + series.cover,
  gapFrom: since,
  recent: [],
});

/** Nothing stands for the time from `at` on: the sampler stopped, or a sample was void. */
export const uncover = (track: Track, at: Millis): Track =>
  at < track.covered ? { ...track, covered: at, gapFrom: Math.min(track.gapFrom, at) } : track;

/** Takes the next sample, in the order sent. */
export function advance(track: Track, sample: Sample): Advance {
  if (sample.outcome === 'void') return { track: uncover(track, sample.startedAt), closed: [], gap: null };
  const gap = gapBefore(track, sample.startedAt);
  const { state, closed } = step(track, sample, gap);
  const isUsual = sample.outcome === 'ok' && stalledFor(sample) === 0;
  const recent = isUsual ? [...track.recent.slice(1 - USUAL), sample.settledAt - sample.startedAt] : track.recent;
  const next = {
    series: track.series,
    state,
    covered: sample.startedAt + track.series.cover,
    gapFrom: Math.max(sample.startedAt + track.series.interval, sample.upUntil ?? sample.startedAt),
    recent,
  };
  return { track: next, closed, gap };
}

/** What is unobserved before a sample sent at `at`, or at the end of what was watched. */
export function gapBefore(track: Track, at: Millis): Interval | null {
  return at > track.covered ? { from: track.gapFrom, until: at } : null;
}

function step(track: Track, sample: ValidSample, gap: Interval | null): { state: State; closed: DowntimeWindow[] } {
  const { state } = track;
  if (sample.outcome === 'failed') {
    if (state.kind === 'down')
      return { state: { kind: 'down', open: goOn(state.open, track, sample, gap) }, closed: [] };
    const start = startOf(state, track, sample);
    const closed = state.kind === 'degraded' ? [close(track.series, state.open, start, gap)] : [];
    return { state: { kind: 'down', open: openWindow('down', { start, sample, gap }) }, closed };
  }
  const slow = isSlow(sample, track.series.slow);
  const upUntil = sample.upUntil;
  if (state.kind === 'degraded' && slow === null) return { state: { ...state, upUntil }, closed: [] };
  if (state.kind === 'degraded' && slow) {
    return { state: { kind: 'degraded', upUntil, open: goOn(state.open, track, sample, gap) }, closed: [] };
  }
  const edge = edgeUpTo(state, sample);
  const closed = state.kind === 'down' || state.kind === 'degraded' ? [close(track.series, state.open, edge, gap)] : [];
  if (!slow) return { state: { kind: 'up', upUntil }, closed };
  return { state: { kind: 'degraded', upUntil, open: openWindow('degraded', { start: edge, sample, gap }) }, closed };
}

/**
 * Between the last proof of being up and the moment at which the failure was certain. A boot that was sent earlier may
 * have proved the service up at a later moment, once it was back: that says nothing of this failure.
 */
function startOf(state: Exclude<State, { kind: 'down' }>, track: Track, sample: FailedSample): Bracket {
  const { brokeAt, upUntil } = sample;
  const before = state.kind === 'unknown' ? state.since : state.upUntil;
  const known = before <= brokeAt || upUntil === null ? before : upUntil;
  const earliest = Math.min(Math.max(known, upUntil ?? known), brokeAt);
  // A boot knows which of its stages broke. Nothing is asked for up to a second between two boots, and a task breaks what
  // is asked for after it: midway through that second lies the task before.
  const estimate = sample.probe === 'server-boot' ? brokeAt : (earliest + brokeAt) / 2;
  return { earliest, estimate, latest: failedBy(track, sample) };
}

/**
 * When the service had failed at the latest. An absence (no answer in 10 s) may have begun at any moment of the wait,
 * but not after the time in which the service usually answers: had it been well until then, it would have answered.
 * A reset after a long wait proves the same. It takes a wider margin, as a service that is killed while it is slower
 * than usual resets what it has in hand, too.
 */
function failedBy(track: Track, sample: FailedSample): Millis {
  const { recent } = track;
  if (recent.length === 0) return sample.settledAt;
  const usual = Math.max(...recent);
  if (sample.hung) return Math.min(sample.settledAt, sample.brokeAt + usual + stalledFor(sample));
  if (!isReset(sample) || recent.length < FEW) return sample.settledAt;
  return Math.min(sample.settledAt, sample.brokeAt + 2 * usual + AT_ONCE + stalledFor(sample));
}

/** From what was to what an ok sample shows. */
function edgeUpTo(state: State, sample: OkSample): Bracket {
  const last = state.kind === 'unknown' ? state.since : state.kind === 'up' ? state.upUntil : state.open.lastSeen;
  const earliest = Math.min(last, sample.startedAt);
  return { earliest, estimate: (earliest + sample.startedAt) / 2, latest: sample.settledAt };
}

function openWindow(
  kind: WindowKind,
  { start, sample, gap }: { start: Bracket; sample: ValidSample; gap: Interval | null },
): Open {
  const { cloud, vantage, probe, connection, target, session, seq } = sample;
  return {
    id: [kind, cloud, vantage, probe, connection, target, session, seq].filter((part) => part !== '').join('-'),
    kind,
    start,
    cut: cutOff(sample),
    goneBy: null,
    lastSeen: seenAt(sample),
    samples: 1,
    causes: counted([], sample.cause),
    gaps: withGap(null, gap),
  };
}

const withGap = (before: Gaps, gap: Interval | null): Gaps => (gap === null ? before : { gap, before });

function inOrder(gaps: Gaps): readonly Interval[] {
  const found: Interval[] = [];
  for (let one = gaps; one !== null; one = one.before) found.push(one.gap);
  return found.reverse();
}

function goOn(open: Open, track: Track, sample: ValidSample, gap: Interval | null): Open {
  const latest = sample.outcome === 'failed' ? Math.min(open.start.latest, failedBy(track, sample)) : open.start.latest;
  const { cut } = open;
  const told = cut !== null && sample.startedAt >= cut.until;
  const went = told && failsSooner(sample, cut);
  const estimate = went && cut.answering ? latest : open.start.estimate;
  return {
    ...open,
    start: { ...open.start, estimate: Math.min(estimate, latest), latest },
    cut: told ? null : cut,
    goneBy: went ? cut.until : open.goneBy,
    lastSeen: Math.max(open.lastSeen, seenAt(sample)),
    samples: open.samples + 1,
    causes: counted(open.causes, sample.cause),
    gaps: withGap(open.gaps, gap),
  };
}

function cutOff(sample: ValidSample): Cut | null {
  if (sample.outcome !== 'failed' || stalledFor(sample) > 0) return null;
  const answering = sample.cause.kind === 'truncated-body';
  return answering || isReset(sample) ? { from: sample.startedAt, until: sample.settledAt, answering } : null;
}

/** The connection was closed without a byte of an answer: ours, or that of the proxy that asked for us. */
const isReset = ({ cause }: FailedSample): boolean => cause.kind === 'connection-reset' || cause.kind === 'http-502';

/** A service that cuts every request off after a while takes as long for this one; one that was stopped does not. */
const failsSooner = (sample: ValidSample, cut: Interval): boolean =>
  sample.outcome === 'failed' &&
  !sample.hung &&
  2 * (sample.settledAt - sample.startedAt - stalledFor(sample)) + AT_ONCE < cut.until - cut.from;

/** The latest moment at which the window is known to have lasted, by this sample. */
const seenAt = (sample: ValidSample): Millis => (sample.outcome === 'failed' ? sample.brokeAt : sample.startedAt);

function counted(causes: readonly CauseCount[], cause: Cause | null): readonly CauseCount[] {
  if (cause === null) return causes;
  const { kind, service } = cause;
  const same = (one: CauseCount) => one.kind === kind && one.service === service;
  if (!causes.some(same)) return [...causes, { kind, service, count: 1 }];
  return causes.map((one) => (same(one) ? { ...one, count: one.count + 1 } : one));
}

function close(series: Series, open: Open, end: Bracket, gap: Interval | null): DowntimeWindow {
  return describe(series, { ...open, gaps: withGap(open.gaps, gap) }, { end, now: end.latest });
}

/** The window that is open, up to `now`; a sample sent at `observed` waits for its answer still. */
export function openWindowOf(track: Track, now: Millis, observed = now): DowntimeWindow | null {
  if (track.state.kind !== 'down' && track.state.kind !== 'degraded') return null;
  const { open } = track.state;
  return describe(track.series, { ...open, gaps: withGap(open.gaps, gapBefore(track, observed)) }, { end: null, now });
}

function describe(series: Series, open: Open, { end, now }: { end: Bracket | null; now: Millis }): DowntimeWindow {
  const { cloud, vantage, probe, connection, target } = series;
  const window = {
    id: open.id,
    cloud,
    vantage,
    probe,
    connection,
    target,
    kind: open.kind,
    start: open.start,
    end,
    lastSeen: open.lastSeen,
    goneBy: open.goneBy,
    duration: { min: 0, estimate: 0, max: 0 },
    gaps: inOrder(open.gaps),
    failedSamples: open.samples,
    causes: open.causes.toSorted((a, b) => b.count - a.count),
    provisional: false,
  };
  return { ...window, duration: seconds([extentOf(window, now)]) };
}
