import type { Task } from '../domain/upgrade/task.ts';

/** A source that looks again and again sees the same tasks again and again: each is told anew only where it changed. */
export function createToldTasks(onTask: (task: Task) => void): {
  tell(task: Task): void;
  forget(id: string): void;
} {
  const told = new Map<string, string>();
  return {
    tell(task) {
      const text = JSON.stringify(task);
      if (told.get(task.id) === text) return;
      told.set(task.id, text);
      onTask(task);
    },
    forget: (id) => void told.delete(id),
  };
}
