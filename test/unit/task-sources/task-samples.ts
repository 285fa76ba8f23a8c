import { readFileSync } from 'node:fs';
import { toIso } from '../../../src/domain/time.ts';
import type { Task } from '../../../src/domain/upgrade/task.ts';
import type { TaskParser } from '../../../src/task-sources/task-parser.ts';

export const samplePath = (name: string): string => `${import.meta.dirname}/samples/${name}`;

/** Returns recorded output of a real Ansible. */
export const sample = (name: string): string => readFileSync(samplePath(name), 'utf8');

/** Returns the latest state of each task, in order of their first reports. */
export const latestOf = (tasks: Iterable<Task>): readonly Task[] => [
  ...new Map([...tasks].map((task) => [task.id, task])).values(),
];

export const parse = (parser: TaskParser, text: string): readonly Task[] => {
  const reported = text.split('\n').flatMap((line) => parser.line(line));
  return latestOf([...reported, ...parser.end()]);
};

/**
 * `15:55:56.102 +473 handler ok os_nova/Stop services (nova1)`: start, duration in ms, kind, status, name and hosts.
 */
export function row({ start, end, kind, status, role, name, hosts }: Task): string {
  const duration = end === null ? '?' : `+${Math.round(end - start)}`;
  const [, time = ''] = toIso(start).split('T');
  const fullName = role === null ? name : `${role}/${name}`;
  return `${time.slice(0, -1)} ${duration} ${kind} ${status} ${fullName} (${hosts.toSorted().join(' ')})`;
}
