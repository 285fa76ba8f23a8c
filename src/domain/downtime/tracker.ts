import type { ProbeDescription } from '../probe.ts';
import type { FailedSample, OkSample, Sample, Series, ValidSample } from '../sample.ts';
import type { Bracket, Interval, Millis } from '../time.ts';
import { isSlow, stalledFor } from './stalls.ts';
import { type CauseCount, type DowntimeWindow, extentOf, type FailedRun, NO_DOWNTIME, seconds } from './window.ts';

/**
 * The rules that turn the samples of one series into windows. Samples come in the order in which they were sent, not in
 * the order in which they ended.
 *
 *   ok(1) failed(2) failed(3) ok(4)      down, start [1, 2], end [3, 4]
 *   failed(1) ok(2)                      down, start [start of the session, 1], end [1, 2]
 *   ok(1) void(2) failed(3) ok(4)        down, start [1, 3], end [3, 4]; 2 to 3 unobserved
 *   ok(1) failed(2) void(3) ok(4)        down, start [1, 2], end [2, 4]; 3 to 4 unobserved
 *   failed(2) (daemon dead) failed(60)   one window; 2 to 60 unobserved, so it does not count
 *   ok(1) slow(2) failed(3) slow(4)      degraded [1, 2] to [2, 3], down [2, 3] to [3, 4], degraded from [3, 4]
 *
 * The numbers are the times at which samples were sent. The estimate of an edge is midway between them; `latest` is
 * when the result of the sample that set the edge was known, as the service may have changed while it was in flight. An
 * answer that was cut off can show exactly when the service exited: if samples sent after the cut-off fail faster than
 * that one did, the estimate is the time of the cut-off. If the probe knows which of its stages failed (`by-stages`),
 * the start is estimated at `failureStartedAt`.
 *
 * A connection that is reset before any answer shows no exact time. Either the service was killed while it handled the
 * request, or it was stopped: then it finishes the requests in progress, accepts no more from its listen queue, and
 * resets that queue when it exits, a second or more later. A request in that queue was already lost when it was sent.
 *
 * If the event loop stalled during a sample, its duration is only an upper bound: it gives no exact time, does not
 * count towards the usual latency, and an ok sample that may have been slow neither opens nor closes a degraded window.
 */

/** The state of one series after its latest sample. */
export type SeriesTrack = {
  readonly series: Series;
  readonly startEstimate: StartEstimate;
  readonly state: State;
  /** If no valid sample is sent by this time, the time since `gapFrom` is unobserved. */
  readonly validUntil: Millis;
  readonly gapFrom: Millis;
  /** Latencies of the most recent ok samples, in milliseconds. */
  readonly recentLatencies: readonly number[];
  readonly sinceFailure: SinceFailure;
};

/** What was observed since the latest failed sample. */
export type SinceFailure = {
  /** Slots with an ok sample. */
  readonly okSlots: number;
  /** Unobserved time in milliseconds. */
  readonly unobserved: number;
};

const NOTHING_OBSERVED: SinceFailure = { okSlots: 0, unobserved: 0 };

/** A window as the tracker finds it: interleaved failures are not joined yet (see partial.ts). */
export type TrackedWindow = DowntimeWindow & {
  readonly kind: TrackedKind;
  /** What was observed between the previous down window and this one. */
  readonly sinceFailure: SinceFailure;
};

type TrackedKind = 'down' | 'degraded';

type StartEstimate = ProbeDescription['startEstimate'];

type State =
  /** No valid sample yet since the session started. */
  | { readonly kind: 'unknown'; readonly since: Millis }
  /** `lastKnownUpAt`: the latest time at which the service is known to have been up. */
  | { readonly kind: 'up'; readonly lastKnownUpAt: Millis }
  | { readonly kind: 'degraded'; readonly lastKnownUpAt: Millis; readonly open: OpenWindow }
  | { readonly kind: 'down'; readonly open: OpenWindow };

type OpenWindow = {
  readonly id: string;
  readonly kind: TrackedKind;
  readonly start: Bracket;
  readonly sinceFailure: SinceFailure;
  readonly failedRun: FailedRun | null;
  /** The window's first sample, if it was cut off; null once a later one has shown whether the service exited then. */
  readonly cutOff: CutOff | null;
  readonly exitedBy: Millis | null;
  readonly knownUntil: Millis;
  readonly samples: number;
  readonly causes: readonly CauseCount[];
  readonly gaps: GapList;
};

/** A request that was reset or whose answer was cut off. `answering`: the answer had begun. */
type CutOff = Interval & { readonly answering: boolean };

/** A linked list, latest first, so that adding a gap copies nothing. */
type GapList = { readonly gap: Interval; readonly before: GapList } | null;

export type Advance = {
  readonly track: SeriesTrack;
  readonly closed: readonly TrackedWindow[];
  readonly gap: Interval | null;
};

/** How many ok samples determine the usual latency. */
const RECENT_SAMPLES = 60;
/** With fewer ok samples, a long wait before a reset proves nothing. */
const MIN_RECENT_SAMPLES = 5;

/** Refusing a connection takes no longer than this. */
const REFUSAL_MS = 20;

export const beginTrack = (
  series: Series,
  since: Millis,
  startEstimate: StartEstimate = 'between-samples',
): SeriesTrack => ({
  series,
  startEstimate,
  state: { kind: 'unknown', since },
  validUntil: since + series.validFor,
  gapFrom: since,
  recentLatencies: [],
  sinceFailure: NOTHING_OBSERVED,
});

/** Ends the validity of the last sample at `at`, because the sampler stopped or a sample was void. */
export const expireAt = (track: SeriesTrack, at: Millis): SeriesTrack =>
  at < track.validUntil ? { ...track, validUntil: at, gapFrom: Math.min(track.gapFrom, at) } : track;

/** Extends the validity of the last valid sample: an older request was in flight when this one was given up. */
const keepValid = (track: SeriesTrack, { startedAt }: Sample): SeriesTrack =>
  startedAt > track.validUntil
    ? track
    : {
        ...track,
        validUntil: Math.max(track.validUntil, startedAt + track.series.validFor),
        gapFrom: Math.max(track.gapFrom, startedAt),
      };

/** Adds the next sample, in the order sent. */
export function advance(track: SeriesTrack, sample: Sample): Advance {
  if (sample.outcome === 'void') {
    const next = sample.cause.kind === 'superseded' ? keepValid(track, sample) : expireAt(track, sample.startedAt);
    return { track: next, closed: [], gap: null };
  }
  const gap = gapBefore(track, sample.startedAt);
  const { state, closed } = step(track, sample, gap);
  const next = {
    series: track.series,
    startEstimate: track.startEstimate,
    state,
    validUntil: sample.startedAt + track.series.validFor,
    gapFrom: observedBy(track, sample),
    recentLatencies: withLatency(track.recentLatencies, sample),
    sinceFailure: sample.outcome === 'failed' ? NOTHING_OBSERVED : addOk(track.sinceFailure, sample, gap),
  };
  return { track: next, closed, gap };
}

/** Returns how long a sample observes the service: a boot, whose stages are known, for as long as it takes. */
const observedBy = ({ series, startEstimate }: SeriesTrack, sample: ValidSample): Millis =>
  Math.max(
    sample.startedAt + series.interval,
    sample.lastKnownUpAt ?? sample.startedAt,
    startEstimate === 'by-stages' ? sample.settledAt : sample.startedAt,
  );

const addOk = ({ okSlots, unobserved }: SinceFailure, sample: OkSample, gap: Interval | null): SinceFailure => ({
  okSlots: okSlots + (sample.extra ? 0 : 1),
  unobserved: unobserved + lengthOf(gap),
});

const lengthOf = (gap: Interval | null): number => (gap === null ? 0 : gap.until - gap.from);

const withLatency = (recent: readonly number[], sample: ValidSample): readonly number[] =>
  sample.outcome === 'ok' && stalledFor(sample) === 0
    ? [...recent.slice(1 - RECENT_SAMPLES), sample.settledAt - sample.startedAt]
    : recent;

/** Returns the unobserved time before a sample sent at `at`, or before the end of what was watched. */
export function gapBefore(track: SeriesTrack, at: Millis): Interval | null {
  return at > track.validUntil ? { from: track.gapFrom, until: at } : null;
}

function step(
  track: SeriesTrack,
  sample: ValidSample,
  gap: Interval | null,
): { state: State; closed: TrackedWindow[] } {
  const { state } = track;
  if (sample.outcome === 'failed') {
    if (state.kind === 'down')
      return { state: { kind: 'down', open: extendWindow(state.open, track, sample, gap) }, closed: [] };
    const start = failureEdge(state, track, sample);
    const closed = state.kind === 'degraded' ? [closeWindow(track.series, state.open, start, gap)] : [];
    return {
      state: { kind: 'down', open: openWindow('down', { start, sample, gap, sinceFailure: track.sinceFailure }) },
      closed,
    };
  }
  const slow = isSlow(sample, track.series.slow);
  const lastKnownUpAt = sample.lastKnownUpAt;
  if (state.kind === 'degraded' && slow === null) return { state: { ...state, lastKnownUpAt }, closed: [] };
  if (state.kind === 'degraded' && slow) {
    const open = extendWindow(state.open, track, sample, gap);
    return { state: { kind: 'degraded', lastKnownUpAt, open }, closed: [] };
  }
  const edge = okEdge(state, sample);
  const closed =
    state.kind === 'down' || state.kind === 'degraded' ? [closeWindow(track.series, state.open, edge, gap)] : [];
  if (!slow) return { state: { kind: 'up', lastKnownUpAt }, closed };
  return {
    state: {
      kind: 'degraded',
      lastKnownUpAt,
      open: openWindow('degraded', { start: edge, sample, gap, sinceFailure: track.sinceFailure }),
    },
    closed,
  };
}

/**
 * Returns the edge between the last proof of being up and the time at which the failure was certain. A boot that was
 * sent earlier may have proved the service up after this failure had begun: that proof is ignored here.
 */
function failureEdge(state: Exclude<State, { kind: 'down' }>, track: SeriesTrack, sample: FailedSample): Bracket {
  const { failureStartedAt, lastKnownUpAt } = sample;
  const before = state.kind === 'unknown' ? state.since : state.lastKnownUpAt;
  const known = before <= failureStartedAt || lastKnownUpAt === null ? before : lastKnownUpAt;
  const earliest = Math.min(Math.max(known, lastKnownUpAt ?? known), failureStartedAt);
  const estimate = track.startEstimate === 'by-stages' ? failureStartedAt : (earliest + failureStartedAt) / 2;
  return { earliest, estimate, latest: failedBy(track, sample) };
}

/**
 * Returns an upper bound for the time of the failure. If a sample timed out, the service may have failed at any time
 * during the wait, but not after the usual latency: it would have answered by then. A reset after a long wait proves
 * the same, with a wider margin, as a service that is killed while it is slower than usual also resets the requests in
 * progress.
 */
function failedBy({ recentLatencies }: SeriesTrack, sample: FailedSample): Millis {
  if (recentLatencies.length === 0) return sample.settledAt;
  const longest = Math.max(...recentLatencies);
  if (sample.timedOut) return Math.min(sample.settledAt, sample.failureStartedAt + longest + stalledFor(sample));
  if (!isReset(sample) || recentLatencies.length < MIN_RECENT_SAMPLES) return sample.settledAt;
  return Math.min(sample.settledAt, sample.failureStartedAt + 2 * longest + REFUSAL_MS + stalledFor(sample));
}

/** Returns the edge between the previous state and an ok sample. */
function okEdge(state: State, sample: OkSample): Bracket {
  const last =
    state.kind === 'unknown' ? state.since : state.kind === 'up' ? state.lastKnownUpAt : state.open.knownUntil;
  const earliest = Math.min(last, sample.startedAt);
  return { earliest, estimate: (earliest + sample.startedAt) / 2, latest: sample.settledAt };
}

function openWindow(
  kind: TrackedKind,
  {
    start,
    sample,
    gap,
    sinceFailure,
  }: { start: Bracket; sample: ValidSample; gap: Interval | null; sinceFailure: SinceFailure },
): OpenWindow {
  const { cloud, vantage, probe, connection, target, session, seq } = sample;
  return {
    id: [kind, cloud, vantage, probe, connection, target, session, seq].filter((part) => part !== '').join('-'),
    kind,
    start,
    sinceFailure: { ...sinceFailure, unobserved: sinceFailure.unobserved + lengthOf(gap) },
    failedRun: extendRun(null, sample),
    cutOff: cutOffOf(sample),
    exitedBy: null,
    knownUntil: provedAt(sample),
    samples: 1,
    causes: countCause([], sample),
    gaps: addGap(null, gap),
  };
}

function extendRun(run: FailedRun | null, sample: ValidSample): FailedRun | null {
  if (sample.outcome !== 'failed' || sample.extra) return run;
  const { startedAt } = sample;
  return run === null
    ? { slots: 1, from: startedAt, until: startedAt }
    : { ...run, slots: run.slots + 1, until: startedAt };
}

const addGap = (before: GapList, gap: Interval | null): GapList => (gap === null ? before : { gap, before });

function inOrder(gaps: GapList): readonly Interval[] {
  const found: Interval[] = [];
  for (let node = gaps; node !== null; node = node.before) found.push(node.gap);
  return found.reverse();
}

function extendWindow(open: OpenWindow, track: SeriesTrack, sample: ValidSample, gap: Interval | null): OpenWindow {
  const latest = sample.outcome === 'failed' ? Math.min(open.start.latest, failedBy(track, sample)) : open.start.latest;
  const { cutOff } = open;
  const isDecided = cutOff !== null && sample.startedAt >= cutOff.until;
  const hasExited = isDecided && failsSooner(sample, cutOff);
  const estimate = hasExited && cutOff.answering ? latest : open.start.estimate;
  return {
    ...open,
    start: { ...open.start, estimate: Math.min(estimate, latest), latest },
    cutOff: isDecided ? null : cutOff,
    exitedBy: hasExited ? cutOff.until : open.exitedBy,
    knownUntil: Math.max(open.knownUntil, provedAt(sample)),
    failedRun: extendRun(open.failedRun, sample),
    samples: open.samples + 1,
    causes: countCause(open.causes, sample),
    gaps: addGap(open.gaps, gap),
  };
}

function cutOffOf(sample: ValidSample): CutOff | null {
  if (sample.outcome !== 'failed' || stalledFor(sample) > 0) return null;
  const answering = sample.cause.kind === 'truncated-body';
  return answering || isReset(sample) ? { from: sample.startedAt, until: sample.settledAt, answering } : null;
}

/** Whether the connection (Rollwatch's, or a proxy's to the service) was closed before the first byte of an answer. */
const isReset = ({ cause }: FailedSample): boolean => cause.kind === 'connection-reset' || cause.kind === 'http-502';

/**
 * Whether a sample failed faster than the one that was cut off. A service that cuts off every request after a fixed
 * time takes just as long again; requests to one that has exited fail faster.
 */
const failsSooner = (sample: ValidSample, cutOff: Interval): boolean =>
  sample.outcome === 'failed' &&
  !sample.timedOut &&
  2 * (sample.settledAt - sample.startedAt - stalledFor(sample)) + REFUSAL_MS < cutOff.until - cutOff.from;

/** Returns the latest time at which this sample shows the window still open. */
const provedAt = (sample: ValidSample): Millis =>
  sample.outcome === 'failed' ? sample.failureStartedAt : sample.startedAt;

function countCause(causes: readonly CauseCount[], { cause, startedAt }: ValidSample): readonly CauseCount[] {
  if (cause === null) return causes;
  const { kind, service } = cause;
  const isSame = (counted: CauseCount) => counted.kind === kind && counted.service === service;
  if (!causes.some(isSame)) return [...causes, { kind, service, count: 1, firstAt: startedAt }];
  return causes.map((counted) => (isSame(counted) ? { ...counted, count: counted.count + 1 } : counted));
}

function closeWindow(series: Series, open: OpenWindow, end: Bracket, gap: Interval | null): TrackedWindow {
  return toDowntimeWindow(series, { ...open, gaps: addGap(open.gaps, gap) }, { end, now: end.latest });
}

/**
 * Returns the open window up to `now`, or null. `observedUntil`: when the oldest sample in flight was sent; time after
 * that does not count as unobserved.
 */
export function openWindowOf(track: SeriesTrack, now: Millis, observedUntil = now): TrackedWindow | null {
  if (track.state.kind !== 'down' && track.state.kind !== 'degraded') return null;
  const { open } = track.state;
  const gaps = addGap(open.gaps, gapBefore(track, observedUntil));
  return toDowntimeWindow(track.series, { ...open, gaps }, { end: null, now });
}

function toDowntimeWindow(
  series: Series,
  open: OpenWindow,
  { end, now }: { end: Bracket | null; now: Millis },
): TrackedWindow {
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
    startBy: probe,
    endBy: probe,
    knownUntil: open.knownUntil,
    exitedBy: open.exitedBy,
    duration: NO_DOWNTIME,
    downtime: NO_DOWNTIME,
    failedRuns: open.failedRun === null ? [] : [open.failedRun],
    failedShare: null,
    sinceFailure: open.sinceFailure,
    gaps: inOrder(open.gaps),
    failedSamples: open.samples,
    causes: open.causes.toSorted((a, b) => b.count - a.count),
    provisional: false,
  };
  const duration = seconds([extentOf(window, now)]);
  return { ...window, duration, downtime: window.kind === 'down' ? duration : NO_DOWNTIME };
}
