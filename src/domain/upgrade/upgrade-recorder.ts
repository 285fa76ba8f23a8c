import type { CheckRun } from '../check.ts';
import type { Millis } from '../time.ts';
import type { Annotation } from './annotation.ts';
import type { PhaseMark } from './phases.ts';
import type { Task } from './task.ts';
import type { TaskLoad } from './task-registry.ts';

/** Accepts reports about the upgrade while it runs. */
export type UpgradeRecorder = {
  /**
   * Records a report of a task. `heartbeat`: the source repeats its report of a running task at least this often, in
   * milliseconds.
   */
  task(task: Task, heartbeat?: Millis): void;
  /** Returns what the load would be after these reports. */
  taskLoadWith(tasks: readonly Task[]): TaskLoad;
  phase(phase: PhaseMark): void;
  /** Adds, changes or deletes an annotation. */
  annotate(annotation: Annotation): void;
  /** Returns the annotations by id, deleted ones included. */
  annotations(): readonly Annotation[];
  /** Adds the results of a check run. */
  check(run: CheckRun): void;
  /** Returns the check runs in the order in which they were run. */
  checkRuns(): readonly CheckRun[];
};
