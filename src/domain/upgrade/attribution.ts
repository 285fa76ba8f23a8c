import { partitionPoint } from '../binary-search.ts';
import { type DowntimeWindow, isOutage, sharedEdge } from '../downtime/window.ts';
import { accountOf, type ProbeDescription } from '../probe.ts';
import type { Bracket, Millis } from '../time.ts';
import { type PhaseInterval, phaseAt } from './phases.ts';
import type { KnownTask, TaskRegistry } from './task-registry.ts';

/**
 * How far from a bracket a task may be and still be a candidate, in milliseconds. It covers the difference between the
 * clocks of two hosts, and the delay between a task and its effect.
 */
export const ATTRIBUTION_SLACK_MS = 250;

/**
 * A task that waits for a service to exit ends as soon as the service has exited, and the next task starts before
 * Rollwatch sees the reset. A task that is younger than this when the reset is seen did not stop the service.
 */
const MIN_TASK_AGE_MS = 20;

/**
 * How many candidates are listed on each side of the estimate, the nearest ones. Ten thousand tasks may run, and every
 * window has its own list.
 */
const MAX_CANDIDATES_PER_SIDE = 100;

/** A window with the tasks that may have caused it. */
export type AttributedWindow = DowntimeWindow & {
  /** The probe whose downtime it is part of: its own, or the one that its own sharpens. */
  readonly countsFor: string;
  /** The phase of the upgrade in which it started, if any. */
  readonly phase: string | null;
  /** Most likely first; empty if no task was running. */
  readonly candidates: readonly KnownTask[];
};

type TaskLookup = Pick<TaskRegistry, 'during' | 'startedIn'>;

/**
 * Returns the tasks that were running when a window may have started, according to its bracket. The first one is the
 * task that started last before `estimate`; tasks that started after `estimate` come last.
 */
export function candidates(
  { start, estimate = start.estimate }: { readonly start: Bracket; readonly estimate?: Millis },
  tasks: TaskLookup,
): readonly KnownTask[] {
  const from = start.earliest - ATTRIBUTION_SLACK_MS;
  const until = start.latest + ATTRIBUTION_SLACK_MS;
  const limit = MAX_CANDIDATES_PER_SIDE;
  const before = tasks.during({ from, until: Math.min(estimate, until), limit });
  return [...before.toReversed(), ...tasks.startedIn({ from: estimate, until, limit })];
}

/** Adds the phase and the candidates to each of `windows`, which are in order of estimated start. */
export const attributeWindows = (
  windows: readonly DowntimeWindow[],
  {
    tasks,
    phases,
    probes,
  }: {
    readonly tasks: TaskLookup;
    readonly phases: readonly PhaseInterval[];
    readonly probes: readonly Pick<ProbeDescription, 'name' | 'dependsOn' | 'sharpens'>[];
  },
): readonly AttributedWindow[] => {
  /** For each window, the windows of the same kind and probe, over any connection, and its index among them. */
  const peers = new Map<DowntimeWindow, { readonly windows: readonly DowntimeWindow[]; readonly index: number }>();
  for (const group of Map.groupBy(windows, kindAndProbe).values())
    for (const [index, window] of group.entries()) peers.set(window, { windows: group, index });
  const preciseStart = (window: DowntimeWindow): Millis => {
    const { windows: group, index } = peers.get(window) ?? { windows: [window], index: 0 };
    return preciseStartAt(group, index);
  };
  const dependencies = new Map(probes.map(({ name, dependsOn }) => [name, dependsOn]));
  const needed = new Set(dependencies.values());
  const neededWindows = windows.filter((window) => isOutage(window) && needed.has(window.probe));
  const startsOf = new Map(
    [...Map.groupBy(neededWindows, kindAndProbe)].map(([key, group]) => [
      key,
      group.map(preciseStart).toSorted((a, b) => a - b),
    ]),
  );
  return windows.map((window) => {
    const own = preciseStart(window);
    const dependency = dependencies.get(window.probe) ?? null;
    const starts = dependency === null ? [] : (startsOf.get(kindAndProbe({ ...window, probe: dependency })) ?? []);
    const estimate = isOutage(window) ? (lastWithin(starts, window.start.earliest, own) ?? own) : own;
    const found = candidates({ start: window.start, estimate }, tasks);
    // A task causes nothing before it starts.
    const startedAt = Math.max(estimate, Math.min(found[0]?.start ?? estimate, window.start.latest));
    const countsFor = accountOf(probes, window.probe);
    return { ...window, countsFor, candidates: found, phase: phaseAt(phases, startedAt) };
  });
};

/** Returns the last of the sorted times that is within [from, until]. */
function lastWithin(times: readonly Millis[], from: Millis, until: Millis): Millis | undefined {
  const found = times[partitionPoint(times.length, (index) => (times[index] ?? Infinity) <= until) - 1];
  return found !== undefined && found >= from ? found : undefined;
}

const kindAndProbe = ({ kind, cloud, vantage, probe }: DowntimeWindow): string =>
  JSON.stringify([isOutage({ kind }), cloud, vantage, probe]);

/**
 * Returns the start of `windows[index]`, estimated from both connections together: they are sampled half an interval
 * apart, and most outages start on both at once. The result orders the candidates and decides the phase, but never
 * removes a candidate. `windows` are of one kind and probe, by estimated start.
 */
function preciseStartAt(windows: readonly DowntimeWindow[], index: number): Millis {
  const window = windows[index];
  if (window === undefined) throw new Error(`no window at index ${index}`);
  const { start } = window;
  const others = windowsOfOtherConnection(windows, index);
  const both = [window, ...others];
  // The task that stops or kills a service is still running when the service exits, even if requests were lost before.
  const exitedBy = both.find((member) => member.exitedBy !== null)?.exitedBy ?? null;
  if (exitedBy !== null && exitedBy >= start.earliest) {
    const latest = Math.min(...both.map((member) => member.start.latest));
    return Math.max(start.earliest, Math.min(exitedBy - MIN_TASK_AGE_MS, latest));
  }
  const { from, until } = sharedEdge(
    start,
    others.map((other) => other.start),
  );
  return (from + until) / 2;
}

/** Returns the windows of the other connection that may have started at the same time. */
function windowsOfOtherConnection(windows: readonly DowntimeWindow[], index: number): readonly DowntimeWindow[] {
  const window = windows[index];
  if (window === undefined || window.connection === '') return [];
  const reach = window.start.latest - window.start.earliest;
  const isNear = (other: DowntimeWindow | undefined): other is DowntimeWindow =>
    other !== undefined && Math.abs(other.start.estimate - window.start.estimate) <= reach;
  let from = index;
  let until = index;
  while (isNear(windows[from - 1])) from--;
  while (isNear(windows[until + 1])) until++;
  return windows.slice(from, until + 1).filter(({ connection }) => connection !== window.connection);
}
