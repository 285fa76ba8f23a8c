import { intersect, length } from '../interval.ts';
import type { Bracket, Interval, Millis } from '../time.ts';
import { shareBounds } from './confidence.ts';
import type { SinceFailure, TrackedWindow } from './tracker.ts';
import {
  addCauses,
  type DowntimeWindow,
  type FailedRun,
  failedSlots,
  type Measured,
  seconds,
  spanOf,
} from './window.ts';

/**
 * The rules that join the down windows of one series to partial ones. `f` is a failed slot, `.` an ok one, and `.60` are
 * sixty of them in a row; extra samples count only where the rules say so.
 *
 *   ffffffffff .25 fffff                 two windows: two down
 *   f . f .. f . ff ...                  three runs of failures or more: partial
 *   f .40 f .50 f                        partial, as at most 60 ok slots lie between two failures
 *   f .70 f .70 f                        three down; so are failed boots that are more than 60 intervals apart
 *   f . f . f . f . f .40 f              partial, then down: where half of the requests fail, 40 ok ones in a row are no
 *                                        chance. From five runs on this decides, up to 120 ok slots.
 *   f . f .. ffffffffffff . f .. f       partial, down, partial: twelve failures in a row are no chance. Here extra
 *                                        samples count: a short outage fails several of them, a dead backend only some.
 *   boots: A . B . C                     three down, as these failures have no cause in common: a boot needs many
 *                                        services, and each of them can fail by itself
 *   f . f . f                            open until a failure would no longer be joined to it, so that an alert for it
 *                                        stays open; then closed with its last failure
 *   f . f (daemon dead) f                not joined if more than 60 slots were unobserved
 *
 * A partial window begins before its first failure and ends after its last one: with a share p of failed requests,
 * (1 - p) / p ok ones in a row are to be expected. The estimates of its edges allow for that, and its brackets contain
 * the true edge with a probability of 95 %. Its downtime is the failed share of its duration, which equals its failed
 * slots times the interval between slots.
 */

/** Fewer runs of failures than this are down windows. */
const MIN_RUNS = 3;
/** With fewer runs, the share of failed samples is unknown, and `MAX_OK_SLOTS_AT_FIRST` decides. */
const MIN_RUNS_FOR_SHARE = 5;
const MAX_OK_SLOTS_AT_FIRST = 60;
const MAX_OK_SLOTS = 120;
const MAX_UNOBSERVED_SLOTS = 60;
/** So many ok slots in a row that they are less likely than this by chance end a partial window. */
const END_PROBABILITY = 1e-4;
/** So many failures in a row that any of the runs has so many with a lower probability are a down window. */
const DOWN_PROBABILITY = 0.01;
/** An edge is not farther from its failure than this many ok slots in a row, with a probability of 95 %. */
const EDGE_PROBABILITY = 0.05;

/** What limits the windows of a series. */
export type PartialContext = {
  /** Milliseconds between two slots. */
  readonly interval: number;
  /** What was observed since the last down window, if that is closed. */
  readonly sinceFailure: SinceFailure;
  /** The time for which the series was watched; it is over if `ended`. */
  readonly watched: Interval;
  /** All unobserved time, in order. */
  readonly gaps: readonly Interval[];
  readonly ended: boolean;
  /** Whether a down window is an outage of its own, as a sharper probe saw it. */
  readonly isSeparate: (window: DowntimeWindow) => boolean;
  /** Whether failures are one outage only if they have a cause in common. */
  readonly joinsSameCause: boolean;
};

/** Joins the down windows of a series, which are in order, to partial ones where failures and successes interleave. */
export function joinPartialOutages(
  windows: readonly TrackedWindow[],
  context: PartialContext,
): readonly DowntimeWindow[] {
  const outages = windows.filter((window) => window.kind === 'down' && !context.isSeparate(window));
  if (outages.length < MIN_RUNS) return windows.map(withoutTracking);
  const parts = episodesOf(outages, context).flatMap(splitOffDown);
  const last = parts.at(-1);
  const joined = parts.flatMap((part, index): readonly DowntimeWindow[] => {
    if (part.windows.length < MIN_RUNS) return part.windows.map(withoutTracking);
    const isOpen = part === last && !context.ended && isJoined(part, { ...context, at: context.watched.until });
    return [
      partialWindow(part, {
        free: {
          from: parts[index - 1]?.windows.at(-1)?.end?.latest ?? context.watched.from,
          until: parts[index + 1]?.windows[0]?.start.earliest ?? context.watched.until,
        },
        isOpen,
        now: context.watched.until,
        gaps: context.gaps,
      }),
    ];
  });
  const isOutage = new Set(outages);
  const others = windows.filter((window) => !isOutage.has(window)).map(withoutTracking);
  return [...joined, ...others].sort((a, b) => a.start.estimate - b.start.estimate);
}

const withoutTracking = ({ sinceFailure: _sinceFailure, ...window }: TrackedWindow): DowntimeWindow => window;

/** Runs of failures, and the slots from the first one to the last one. */
type Episode = { readonly windows: TrackedWindow[]; failed: number; slots: number };

const beginEpisode = (window: TrackedWindow): Episode => ({
  windows: [window],
  failed: failedSlots(window),
  slots: failedSlots(window),
});

function extendEpisode(episode: Episode, window: TrackedWindow): void {
  const failed = failedSlots(window);
  episode.windows.push(window);
  episode.failed += failed;
  episode.slots += failed + window.sinceFailure.okSlots;
}

/** Groups windows that may belong to one partial outage. */
function episodesOf(
  windows: readonly TrackedWindow[],
  { interval, joinsSameCause }: Pick<PartialContext, 'interval' | 'joinsSameCause'>,
): readonly Episode[] {
  const episodes: Episode[] = [];
  for (const window of windows) {
    const episode = episodes.at(-1);
    const { sinceFailure, failedRuns, start } = window;
    const at = failedRuns[0]?.from ?? start.latest;
    const isSame =
      episode !== undefined &&
      isJoined(episode, { sinceFailure, interval, at }) &&
      (!joinsSameCause || hasCauseOf(episode, window));
    if (isSame) extendEpisode(episode, window);
    else episodes.push(beginEpisode(window));
  }
  return episodes;
}

const hasCauseOf = ({ windows }: Episode, { causes }: TrackedWindow): boolean =>
  windows.some((window) =>
    window.causes.some(({ kind, service }) => causes.some((cause) => cause.kind === kind && cause.service === service)),
  );

type NextFailure = { readonly sinceFailure: SinceFailure; readonly interval: number; readonly at: Millis };

/** Whether a failure at a time would still belong to the episode, after what was observed since its last failure. */
function isJoined({ windows, failed, slots }: Episode, { sinceFailure, interval, at }: NextFailure): boolean {
  const { okSlots, unobserved } = sinceFailure;
  if (unobserved > MAX_UNOBSERVED_SLOTS * interval) return false;
  const maxOkSlots = windows.length < MIN_RUNS_FOR_SHARE ? MAX_OK_SLOTS_AT_FIRST : MAX_OK_SLOTS;
  // A boot takes longer than the interval: sixty boots are five minutes, in which much else can have failed.
  const observed = at - (windows.at(-1)?.knownUntil ?? at) - unobserved;
  if (okSlots > maxOkSlots || observed > (maxOkSlots + 2) * interval) return false;
  return windows.length < MIN_RUNS_FOR_SHARE || (1 - shareBounds(failed, slots).low) ** okSlots >= END_PROBABILITY;
}

/**
 * Whether any of `runs` runs of failures may be as long as that of a window by chance, if requests fail with this share.
 */
export const isByChance = ({ failedSamples }: DowntimeWindow, share: number, runs = 1): boolean =>
  share ** (failedSamples - 1) >= DOWN_PROBABILITY / runs;

/** Splits an episode at runs of failures that are too long for chance, given the share of failures in the rest. */
function splitOffDown(episode: Episode): readonly Episode[] {
  const down = new Set<TrackedWindow>();
  let { failed, slots } = episode;
  let before = -1;
  while (before < down.size && episode.windows.length - down.size >= MIN_RUNS) {
    before = down.size;
    const rest = { failed, slots };
    for (const window of episode.windows) {
      if (down.has(window)) continue;
      const own = failedSlots(window);
      const share = (rest.failed - own + 0.5) / (rest.slots - own + 1);
      if (isByChance(window, share, episode.windows.length)) continue;
      down.add(window);
      failed -= own;
      slots -= own;
    }
  }
  if (down.size === 0) return [episode];
  const parts: Episode[] = [];
  let isDown = true;
  for (const window of episode.windows) {
    const part = parts.at(-1);
    if (part === undefined || isDown || down.has(window)) parts.push(beginEpisode(window));
    else extendEpisode(part, window);
    isDown = down.has(window);
  }
  return parts;
}

/** Builds the partial window of an episode. Its edges stay within the time that its neighbours leave. */
function partialWindow(
  { windows: group, failed, slots }: Episode,
  { free, isOpen, now, gaps: allGaps }: { free: Interval; isOpen: boolean; now: Millis; gaps: readonly Interval[] },
): DowntimeWindow {
  const [first] = group;
  const last = group.at(-1);
  if (first === undefined || last === undefined) throw new Error('a partial window without failures');
  const failedRuns = group.flatMap((window) => window.failedRuns);
  const width = slotWidth(failedRuns, slots, allGaps);
  // The first and the last failure are there by definition: they would raise the share.
  const share = Math.max(0, failed - 1) / Math.max(1, slots - 1);
  const wait = share > 0 ? (width * (1 - share)) / share : 0;
  const longestWait = share > 0 && share < 1 ? (width * Math.log(EDGE_PROBABILITY)) / Math.log(1 - share) : 0;
  const earlier = (at: Millis, by: number) => Math.min(at, Math.max(free.from, at - by));
  const later = (at: Millis, by: number) => Math.max(at, Math.min(free.until, at + by));
  const start: Bracket = {
    earliest: earlier(first.start.earliest, longestWait),
    estimate: earlier(first.start.estimate, wait),
    latest: first.start.latest,
  };
  const end: Bracket | null =
    isOpen || last.end === null
      ? null
      : {
          earliest: last.end.earliest,
          estimate: later(last.end.estimate, wait),
          latest: later(last.end.latest, longestWait),
        };
  const { low, high } = shareBounds(failed, slots);
  const window: DowntimeWindow = {
    ...withoutTracking(first),
    id: first.id.replace(/^down-/, 'partial-'),
    kind: 'partial',
    start,
    end,
    knownUntil: last.knownUntil,
    exitedBy: null,
    gaps: intersect(allGaps, [{ from: start.estimate, until: end?.estimate ?? now }]),
    failedSamples: group.reduce((sum, { failedSamples }) => sum + failedSamples, 0),
    failedRuns,
    failedShare: { min: low, estimate: share, max: high, slots, width },
    causes: addCauses(group.flatMap(({ causes }) => causes)).toSorted((a, b) => b.count - a.count),
    provisional: group.some(({ provisional }) => provisional),
    downtime: scaled({ min: low * slots, estimate: failed, max: high * slots }, width / 1000),
  };
  return { ...window, duration: seconds([spanOf(window, now)]) };
}

const scaled = ({ min, estimate, max }: Measured, factor: number): Measured => ({
  min: min * factor,
  estimate: estimate * factor,
  max: max * factor,
});

/** Returns the observed time between two slots in milliseconds, on average from the first failed slot to the last. */
function slotWidth(runs: readonly FailedRun[], slots: number, gaps: readonly Interval[]): number {
  const from = runs[0]?.from ?? 0;
  const until = runs.at(-1)?.until ?? from;
  return slots > 1 ? (until - from - length(intersect(gaps, [{ from, until }]))) / (slots - 1) : 0;
}
