import type { Task } from '../domain/upgrade/task.ts';

/** Returns a function that reports a task if it is new or has changed since its last report. For polled sources. */
export function createTaskDeduplicator(onTask: (task: Task) => void): (task: Task) => void {
  const reported = new Map<string, string>();
  return (task) => {
    const text = JSON.stringify(task);
    if (reported.get(task.id) === text) return;
    reported.set(task.id, text);
    onTask(task);
  };
}
