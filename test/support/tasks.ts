import type { Task } from '../../src/domain/upgrade/task.ts';
import type { TaskSelector } from '../../src/domain/upgrade/task-selector.ts';

/** Returns a task reported by the callback, from second 10 to second 20 of the epoch. */
export const task = (facts: Partial<Task> = {}): Task => ({
  id: 'callback-1-1',
  name: 'Stop services',
  role: null,
  play: null,
  playbook: null,
  hosts: ['controller'],
  groups: [],
  tags: [],
  kind: 'task',
  status: 'ok',
  start: 10_000,
  end: 20_000,
  source: 'callback',
  ...facts,
});

/** Returns a selector with these entries and no others. */
export const selector = (entries: Partial<TaskSelector> = {}): TaskSelector => ({
  task: [],
  tag: [],
  play: [],
  role: [],
  playbook: [],
  host: [],
  ...entries,
});
