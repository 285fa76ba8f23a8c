import { readFileSync } from 'node:fs';
import { iso } from '../../../src/domain/time.ts';
import type { Task } from '../../../src/domain/upgrade/task.ts';
import type { TaskParser } from '../../../src/task-sources/task-parser.ts';

export const samplePath = (name: string): string => `${import.meta.dirname}/samples/${name}`;

/** A real output of Ansible. */
export const sample = (name: string): string => readFileSync(samplePath(name), 'utf8');

/** What is known of each task in the end, in the order in which they were first told of. */
export const settled = (tasks: Iterable<Task>): readonly Task[] => [
  ...new Map([...tasks].map((task) => [task.id, task])).values(),
];

export const parse = (parser: TaskParser, text: string): readonly Task[] => {
  const told = text.split('\n').flatMap((line) => parser.line(line));
  return settled([...told, ...parser.end()]);
};

/** `15:55:56.102 +473 handler ok os_nova/Stop services (nova1)`: begun at, milliseconds taken, and so on. */
export function row({ start, end, kind, status, role, name, hosts }: Task): string {
  const took = end === null ? '?' : `+${Math.round(end - start)}`;
  const [, time = ''] = iso(start).split('T');
  const place = role === null ? name : `${role}/${name}`;
  return `${time.slice(0, -1)} ${took} ${kind} ${status} ${place} (${hosts.toSorted().join(' ')})`;
}
