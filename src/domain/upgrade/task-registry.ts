import { partitionPoint } from '../binary-search.ts';
import type { Interval, Millis } from '../time.ts';
import { didNothing, TASK_SOURCES, type Task, type TaskSource, withoutArguments } from './task.ts';

/** A task, merged from the reports of all its sources. */
export type KnownTask = Task & {
  /** Most reliable first. */
  readonly sources: readonly TaskSource[];
  /**
   * The latest time until which it may have run: its end, or an upper bound if none was reported; Infinity while
   * running.
   */
  readonly lastedUntil: Millis;
};

/** Counts reports, not tasks: a task that two sources report counts twice. */
export type TaskLoad = { readonly reported: number; readonly running: number };

export type TaskRegistry = {
  /** Adds a report; it replaces the previous one with the same id. */
  report(task: Task): void;
  /** Whether the source of a task has reported its end. */
  hasEnded(id: string): boolean;
  /** Removes a task. */
  forget(id: string): void;
  /** Returns all tasks by start time. */
  all(): readonly KnownTask[];
  /**
   * Returns the tasks that may have been running at any time within the interval, by start time: the last `limit` of
   * them. Tasks that did nothing are left out, as in `startedIn`.
   */
  during(interval: Interval & { readonly limit?: number }): readonly KnownTask[];
  /**
   * Returns the tasks that started after `from` and no later than `until`, by start time: the first `limit` of them.
   */
  startedIn(interval: Interval & { readonly limit: number }): readonly KnownTask[];
  running(): readonly KnownTask[];
  /** Returns what the load would be after these reports. */
  loadWith(tasks: readonly Task[]): TaskLoad;
  /** Returns a number that changes with every change of the registry. */
  version(): number;
};

/** The largest difference between the start times that two sources report for a task: some know whole seconds only. */
const MAX_START_DIFFERENCE_MS = 1500;

/** A merged task before `lastedUntil` is computed, which depends on the next task. */
type MergedTask = Omit<KnownTask, 'lastedUntil'>;

/**
 * Creates a registry for tens of thousands of tasks, reported one by one. A report only marks its name as changed; the
 * next query merges all changed names at once, so a batch of reports costs little more than its size.
 */
export function createTaskRegistry(): TaskRegistry {
  const reports = new Map<string, Task>();
  /** Reports by name, then by id. */
  const reportsByName = new Map<string, Map<string, Task>>();
  const mergedByName = new Map<string, readonly MergedTask[]>();
  /** Names with reports since the last query. */
  const changedNames = new Set<string>();
  const knownByMerged = new WeakMap<MergedTask, KnownTask>();
  let merged: readonly MergedTask[] = [];
  let known: readonly KnownTask[] = [];
  /** The known tasks that may have had an effect. */
  let effective: readonly KnownTask[] = [];
  let effectiveEnds = createEndIndex([]);
  let running = 0;
  let version = 0;

  function forget(id: string): void {
    const task = reports.get(id);
    if (task === undefined) return;
    const key = nameKeyOf(task);
    reports.delete(id);
    if (task.status === 'running') running--;
    reportsByName.get(key)?.delete(id);
    changedNames.add(key);
    version++;
  }

  function refresh(): void {
    if (changedNames.size === 0) return;
    const replaced = new Set<MergedTask>();
    const fresh: MergedTask[] = [];
    for (const key of changedNames) {
      for (const task of mergedByName.get(key) ?? []) replaced.add(task);
      const reported = [...(reportsByName.get(key)?.values() ?? [])];
      if (reported.length === 0) {
        reportsByName.delete(key);
        mergedByName.delete(key);
      } else {
        const tasksOfName = mergeReports(reported.sort(byStart));
        mergedByName.set(key, tasksOfName);
        for (const task of tasksOfName) fresh.push(task);
      }
    }
    changedNames.clear();
    // Both parts are sorted already, so this sort only merges them.
    merged = [...merged.filter((task) => !replaced.has(task)), ...fresh.sort(byStart)].sort(byStart);
    known = merged.map((task, index) => toKnownTask(task, merged[index + 1]));
    effective = known.filter((task) => !didNothing(task));
    effectiveEnds = createEndIndex(effective.map((task) => task.lastedUntil));
  }

  /** Returns the same object as before if nothing changed, as callers cache by identity. */
  function toKnownTask(task: MergedTask, next: MergedTask | undefined): KnownTask {
    const until = lastedUntil(task, next);
    const before = knownByMerged.get(task);
    if (before !== undefined && before.lastedUntil === until) return before;
    const found = { ...task, lastedUntil: until };
    knownByMerged.set(task, found);
    return found;
  }

  return {
    report(task) {
      forget(task.id);
      const key = nameKeyOf(task);
      const tasks = reportsByName.get(key) ?? new Map<string, Task>();
      reportsByName.set(key, tasks.set(task.id, task));
      reports.set(task.id, task);
      if (task.status === 'running') running++;
      changedNames.add(key);
      version++;
    },
    hasEnded: (id) => (reports.get(id)?.end ?? null) !== null,
    forget,
    all() {
      refresh();
      return known;
    },
    during({ from, until, limit = Infinity }) {
      refresh();
      return effectiveEnds
        .lastEndingFrom(from, { before: firstAfter(effective, until), limit })
        .flatMap((index) => effective[index] ?? [])
        .reverse();
    },
    startedIn({ from, until, limit }) {
      refresh();
      const first = firstAfter(effective, from);
      return effective.slice(first, Math.min(first + limit, Math.max(first, firstAfter(effective, until))));
    },
    running() {
      refresh();
      return known.filter(({ status }) => status === 'running');
    },
    loadWith(tasks) {
      const added = [...new Map(tasks.map((task) => [task.id, task])).values()];
      const replaced = added.flatMap(({ id }) => reports.get(id) ?? []);
      const countRunning = (selected: readonly Task[]) => selected.filter(({ status }) => status === 'running').length;
      return {
        reported: reports.size + added.length - replaced.length,
        running: running + countRunning(added) - countRunning(replaced),
      };
    },
    version: () => version,
  };
}

type EndIndex = {
  /** Returns the last `limit` indexes less than `before` whose end is `from` or later, in descending order. */
  lastEndingFrom(from: Millis, options: { readonly before: number; readonly limit: number }): readonly number[];
};

/** Finds tasks by their end in logarithmic time per result: a binary tree of the latest end in each subtree. */
function createEndIndex(ends: readonly Millis[]): EndIndex {
  let width = 1;
  while (width < ends.length) width *= 2;
  const tree = new Float64Array(2 * width).fill(Number.NEGATIVE_INFINITY);
  tree.set(ends, width);
  for (let node = width - 1; node > 0; node--) tree[node] = Math.max(tree[2 * node] ?? 0, tree[2 * node + 1] ?? 0);
  return {
    lastEndingFrom(from, { before, limit }) {
      const found: number[] = [];
      const visit = (node: number, first: number, size: number): void => {
        if (first >= before || found.length >= limit || (tree[node] ?? 0) < from) return;
        if (size === 1) {
          found.push(first);
          return;
        }
        visit(2 * node + 1, first + size / 2, size / 2);
        visit(2 * node, first, size / 2);
      };
      visit(1, 0, width);
      return found;
    },
  };
}

/** Returns until when a task may have run. One without a reported end has ended when the next one started. */
function lastedUntil(task: MergedTask, next: MergedTask | undefined): Millis {
  if (task.end !== null) return Math.max(task.start, task.end);
  return task.status === 'running' ? Infinity : (next?.start ?? Infinity);
}

type Started = { readonly start: Millis; readonly id: string };

const byStart = (a: Started, b: Started): number => a.start - b.start || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** Returns the index of the first task that starts after `at`. */
const firstAfter = (tasks: readonly Started[], at: Millis): number =>
  partitionPoint(tasks.length, (index) => (tasks[index]?.start ?? Infinity) <= at);

/** Reports of the same task by different sources. */
type Group = {
  readonly index: number;
  readonly members: [Task, ...Task[]];
  readonly sources: Set<TaskSource>;
  /** Null while no member knows it. */
  play: string | null;
  role: string | null;
  /** Changes with every member, which makes older index entries invalid. */
  revision: number;
};

/**
 * Merges the reports of different sources for the same task. `tasks` have one name and are in order of start time. Each
 * joins the first group that started near enough, has no report of the same source, and has the same play and role or
 * does not know them.
 */
function mergeReports(tasks: readonly Task[]): readonly MergedTask[] {
  const sources = new Set(tasks.map(({ source }) => source));
  const groups: Group[] = [];
  /** Groups by a source that they lack, their play or any, and their role or any. */
  const openGroups = new Map<string, Heap>();
  let firstNear = 0;

  function addToIndex(group: Group): void {
    group.revision++;
    for (const source of sources) {
      if (group.sources.has(source)) continue;
      for (const key of keysOf(source, [group.play, ANY], [group.role, ANY])) {
        const heap = openGroups.get(key) ?? createHeap();
        openGroups.set(key, heap);
        heap.push({ group, revision: group.revision });
      }
    }
  }

  function firstOf(key: string): Group | null {
    const heap = openGroups.get(key);
    for (let entry = heap?.first(); entry !== undefined; entry = heap?.first()) {
      if (entry.revision === entry.group.revision && entry.group.index >= firstNear) return entry.group;
      heap?.pop();
    }
    return null;
  }

  for (const task of tasks) {
    while (task.start - (groups[firstNear]?.members[0].start ?? task.start) > MAX_START_DIFFERENCE_MS) firstNear++;
    const { source, play, role } = task;
    const found = keysOf(source, play === null ? [ANY] : [play, null], role === null ? [ANY] : [role, null])
      .map(firstOf)
      .reduce((a, b) => (b === null || (a !== null && a.index < b.index) ? a : b), null);
    const group = found ?? { index: groups.length, members: [task], sources: new Set(), play, role, revision: 0 };
    if (found === null) groups.push(group);
    else group.members.push(task);
    group.sources.add(source);
    group.play ??= play;
    group.role ??= role;
    if (sources.size > 1) addToIndex(group);
  }
  return groups.map(({ members }) => merge(members));
}

const ANY = Symbol('any play or role');
type KeyPart = string | null | typeof ANY;

const partKey = (part: KeyPart): string => (part === ANY ? 'any' : JSON.stringify(part));

const keysOf = (source: TaskSource, plays: readonly KeyPart[], roles: readonly KeyPart[]): readonly string[] =>
  plays.flatMap((play) => roles.map((role) => `${source} ${partKey(play)} ${partKey(role)}`));

/** Valid while the group has this revision. */
type HeapEntry = { readonly group: Group; readonly revision: number };

type Heap = { push(entry: HeapEntry): void; first(): HeapEntry | undefined; pop(): void };

/** Creates a binary heap, whose first entry is the group that was created first. */
function createHeap(): Heap {
  const heap: HeapEntry[] = [];
  const indexAt = (at: number): number => heap[at]?.group.index ?? Infinity;

  function swap(a: number, b: number): void {
    const [first, second] = [heap[a], heap[b]];
    if (first !== undefined) heap[b] = first;
    if (second !== undefined) heap[a] = second;
  }

  return {
    push(entry) {
      let at = heap.push(entry) - 1;
      for (let up = (at - 1) >> 1; at > 0 && indexAt(up) > indexAt(at); up = (at - 1) >> 1) {
        swap(at, up);
        at = up;
      }
    },
    first: () => heap[0],
    pop() {
      swap(0, heap.length - 1);
      heap.pop();
      for (let at = 0; ; ) {
        const down = indexAt(2 * at + 2) < indexAt(2 * at + 1) ? 2 * at + 2 : 2 * at + 1;
        if (indexAt(down) >= indexAt(at)) return;
        swap(at, down);
        at = down;
      }
    },
  };
}

/** Returns the kind and the normalised name of a task, without the role that some sources put before the name. */
const nameKeyOf = ({ kind, name, role }: Task): string => {
  const plain = role !== null && name.startsWith(`${role} : `) ? name.slice(role.length + 3) : name;
  return `${kind} ${withoutArguments(plain).trim().toLowerCase()}`;
};

const rank = ({ source }: Task): number => TASK_SOURCES.indexOf(source);

/** Takes the most reliable report and completes it from the others. */
function merge(group: readonly Task[]): MergedTask {
  const [best, ...others] = group.toSorted((a, b) => rank(a) - rank(b));
  if (best === undefined) throw new Error('no reports to merge');
  const first = <T>(pick: (task: Task) => T | null): T | null =>
    [best, ...others].map(pick).find((value) => value !== null) ?? null;
  const ended = [best, ...others].find(({ status }) => status === 'ok' || status === 'failed');
  const isUncertain = best.status === 'running' || best.status === 'unknown';
  const status = isUncertain ? (ended?.status ?? best.status) : best.status;
  const isDryRun = group.some((task) => task.status === 'dry-run');
  return {
    ...best,
    role: first((task) => task.role),
    play: first((task) => task.play),
    playbook: first((task) => task.playbook),
    hosts: [...new Set(group.flatMap(({ hosts }) => hosts))].toSorted(),
    groups: [...new Set(group.flatMap(({ groups }) => groups))].toSorted(),
    tags: [...new Set(group.flatMap(({ tags }) => tags))].toSorted(),
    // Only some sources recognise a dry run; others report its tasks as ok.
    status: isDryRun ? 'dry-run' : status,
    end: isUncertain && ended !== undefined ? ended.end : best.status === 'running' ? null : first((task) => task.end),
    sources: [best, ...others].map(({ source }) => source),
  };
}
