import type { Millis } from '../time.ts';
import { createPhaseFinder } from './phases.ts';
import type { Plan, PlannedPhase } from './plan.ts';
import { isDone, type Task } from './task.ts';
import { SELECTOR_PLACES, selectsTask, type TaskSelector } from './task-selector.ts';

/** What a plan recognises in the tasks of an upgrade. */
export type PlanCheck = {
  readonly phases: readonly PhaseCheck[];
  /** Whether every phase that tasks may begin has begun. */
  readonly isComplete: boolean;
};

export type PhaseCheck = {
  readonly phase: PlannedPhase;
  readonly isByHand: boolean;
  /** The task that begins it; null if it never begins. */
  readonly task: Task | null;
  readonly intervals: readonly { readonly from: Millis; readonly until: Millis | null }[];
  /** If it never begins: the tasks that come closest, best first. */
  readonly near: readonly NearTask[];
};

/** A task that nearly begins a phase, and what keeps it from doing so. */
export type NearTask = { readonly task: Task; readonly obstacle: Obstacle };

/**
 * The key of the selector that does not match; or the task matches, but every host skipped it, it was a dry run, or a
 * later phase had begun.
 */
export type Obstacle = 'task' | (typeof SELECTOR_PLACES)[number] | 'skipped' | 'dry-run' | 'order';

const MAX_NEAR_TASKS = 3;

/** Checks which tasks begin the phases of a plan. `tasks` are in order of their start. */
export function checkPlan(plan: Plan, tasks: readonly Task[]): PlanCheck {
  const found = Map.groupBy(createPhaseFinder(plan)({ tasks, marks: [] }), ({ name }) => name);
  const distinct = distinctTasks(tasks);
  const phases = plan.phases.map((phase): PhaseCheck => {
    const intervals = found.get(phase.name) ?? [];
    const [first] = intervals;
    const isByHand = phase.begins.length === 0;
    if (first === undefined) return { phase, isByHand, task: null, intervals: [], near: nearTasks(phase, distinct) };
    const begins = selectsTask(phase.begins);
    const task = tasks.find((candidate) => candidate.start === first.from && isDone(candidate) && begins(candidate));
    return { phase, isByHand, task: task ?? null, intervals, near: [] };
  });
  return { phases, isComplete: phases.every(({ isByHand, task }) => isByHand || task !== null) };
}

/** Returns one task of each name, role and play: one that was done, if there is any. */
function distinctTasks(tasks: readonly Task[]): readonly Task[] {
  const byName = new Map<string, Task>();
  for (const task of tasks) {
    const key = JSON.stringify([task.role, task.name, task.play]);
    const known = byName.get(key);
    if (known === undefined || (!isDone(known) && isDone(task))) byName.set(key, task);
  }
  return [...byName.values()];
}

function nearTasks({ begins }: PlannedPhase, tasks: readonly Task[]): readonly NearTask[] {
  const rated = tasks.flatMap((task) => {
    const best = begins
      .map((selector) => rate(selector, task))
      .reduce<Rating | null>((a, b) => (b !== null && (a === null || b.score > a.score) ? b : a), null);
    return best === null ? [] : [{ task, ...best }];
  });
  return rated
    .toSorted((a, b) => b.score - a.score)
    .slice(0, MAX_NEAR_TASKS)
    .map(({ task, obstacle }) => ({ task, obstacle }));
}

type Rating = { readonly obstacle: Obstacle; readonly score: number };

/** Below this, a name is not similar to a pattern (see `similarityOf`). */
const SIMILAR = 0.65;

/** Rates how close a task comes to being selected; null if it is far off. */
function rate(selector: TaskSelector, task: Task): Rating | null {
  const matches = (entries: Partial<TaskSelector>): boolean => selectsTask([{ ...NOTHING, ...entries }])(task);
  const missed = SELECTOR_PLACES.filter((key) => !matches({ [key]: selector[key] }));
  const [place] = missed;
  if (matches({ task: selector.task, tag: selector.tag })) {
    if (place === undefined)
      return { obstacle: task.status === 'dry-run' ? 'dry-run' : isDone(task) ? 'order' : 'skipped', score: 3 };
    const isNamed = selector.task.length > 0 || selector.tag.length > 0;
    return isNamed && missed.length === 1 ? { obstacle: place, score: 2 } : null;
  }
  const similarity = Math.max(0, ...selector.task.map((pattern) => similarityOf(pattern, task)));
  return similarity < SIMILAR ? null : { obstacle: 'task', score: similarity - 0.1 * missed.length };
}

const NOTHING: TaskSelector = { task: [], tag: [], play: [], role: [], playbook: [], host: [] };

/** Returns how well the words of a pattern are found in a name, from 0 to 1: the mean of the best match of each. */
function similarityOf(pattern: string, { name, role }: Task): number {
  const found = wordsOf(pattern.includes(' : ') && role !== null ? `${role} : ${name}` : name);
  const wanted = wordsOf(pattern);
  const best = wanted.map((word) => found.reduce((most, other) => Math.max(most, likeness(word, other)), 0));
  return best.length === 0 ? 0 : best.reduce((sum, match) => sum + match, 0) / best.length;
}

/** Shorter words, such as 'to', are alike to too many others. */
const MIN_WORD_LENGTH = 3;

/** Returns the pairs of neighbouring letters of each word. */
const wordsOf = (text: string): readonly ReadonlySet<string>[] =>
  text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word.length >= MIN_WORD_LENGTH)
    .map((word) => new Set(Array.from({ length: word.length - 1 }, (_, at) => word.slice(at, at + 2))));

/** Returns the share of letter pairs that two words have in common (the Dice coefficient). */
const likeness = (a: ReadonlySet<string>, b: ReadonlySet<string>): number =>
  (2 * a.intersection(b).size) / (a.size + b.size);
