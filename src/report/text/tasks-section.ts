import type { Report } from '../../domain/run/report.ts';
import type { AttributedWindow } from '../../domain/upgrade/attribution.ts';
import { didNothing } from '../../domain/upgrade/task.ts';
import type { TaskDowntime } from '../../domain/upgrade/task-downtime.ts';
import type { KnownTask } from '../../domain/upgrade/task-registry.ts';
import { printableLine } from '../../format/printable.ts';
import { counted, duration } from '../../format/quantities.ts';
import type { TimeFormat } from '../time-format.ts';
import { type Column, table, wrap } from './layout.ts';

type TaskOptions = { readonly width: number; readonly times: TimeFormat };

/** Further rows are only counted; the JSON has them. */
const TASKS = 20;
const OTHERS = 3;
const HOSTS = 2;

/** The task that a window is attributed to, and the other candidates; empty if none was running. */
export function attributionLines(
  { candidates: [task, ...others] }: AttributedWindow,
  { width, times }: TaskOptions,
): readonly string[] {
  if (task === undefined) return [];
  const until = task.end === null ? 'running' : times.exact(task.end);
  const also = others.slice(0, OTHERS).map((one) => `, or to ${nameWithHosts(one)}`);
  const more = others.length > OTHERS ? `, or to one of ${others.length - OTHERS} more` : '';
  const line = `attributed to ${nameWithHosts(task)} (${times.exact(task.start)} to ${until})${also.join('')}${more}`;
  return wrap(line, width - 8, '  ');
}

/** "handler 'Stop services' of role os_nova" */
const taskName = ({ kind, name, role }: Pick<KnownTask, 'kind' | 'name' | 'role'>): string =>
  `${kind} '${printableLine(name)}'${role === null ? '' : ` of role ${printableLine(role)}`}`;

/** Handlers of the same name run on one host after another: their hosts distinguish them. */
function hostsOf({ kind, hosts }: Pick<KnownTask, 'kind' | 'hosts'>): string {
  if (kind !== 'handler') return '';
  const more = hosts.length > HOSTS ? ` and ${hosts.length - HOSTS} more` : '';
  return `${hosts.slice(0, HOSTS).map(printableLine).join(', ')}${more}`;
}

/** "handler 'Stop services' of role os_nova on control1" */
export function nameWithHosts(task: KnownTask): string {
  const hosts = hostsOf(task);
  return hosts === '' ? taskName(task) : `${taskName(task)} on ${hosts}`;
}

/** Tasks with downtime attributed or overlapping, the most expensive first. */
export const costlyTasks = (tasks: readonly TaskDowntime[]): readonly TaskDowntime[] =>
  tasks
    .filter((one) => one.windows > 0 || one.overlappingDowntime > 0)
    .toSorted((a, b) => b.attributedDowntime - a.attributedDowntime || b.overlappingDowntime - a.overlappingDowntime);

/** Counts tasks that ran, without those that every host skipped. */
export const countedTasks = (tasks: Report['tasks']): string =>
  `${counted(tasks.filter((one) => !didNothing(one)).length, 'task')} in all`;

/** The downtime of each task. */
export function tasksSection({ tasks }: Report, { width, times }: TaskOptions): readonly string[] {
  if (tasks.length === 0) return [];
  const costly = costlyTasks(tasks);
  const total = `  ${countedTasks(tasks)}`;
  if (costly.length === 0) return [`${total}; none of them has downtime attributed or overlapping.`];
  const columns: readonly Column<TaskDowntime>[] = [
    { head: 'attributed', align: 'right', cell: (one) => duration(one.attributedDowntime) },
    { head: 'during', align: 'right', cell: (one) => duration(one.overlappingDowntime) },
    { head: 'from', cell: (one) => times.time(one.start) },
    ...(costly.some((one) => hostsOf(one) !== '') ? [{ head: 'on', cell: hostsOf }] : []),
    { head: 'task', cell: taskName },
  ];
  const rest = costly.length - TASKS;
  const more = rest > 0 ? [`  and ${rest} more; the JSON report lists all of them.`] : [];
  return [...table(columns, costly.slice(0, TASKS), { width }), ...more, `${total}.`];
}
