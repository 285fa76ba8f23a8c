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
  /** Another number after each change. */
  version(): number;
};

/** The moments that two sources give for the start of one task lie no further apart: some know whole seconds alone. */
const APART = 1500;

/**
 * Tasks come one by one, ten thousand of them in a night, and each may change what is known of those beside it alone:
 * only they are looked at anew.
 */
export function createTaskBook(): TaskBook {
  const told = new Map<string, Task>();
  /** Of each name all that was told, by their start. */
  const named = new Map<string, Task[]>();
  /** What is known, by the start. */
  const known: KnownTask[] = [];
  /** Up to when any of the tasks up to this one may have lasted, so that a search can stop. */
  const lasting: Millis[] = [];
  let version = 0;

  /** Takes a change of what is told of one name at one moment into what is known. */
  function change(name: string, at: Millis, alter: (tasks: Task[]) => void): void {
    const tasks = named.get(name) ?? [];
    const before = groupsOf(cluster(tasks, at));
    alter(tasks);
    if (tasks.length === 0) named.delete(name);
    else named.set(name, tasks);
    const after = groupsOf(cluster(tasks, at));
    let first = known.length;
    for (const { id, start } of before) {
      const index = placeOf(known, start, id);
      known.splice(index, 1);
      lasting.splice(index, 1);
      first = Math.min(first, index);
    }
    for (const one of after) {
      const index = placeOf(known, one.start, one.id);
      known.splice(index, 0, { ...one, lastedUntil: one.start });
      lasting.splice(index, 0, one.start);
      first = Math.min(first, index);
    }
    bound(Math.max(0, first - 1));
    version++;
  }

  /** Those whose end was never told end with the next one: sets this from one place on, as far as it changes anything. */
  function bound(from: number): void {
    for (let index = from; index < known.length; index++) {
      const task = known[index];
      if (task === undefined) return;
      const until = lastedUntil(task, known[index + 1]);
      if (until !== task.lastedUntil) known[index] = { ...task, lastedUntil: until };
      lasting[index] = Math.max(lasting[index - 1] ?? Number.NEGATIVE_INFINITY, until);
    }
  }

  function forget(id: string): void {
    const task = told.get(id);
    if (task === undefined) return;
    told.delete(id);
    change(keyOf(task), task.start, (tasks) => {
      const index = tasks.findIndex((one) => one.id === id);
      tasks.splice(index, 1);
    });
  }

  return {
    tell(task) {
      forget(task.id);
      told.set(task.id, task);
      change(keyOf(task), task.start, (tasks) => {
        tasks.splice(placeOf(tasks, task.start, task.id), 0, task);
      });
    },
    forget,
    all: () => known.slice(),
    during({ from, until }) {
      const found: KnownTask[] = [];
      let at = firstAfter(known, until) - 1;
      for (let task = known[at]; task !== undefined && (lasting[at] ?? from) >= from; task = known[--at]) {
        if (task.lastedUntil >= from) found.push(task);
      }
      return found.reverse();
    },
    running: () => known.filter((one) => one.status === 'running'),
    version: () => version,
  };
}

/** A task whose end was never told has ended when another began. */
function lastedUntil(task: Omit<KnownTask, 'lastedUntil'>, next: KnownTask | undefined): Millis {
  if (task.end !== null) return Math.max(task.start, task.end);
  return task.status === 'running' ? Infinity : (next?.start ?? Infinity);
}

type Placed = { readonly start: Millis; readonly id: string };

const comesBefore = (one: Placed, start: Millis, id: string): boolean =>
  one.start < start || (one.start === start && one.id < id);

/** Where it is, or would be, by start and id. */
function placeOf(tasks: readonly Placed[], start: Millis, id: string): number {
  let low = 0;
  let high = tasks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const one = tasks[middle];
    if (one !== undefined && comesBefore(one, start, id)) low = middle + 1;
    else high = middle;
  }
  return low;
}

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

/** Those around a moment that may be one with each other: beyond a gap of more than APART nothing is the same task. */
function cluster(tasks: readonly Task[], at: Millis): readonly Task[] {
  let from = placeOf(tasks, at, '');
  let until = from;
  const startOf = (index: number) => tasks[index]?.start;
  const near = (a: Millis | undefined, b: Millis) => a !== undefined && Math.abs(a - b) <= APART;
  for (let edge = at; near(startOf(from - 1), edge); from--) edge = startOf(from - 1) ?? edge;
  for (let edge = at; near(startOf(until), edge); until++) edge = startOf(until) ?? edge;
  return tasks.slice(from, until);
}

/** The same task told by two sources is one; `tasks` are of one name, by their start. */
function groupsOf(tasks: readonly Task[]): readonly Omit<KnownTask, 'lastedUntil'>[] {
  const groups: Task[][] = [];
  let near = 0;
  for (const task of tasks) {
    while (near < groups.length && task.start - (groups[near]?.[0]?.start ?? task.start) > APART) near++;
    const isSame = (one: Task) => one.source !== task.source && samePlace(one, task);
    const same = groups.slice(near).find((group) => group.every(isSame));
    if (same === undefined) groups.push([task]);
    else same.push(task);
  }
  return groups.map(united);
}

/** Some sources write the role before the name. */
const keyOf = ({ kind, name, role }: Task): string => {
  const plain = role !== null && name.startsWith(`${role} : `) ? name.slice(role.length + 3) : name;
  return `${kind} ${plain.trim().toLowerCase()}`;
};

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
