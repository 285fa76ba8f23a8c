import type { Interval, Millis } from '../time.ts';
import { didNothing, TASK_SOURCES, type Task, type TaskSource, withoutArguments } from './task.ts';

/** A task as all that told of it know it together. */
export type KnownTask = Task & {
  /** The one that knows best first. */
  readonly sources: readonly TaskSource[];
  /** Up to when it may have lasted: its end, or what bounds it where no end was told; Infinity while it runs. */
  readonly lastedUntil: Millis;
};

/** As told by each source: a task that two tell counts twice. */
export type TaskLoad = { readonly told: number; readonly running: number };

export type TaskBook = {
  /** What is told of a task later replaces what its source told before. */
  tell(task: Task): void;
  /** Whether its source has reported its end. */
  hasEnded(id: string): boolean;
  /** There never was such a task. */
  forget(id: string): void;
  /** By their start. */
  all(): readonly KnownTask[];
  /**
   * Those that may have done something in a stretch, by their start; of more than `most` those that began last. Tasks
   * that did nothing are left out here and in `begun`.
   */
  during(stretch: Interval & { readonly most?: number }): readonly KnownTask[];
  /** Those that began after `from` and up to `until`, by their start, `most` of them. */
  begun(stretch: Interval & { readonly most: number }): readonly KnownTask[];
  running(): readonly KnownTask[];
  /** How many would be told, and run, if these were told too. */
  loadWith(tasks: readonly Task[]): TaskLoad;
  /** Another number after each change. */
  version(): number;
};

/** The moments that two sources give for the start of one task lie no further apart: some know whole seconds alone. */
const APART = 1500;

/** What is known of a task, as long as nobody has looked at when the next one began. */
type United = Omit<KnownTask, 'lastedUntil'>;

/**
 * Tasks come one by one, ten thousand of them in a night. Telling only notes what changed; whoever looks next has the
 * names that changed looked at anew, all at once. So what comes together costs little more than its size.
 */
export function createTaskBook(): TaskBook {
  const told = new Map<string, Task>();
  /** Of each name all that was told, by id. */
  const named = new Map<string, Map<string, Task>>();
  /** Of each name what is known. */
  const unitedOf = new Map<string, readonly United[]>();
  /** Names of which something was told since somebody looked. */
  const changed = new Set<string>();
  const finished = new WeakMap<United, KnownTask>();
  let united: readonly United[] = [];
  let known: readonly KnownTask[] = [];
  /** Those of `known` that may have had an effect. */
  let acting: readonly KnownTask[] = [];
  let lasting = createLasting([]);
  let running = 0;
  let version = 0;

  function forget(id: string): void {
    const task = told.get(id);
    if (task === undefined) return;
    const key = keyOf(task);
    told.delete(id);
    if (task.status === 'running') running--;
    named.get(key)?.delete(id);
    changed.add(key);
    version++;
  }

  function refresh(): void {
    if (changed.size === 0) return;
    const gone = new Set<United>();
    const fresh: United[] = [];
    for (const key of changed) {
      for (const one of unitedOf.get(key) ?? []) gone.add(one);
      const tasks = [...(named.get(key)?.values() ?? [])];
      if (tasks.length === 0) {
        named.delete(key);
        unitedOf.delete(key);
      } else {
        const groups = groupsOf(tasks.sort(byStart));
        unitedOf.set(key, groups);
        for (const one of groups) fresh.push(one);
      }
    }
    changed.clear();
    // What is left is in order already: sorting then is merging.
    united = [...united.filter((one) => !gone.has(one)), ...fresh.sort(byStart)].sort(byStart);
    known = united.map((one, index) => finish(one, united[index + 1]));
    acting = known.filter((one) => !didNothing(one));
    lasting = createLasting(acting.map((one) => one.lastedUntil));
  }

  /** The same object as before where nothing changed: others remember what they found of it. */
  function finish(task: United, next: United | undefined): KnownTask {
    const until = lastedUntil(task, next);
    const before = finished.get(task);
    if (before !== undefined && before.lastedUntil === until) return before;
    const found = { ...task, lastedUntil: until };
    finished.set(task, found);
    return found;
  }

  return {
    tell(task) {
      forget(task.id);
      const key = keyOf(task);
      const tasks = named.get(key) ?? new Map<string, Task>();
      named.set(key, tasks.set(task.id, task));
      told.set(task.id, task);
      if (task.status === 'running') running++;
      changed.add(key);
      version++;
    },
    hasEnded: (id) => (told.get(id)?.end ?? null) !== null,
    forget,
    all() {
      refresh();
      return known;
    },
    during({ from, until, most = Infinity }) {
      refresh();
      return lasting
        .latest(firstAfter(acting, until), { from, most })
        .flatMap((index) => acting[index] ?? [])
        .reverse();
    },
    begun({ from, until, most }) {
      refresh();
      const first = firstAfter(acting, from);
      return acting.slice(first, Math.min(first + most, Math.max(first, firstAfter(acting, until))));
    },
    running() {
      refresh();
      return known.filter((one) => one.status === 'running');
    },
    loadWith(tasks) {
      const news = [...new Map(tasks.map((one) => [one.id, one])).values()];
      const known = news.flatMap(({ id }) => told.get(id) ?? []);
      const runningOf = (some: readonly Task[]) => some.filter(({ status }) => status === 'running').length;
      return {
        told: told.size + news.length - known.length,
        running: running + runningOf(news) - runningOf(known),
      };
    },
    version: () => version,
  };
}

type Lasting = {
  /** Of those before `end` the last `most` that lasted until `from` or longer, the last one first. */
  latest(end: number, { from, most }: { readonly from: Millis; readonly most: number }): readonly number[];
};

/** Finds those that lasted long without looking at the others: a tree of the latest moment of each half. */
function createLasting(moments: readonly Millis[]): Lasting {
  let width = 1;
  while (width < moments.length) width *= 2;
  const tree = new Float64Array(2 * width).fill(Number.NEGATIVE_INFINITY);
  tree.set(moments, width);
  for (let node = width - 1; node > 0; node--) tree[node] = Math.max(tree[2 * node] ?? 0, tree[2 * node + 1] ?? 0);
  return {
    latest(end, { from, most }) {
      const found: number[] = [];
      const visit = (node: number, first: number, size: number): void => {
        if (first >= end || found.length >= most || (tree[node] ?? 0) < from) return;
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

/** A task whose end was never told has ended when another began. */
function lastedUntil(task: United, next: United | undefined): Millis {
  if (task.end !== null) return Math.max(task.start, task.end);
  return task.status === 'running' ? Infinity : (next?.start ?? Infinity);
}

type Placed = { readonly start: Millis; readonly id: string };

const byStart = (a: Placed, b: Placed): number => a.start - b.start || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

/** The place of the first that starts after `at`. */
function firstAfter(tasks: readonly Placed[], at: Millis): number {
  let low = 0;
  let high = tasks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tasks[middle]?.start ?? Infinity) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A task as several sources tell it, while more may be found that tell of it too. */
type Group = {
  readonly index: number;
  readonly members: [Task, ...Task[]];
  readonly sources: Set<TaskSource>;
  /** Null while none of its members knows it. */
  play: string | null;
  role: string | null;
  /** The keys under which it is found: those of before are void. */
  state: number;
};

/**
 * The same task told by two sources is one; `tasks` are of one name, by their start. Each goes to the first group that
 * began near enough, has none of the same source, and contradicts neither its play nor its role.
 */
function groupsOf(tasks: readonly Task[]): readonly United[] {
  const sources = new Set(tasks.map((one) => one.source));
  const groups: Group[] = [];
  /** By a source that they lack, their play or any, and their role or any. */
  const open = new Map<string, Heap>();
  let near = 0;

  function place(group: Group): void {
    group.state++;
    for (const source of sources) {
      if (group.sources.has(source)) continue;
      for (const key of keysOf(source, [group.play, ANY], [group.role, ANY])) {
        const heap = open.get(key) ?? createHeap();
        open.set(key, heap);
        heap.push({ group, state: group.state });
      }
    }
  }

  function firstOf(key: string): Group | null {
    const heap = open.get(key);
    for (let one = heap?.first(); one !== undefined; one = heap?.first()) {
      if (one.state === one.group.state && one.group.index >= near) return one.group;
      heap?.pop();
    }
    return null;
  }

  for (const task of tasks) {
    while (near < groups.length && task.start - (groups[near]?.members[0].start ?? task.start) > APART) near++;
    const { source, play, role } = task;
    const found = keysOf(source, play === null ? [ANY] : [play, null], role === null ? [ANY] : [role, null])
      .map(firstOf)
      .reduce((a, b) => (b === null || (a !== null && a.index < b.index) ? a : b), null);
    const group = found ?? { index: groups.length, members: [task], sources: new Set(), play, role, state: 0 };
    if (found === null) groups.push(group);
    else group.members.push(task);
    group.sources.add(source);
    group.play ??= play;
    group.role ??= role;
    if (sources.size > 1) place(group);
  }
  return groups.map(({ members }) => unite(members));
}

const ANY = Symbol('any play or role');
type Place = string | null | typeof ANY;

const placeKey = (place: Place): string => (place === ANY ? 'any' : JSON.stringify(place));

const keysOf = (source: TaskSource, plays: readonly Place[], roles: readonly Place[]): readonly string[] =>
  plays.flatMap((play) => roles.map((role) => `${source} ${placeKey(play)} ${placeKey(role)}`));

/** A group as it was when `state` was its state. */
type Placing = { readonly group: Group; readonly state: number };

type Heap = { push(one: Placing): void; first(): Placing | undefined; pop(): void };

/** Gives the group that was begun first. */
function createHeap(): Heap {
  const heap: Placing[] = [];
  const indexAt = (at: number): number => heap[at]?.group.index ?? Infinity;

  function swap(a: number, b: number): void {
    const [one, other] = [heap[a], heap[b]];
    if (one !== undefined) heap[b] = one;
    if (other !== undefined) heap[a] = other;
  }

  return {
    push(one) {
      let at = heap.push(one) - 1;
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

/** Some sources write the role before the name. */
const keyOf = ({ kind, name, role }: Task): string => {
  const plain = role !== null && name.startsWith(`${role} : `) ? name.slice(role.length + 3) : name;
  return `${kind} ${withoutArguments(plain).trim().toLowerCase()}`;
};

const rank = ({ source }: Task): number => TASK_SOURCES.indexOf(source);

/** What the best source says, completed by the others. */
function unite(group: readonly Task[]): United {
  const [best, ...others] = group.toSorted((a, b) => rank(a) - rank(b));
  if (best === undefined) throw new Error('a task that nobody told of');
  const first = <T>(pick: (task: Task) => T | null): T | null =>
    [best, ...others].map(pick).find((value) => value !== null) ?? null;
  const ended = [best, ...others].find(({ status }) => status === 'ok' || status === 'failed');
  const unsure = best.status === 'running' || best.status === 'unknown';
  const status = unsure ? (ended?.status ?? best.status) : best.status;
  const dry = group.some((one) => one.status === 'dry-run');
  return {
    ...best,
    role: first((one) => one.role),
    play: first((one) => one.play),
    playbook: first((one) => one.playbook),
    hosts: [...new Set(group.flatMap((one) => one.hosts))].toSorted(),
    tags: [...new Set(group.flatMap((one) => one.tags))].toSorted(),
    // Only some sources see that a run is dry; the others see its tasks end well.
    status: dry ? 'dry-run' : status,
    end: unsure && ended !== undefined ? ended.end : best.status === 'running' ? null : first((one) => one.end),
    sources: [best, ...others].map((one) => one.source),
  };
}
