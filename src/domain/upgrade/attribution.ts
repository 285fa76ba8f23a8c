import type { DowntimeWindow } from '../downtime/window.ts';
import type { Bracket, Millis } from '../time.ts';
import { type PhaseStretch, phaseAt } from './phases.ts';
import type { KnownTask, TaskBook } from './task-registry.ts';

/**
 * Clocks of two machines, and the time from a task's doing to its effect: tasks so near to a bracket are candidates too,
 * in milliseconds.
 */
export const SLACK = 250;

/**
 * What waits for a service to exit ends as the service has gone, and the next task begins with it, before we see the reset:
 * a task that is younger than this by then, in milliseconds, has not stopped the service.
 */
const AT_IT = 20;

/** Before the estimate, and after it: those nearest to it. Ten thousand tasks may run, and each window has its own list. */
export const MOST_CANDIDATES = 100;

/** A window with those who may have brought it about. */
export type BlamedWindow = DowntimeWindow & {
  /** The phase of the upgrade in which it began, if any. */
  readonly phase: string | null;
  /** The first is the one to blame; none is an answer. */
  readonly candidates: readonly KnownTask[];
};

/**
 * All tasks that were under way when the window may have begun, by its bracket. The first is the one that began last
 * before `estimate`; those that began after it come last.
 */
export function candidates(
  { start, estimate = start.estimate }: { readonly start: Bracket; readonly estimate?: Millis },
  tasks: Pick<TaskBook, 'during' | 'begun'>,
): readonly KnownTask[] {
  const from = start.earliest - SLACK;
  const until = start.latest + SLACK;
  const before = tasks.during({ from, until: Math.min(estimate, until), most: MOST_CANDIDATES });
  return [...before.toReversed(), ...tasks.begun({ from: estimate, until, most: MOST_CANDIDATES })];
}

/** `windows` by their estimated start, as reports have them. */
export const blamed = (
  windows: readonly DowntimeWindow[],
  { tasks, phases }: { readonly tasks: Pick<TaskBook, 'during' | 'begun'>; readonly phases: readonly PhaseStretch[] },
): readonly BlamedWindow[] => {
  /** Windows of one kind and probe, whatever the connection. */
  const alike = new Map<DowntimeWindow, { readonly windows: readonly DowntimeWindow[]; readonly index: number }>();
  for (const some of Map.groupBy(windows, kindAndProbe).values())
    for (const [index, window] of some.entries()) alike.set(window, { windows: some, index });
  const sharp = (window: DowntimeWindow): Millis => {
    const { windows: some, index } = alike.get(window) ?? { windows: [window], index: 0 };
    return sharpEstimate(some, index);
  };
  const lists = Map.groupBy(
    windows.filter(({ kind, probe }) => kind === 'down' && probe === 'server-list'),
    placeOf,
  );
  const listStarts = new Map([...lists].map(([place, some]) => [place, some.map(sharp).toSorted((a, b) => a - b)]));
  return windows.map((window) => {
    const own = sharp(window);
    const boots = window.kind === 'down' && window.probe === 'server-boot';
    const estimate = boots
      ? (lastWithin(listStarts.get(placeOf(window)) ?? [], window.start.earliest, own) ?? own)
      : own;
    const found = candidates({ start: window.start, estimate }, tasks);
    // Nothing is brought about before it has begun.
    const began = Math.max(estimate, Math.min(found[0]?.start ?? estimate, window.start.latest));
    return { ...window, candidates: found, phase: phaseAt(phases, began) };
  });
};

const placeOf = ({ cloud, vantage }: DowntimeWindow): string => JSON.stringify([cloud, vantage]);

/**
 * The last of these sorted moments that lies between two. Boots are asked for less often than lists: where lists fail
 * from a moment on that lies between the last proof of booting and the boot that failed, it is one and the same outage.
 */
function lastWithin(moments: readonly Millis[], from: Millis, until: Millis): Millis | undefined {
  let low = 0;
  let high = moments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((moments[middle] ?? Infinity) <= until) low = middle + 1;
    else high = middle;
  }
  const found = moments[low - 1];
  return found !== undefined && found >= from ? found : undefined;
}

const kindAndProbe = ({ kind, cloud, vantage, probe }: DowntimeWindow): string =>
  JSON.stringify([kind, cloud, vantage, probe]);

/**
 * When a window of the server list began, as both connections together know it: they are sampled half an interval
 * apart, and most outages begin on both at once. It orders the candidates, and takes none away.
 * `windows` are of one kind and probe, by their estimated start.
 */
function sharpEstimate(windows: readonly DowntimeWindow[], index: number): Millis {
  const window = windows[index];
  if (window === undefined) throw new Error('no such window');
  const { start } = window;
  const others = neighbours(windows, index);
  // Who stops or kills a service is at it still when it goes, whatever was lost before.
  const gone = [window, ...others].find((one) => one.goneBy !== null)?.goneBy ?? null;
  if (gone !== null && gone >= start.earliest) {
    const latest = Math.min(...[window, ...others].map((one) => one.start.latest));
    return Math.max(start.earliest, Math.min(gone - AT_IT, latest));
  }
  let shared = { from: start.earliest, until: sentBy(start) };
  for (const other of others) {
    const both = {
      from: Math.max(shared.from, other.start.earliest),
      until: Math.min(shared.until, sentBy(other.start)),
    };
    if (both.from < both.until) shared = both;
  }
  return (shared.from + shared.until) / 2;
}

/** The windows of the other connection that may have begun at the same moment. */
function neighbours(windows: readonly DowntimeWindow[], index: number): readonly DowntimeWindow[] {
  const window = windows[index];
  if (window === undefined || window.connection === '') return [];
  const reach = window.start.latest - window.start.earliest;
  const near = (one: DowntimeWindow | undefined): one is DowntimeWindow =>
    one !== undefined && Math.abs(one.start.estimate - window.start.estimate) <= reach;
  let from = index;
  let until = index;
  while (near(windows[from - 1])) from--;
  while (near(windows[until + 1])) until++;
  return windows.slice(from, until + 1).filter((one) => one.connection !== window.connection);
}

/** When the sample behind the edge was sent: the estimate lies midway between that and `earliest`. */
const sentBy = ({ earliest, estimate }: Bracket): Millis => 2 * estimate - earliest;
