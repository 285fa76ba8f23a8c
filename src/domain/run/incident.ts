import { shareBounds } from '../downtime/confidence.ts';
import { type Outage, outagesOf, type SeriesOutages } from '../downtime/outages.ts';
import { totalDowntime } from '../downtime/total.ts';
import { addCauses, type CauseCount, failedSlots, isOutage, type Measured, sampleSentAt } from '../downtime/window.ts';
import { length, subtract } from '../interval.ts';
import { seriesId, targetId } from '../sample.ts';
import type { Bracket, Interval, Millis } from '../time.ts';
import type { AttributedWindow } from '../upgrade/attribution.ts';
import type { KnownTask } from '../upgrade/task-registry.ts';

/**
 * What a person would call one outage of a cloud: down and partial windows of any probe, connection and target, from any
 * vantage, that overlap or touch. A window reaches from the last ok sample before it to the first one after it; time
 * that was not observed joins nothing.
 */
export type Incident = {
  /** Stable: the same journal always yields the same id. */
  readonly id: string;
  readonly cloud: string;
  /** `partial` if no window is down. */
  readonly kind: 'down' | 'partial';
  readonly start: Bracket;
  /** Null while any of its windows is open. */
  readonly end: Bracket | null;
  /** From start to end, in seconds; until now while it is open. */
  readonly duration: Measured;
  /** What failed, in order of first failure. */
  readonly affected: readonly Affected[];
  /** In order of first appearance. */
  readonly causes: readonly CauseCount[];
  /** The tasks that may have caused it, most likely first: those of the window that started first. */
  readonly candidates: readonly KnownTask[];
  /** The phase of the upgrade in which it started, if any. */
  readonly phase: string | null;
  /** By estimated start. */
  readonly windows: readonly AttributedWindow[];
  /** A sample sent before one of its edges is still in flight. */
  readonly provisional: boolean;
};

/** One probe's part of an incident, from one vantage. */
export type Affected = {
  readonly vantage: string;
  readonly probe: string;
  readonly kind: 'down' | 'partial';
  readonly connections: readonly string[];
  readonly targets: readonly string[];
  readonly start: Bracket;
  readonly end: Bracket | null;
  /** From start to end, in seconds. */
  readonly duration: Measured;
  /** How much of it counts as downtime, in seconds, over all connections and targets. */
  readonly downtime: Measured;
  /** The share of samples that failed, if only some did. */
  readonly failedShare: Measured | null;
  /** The most likely task of its first window, and how many others there are. */
  readonly task: KnownTask | null;
  readonly otherTasks: number;
  /** The phase of the upgrade in which its first window started, if any. */
  readonly phase: string | null;
};

/** Finds the incidents in order of start. `windows` are those of `allSeries`, attributed, in order of estimated start. */
export function incidentsOf(
  windows: readonly AttributedWindow[],
  allSeries: readonly SeriesOutages[],
): readonly Incident[] {
  const seriesById = new Map(allSeries.map((series) => [seriesId(series.series), series]));
  const clouds = Map.groupBy(windows.filter(isOutage), ({ cloud }) => cloud);
  return [...clouds.values()]
    .flatMap(groupByContact)
    .map((group) => incidentOf(group, seriesById))
    .sort((a, b) => a.start.estimate - b.start.estimate);
}

/** Groups windows that overlap or touch, each in order of estimated start. */
function groupByContact(windows: readonly AttributedWindow[]): readonly (readonly AttributedWindow[])[] {
  const pieces = windows
    .flatMap((window) => reachOf(window).map((reach) => ({ window, ...reach })))
    .sort((a, b) => a.from - b.from);
  const groupOf = new Map<AttributedWindow, Set<AttributedWindow>>();
  let current = new Set<AttributedWindow>();
  let reached = -Infinity;
  for (const { window, from, until } of pieces) {
    if (from > reached) current = new Set();
    const other = groupOf.get(window) ?? new Set([window]);
    const [large, small] = current.size > other.size ? [current, other] : [other, current];
    for (const member of small) large.add(member);
    for (const member of small) groupOf.set(member, large);
    groupOf.set(window, large);
    current = large;
    reached = Math.max(reached, until);
  }
  return [...new Set(groupOf.values())].map((group) => [...group].sort((a, b) => a.start.estimate - b.start.estimate));
}

/** Returns the observed time from the last ok sample before a window to the first one after it. */
function reachOf({ start, end, gaps }: AttributedWindow): readonly Interval[] {
  const until = end === null ? Infinity : Math.min(sampleSentAt(end), end.latest);
  const whole = { from: start.earliest, until: Math.max(until, start.latest) };
  const observed = subtract([whole], gaps);
  return observed.length > 0 ? observed : [{ from: start.earliest, until: start.latest }];
}

function incidentOf(windows: readonly AttributedWindow[], seriesById: ReadonlyMap<string, SeriesOutages>): Incident {
  const [first] = windows;
  if (first === undefined) throw new Error('an incident without windows');
  const byProbe = Map.groupBy(windows, ({ vantage, countsFor }) => JSON.stringify([vantage, countsFor]));
  return {
    id: first.id.replace(/^(down|partial)-/, 'incident-'),
    cloud: first.cloud,
    kind: kindOf(windows),
    ...extentOfIncident(windows, seriesById),
    affected: [...byProbe.values()].map((group) => affectedBy(group, seriesById)),
    causes: addCauses(windows.flatMap(({ causes }) => causes)),
    candidates: first.candidates,
    phase: first.phase,
    windows,
    provisional: windows.some(({ provisional }) => provisional),
  };
}

const kindOf = (windows: readonly AttributedWindow[]): Incident['kind'] =>
  windows.some(({ kind }) => kind === 'down') ? 'down' : 'partial';

/** Returns the outages of some windows of an incident. */
function outagesAmong(
  windows: readonly AttributedWindow[],
  seriesById: ReadonlyMap<string, SeriesOutages>,
): readonly Outage[] {
  // All connections of a target are needed, even those without a window: they tell how often the target is sampled.
  const targets = new Set(windows.map(targetId));
  const all = [...seriesById.values()].filter(({ series }) => targets.has(targetId(series)));
  return outagesOf(
    all.map((series) => ({
      ...series,
      windows: windows.filter((window) => seriesId(window) === seriesId(series.series)),
    })),
  );
}

/** Returns the edges of an incident, or of one probe's part of it, and the observed time between them. */
function extentOfIncident(
  windows: readonly AttributedWindow[],
  seriesById: ReadonlyMap<string, SeriesOutages>,
): Pick<Incident, 'start' | 'end' | 'duration'> {
  const observed = outagesAmong(windows, seriesById).flatMap(({ extent }) => extent.estimate);
  const isPartial = kindOf(windows) === 'partial';
  const start = edgeOf(
    windows.map((window) => window.start),
    {
      pick: Math.min,
      agreed: isPartial || observed.length === 0 ? null : Math.min(...observed.map(({ from }) => from)),
    },
  );
  const ends = windows.flatMap(({ end }) => (end === null ? [] : [end]));
  const end =
    ends.length < windows.length
      ? null
      : edgeOf(ends, {
          pick: Math.max,
          agreed: isPartial || observed.length === 0 ? null : Math.max(...observed.map(({ until }) => until)),
        });
  const known = Math.max(...windows.map(({ knownUntil }) => knownUntil));
  const now = Math.max(...windows.map((window) => seriesById.get(seriesId(window))?.watched.until ?? known));
  const unobserved = subtract(
    windows.flatMap(({ gaps }) => gaps),
    observed,
  );
  const lasting = (from: Millis, until: Millis): number => length(subtract([{ from, until }], unobserved)) / 1000;
  return {
    start,
    end,
    duration: {
      min: lasting(start.latest, end?.earliest ?? known),
      estimate: lasting(start.estimate, end?.estimate ?? now),
      max: lasting(start.earliest, end?.latest ?? now),
    },
  };
}

/** Returns the first or the last of some edges. `agreed`: the estimate on which the windows agree, if they do. */
function edgeOf(
  edges: readonly Bracket[],
  { pick, agreed }: { readonly pick: (...times: readonly Millis[]) => Millis; readonly agreed: Millis | null },
): Bracket {
  const earliest = pick(...edges.map((edge) => edge.earliest));
  const latest = pick(...edges.map((edge) => edge.latest));
  const estimate = agreed ?? pick(...edges.map((edge) => edge.estimate));
  return { earliest, estimate: Math.min(Math.max(estimate, earliest), latest), latest };
}

function affectedBy(windows: readonly AttributedWindow[], seriesById: ReadonlyMap<string, SeriesOutages>): Affected {
  const [first] = windows;
  if (first === undefined) throw new Error('a part of an incident without windows');
  const kind = kindOf(windows);
  return {
    vantage: first.vantage,
    probe: first.countsFor,
    kind,
    connections: unique(windows.map(({ connection }) => connection)),
    targets: unique(windows.map(({ target }) => target)),
    ...extentOfIncident(windows, seriesById),
    downtime: totalDowntime(outagesAmong(windows, seriesById)),
    failedShare: kind === 'partial' ? failedShareOf(windows) : null,
    task: first.candidates[0] ?? null,
    otherTasks: Math.max(0, first.candidates.length - 1),
    phase: first.phase,
  };
}

const unique = (names: readonly string[]): readonly string[] => [...new Set(names)].filter((name) => name !== '');

/** Returns the share of all regular samples in some partial windows that failed, with its 95 % interval. */
function failedShareOf(windows: readonly AttributedWindow[]): Measured {
  const slots = windows.reduce((sum, { failedShare }) => sum + (failedShare?.slots ?? 0), 0);
  const failed = windows.reduce((sum, window) => sum + failedSlots(window), 0);
  const { low, high } = shareBounds(failed, slots);
  return { min: low, estimate: slots === 0 ? 0 : failed / slots, max: high };
}
