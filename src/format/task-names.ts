import type { Task } from '../domain/upgrade/task.ts';
import { printableLine } from './printable.ts';

/** Further hosts are only counted. */
const MAX_HOSTS = 2;

type NamedTask = Pick<Task, 'kind' | 'name' | 'role' | 'hosts'>;

/** Names a task: "handler 'Stop services' of role os_nova". */
export const taskName = ({ kind, name, role }: Pick<NamedTask, 'kind' | 'name' | 'role'>): string =>
  `${kind} '${printableLine(name)}'${role === null ? '' : ` of role ${printableLine(role)}`}`;

/** Lists the hosts of a handler: if handlers have the same name, only their hosts distinguish them. */
export function hostNames({ kind, hosts }: Pick<NamedTask, 'kind' | 'hosts'>): string {
  if (kind !== 'handler') return '';
  const more = hosts.length > MAX_HOSTS ? ` and ${hosts.length - MAX_HOSTS} more` : '';
  return `${hosts.slice(0, MAX_HOSTS).map(printableLine).join(', ')}${more}`;
}

/** Names a task and, for a handler, its hosts: "handler 'Stop services' of role os_nova on control1". */
export function nameWithHosts(task: NamedTask): string {
  const hosts = hostNames(task);
  return hosts === '' ? taskName(task) : `${taskName(task)} on ${hosts}`;
}
