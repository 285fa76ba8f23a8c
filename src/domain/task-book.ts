import { TASK_SOURCES, type Task, type TaskSource } from './task.ts';
import type { Interval, Millis } from './time.ts';

/** A task as all that told of it know it together. */
export type KnownTask = Task & {
  /** The one that knows best first. */
  readonly sources: readonly TaskSource[];
  /** Up to when it may have lasted: its end, or what bounds it where no end was told; Infinity while it runs. */
  readonly lastedUntil: Millis;
};

export type TaskBook = {
  /** What is told of a task later replaces what its source told before. */
  tell(task: Task): void;
  /** There never was such a task. */
  forget(id: string): void;
  /** By their start. */
  all(): readonly KnownTask[];
  /** Those that may have been under way in a stretch, by their start. */
  during(stretch: Interval): readonly KnownTask[];
  running(): readonly KnownTask[];
};

/** The moments that two sources give for the start of one task lie no further apart: some know whole seconds alone. */
const APART = 1500;

export function createTaskBook(): TaskBook {
  const told = new Map<string, Task>();
  let book: Index | null = null;

  const index = (): Index => {
    book ??= indexed([...told.values()]);
    return book;
  };

  return {
    tell(task) {
      told.set(task.id, task);
      book = null;
    },
    forget(id) {
      if (told.delete(id)) book = null;
    },
    all: () => index().tasks,
    during: (stretch) => under(index(), stretch),
    running: () => index().tasks.filter((one) => one.status === 'running'),
  };
}

type Index = {
  readonly tasks: readonly KnownTask[];
  /** Up to when any of the tasks up to this one may have lasted, so that a search can stop. */
  readonly lasting: readonly Millis[];
};

function indexed(told: readonly Task[]): Index {
  const tasks = bounded(merged(told));
  let last = Number.NEGATIVE_INFINITY;
  const lasting = tasks.map(({ lastedUntil }) => {
    last = Math.max(last, lastedUntil);
    return last;
  });
  return { tasks, lasting };
}

function under({ tasks, lasting }: Index, { from, until }: Interval): readonly KnownTask[] {
  const found: KnownTask[] = [];
  let at = firstAfter(tasks, until) - 1;
  for (let task = tasks[at]; task !== undefined && (lasting[at] ?? from) >= from; task = tasks[--at]) {
    if (task.lastedUntil >= from) found.push(task);
  }
  return found.reverse();
}

/** The place of the first that starts after `at`. */
function firstAfter(tasks: readonly Task[], at: Millis): number {
  let low = 0;
  let high = tasks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tasks[middle]?.start ?? Infinity) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The same task told by two sources is one. */
function merged(told: readonly Task[]): readonly (readonly Task[])[] {
  const groups: Task[][] = [];
  const recent = new Map<string, Task[][]>();
  for (const task of told.toSorted((a, b) => a.start - b.start)) {
    const name = `${task.kind} ${plainName(task)}`;
    const near = (recent.get(name) ?? []).filter(([first]) => first !== undefined && task.start - first.start <= APART);
    const same = near.find((group) => group.every((one) => one.source !== task.source && samePlace(one, task)));
    if (same !== undefined) same.push(task);
    else {
      const group = [task];
      groups.push(group);
      near.push(group);
    }
    recent.set(name, near);
  }
  return groups;
}

/** Some sources write the role before the name. */
const plainName = ({ name, role }: Task): string =>
  (role !== null && name.startsWith(`${role} : `) ? name.slice(role.length + 3) : name).trim().toLowerCase();

const samePlace = (a: Task, b: Task): boolean =>
  (a.play === null || b.play === null || a.play === b.play) &&
  (a.role === null || b.role === null || a.role === b.role);

const rank = ({ source }: Task): number => TASK_SOURCES.indexOf(source);

/** What the best source says, completed by the others. */
function united(group: readonly Task[]): Omit<KnownTask, 'lastedUntil'> {
  const [best, ...others] = group.toSorted((a, b) => rank(a) - rank(b));
  if (best === undefined) throw new Error('a task that nobody told of');
  const first = <T>(pick: (task: Task) => T | null): T | null =>
    [best, ...others].map(pick).find((value) => value !== null) ?? null;
  const ended = [best, ...others].find(({ status }) => status === 'ok' || status === 'failed');
  const status = best.status === 'running' || best.status === 'unknown' ? (ended?.status ?? best.status) : best.status;
  return {
    ...best,
    role: first((one) => one.role),
    play: first((one) => one.play),
    playbook: first((one) => one.playbook),
    hosts: [...new Set(group.flatMap((one) => one.hosts))].toSorted(),
    tags: [...new Set(group.flatMap((one) => one.tags))].toSorted(),
    status,
    end: first((one) => one.end),
    sources: [best, ...others].map((one) => one.source),
  };
}

/** A task whose end was never told has ended when another began. */
function bounded(groups: readonly (readonly Task[])[]): readonly KnownTask[] {
  const tasks = groups.map(united).toSorted((a, b) => a.start - b.start);
  return tasks.map((task, index) => {
    if (task.end !== null) return { ...task, lastedUntil: Math.max(task.start, task.end) };
    const next = task.status === 'running' ? undefined : tasks[index + 1];
    return { ...task, lastedUntil: next?.start ?? Infinity };
  });
}
