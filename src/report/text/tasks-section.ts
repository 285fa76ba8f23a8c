import type { Report } from '../../domain/run/report.ts';
import type { AttributedWindow } from '../../domain/upgrade/attribution.ts';
import { didNothing } from '../../domain/upgrade/task.ts';
import type { TaskDowntime } from '../../domain/upgrade/task-downtime.ts';
import { counted, duration } from '../../format/quantities.ts';
import { hostNames, nameWithHosts, taskName } from '../../format/task-names.ts';
import type { TimeFormat } from '../time-format.ts';
import { type Column, table, wrap } from './layout.ts';

type TaskOptions = { readonly width: number; readonly times: TimeFormat };

/** Further rows and names are only counted; the JSON report has all of them. */
const MAX_TASKS = 20;
const MAX_OTHER_CANDIDATES = 3;

/** Names the task that a window is attributed to, and the other candidates; empty if no task was running. */
export function attributionLines(
  { candidates: [task, ...others] }: AttributedWindow,
  { width, times }: TaskOptions,
): readonly string[] {
  if (task === undefined) return [];
  const until = task.end === null ? 'running' : times.exact(task.end);
  const also = others.slice(0, MAX_OTHER_CANDIDATES).map((other) => `, or to ${nameWithHosts(other)}`);
  const more =
    others.length > MAX_OTHER_CANDIDATES ? `, or to one of ${others.length - MAX_OTHER_CANDIDATES} more` : '';
  const line = `attributed to ${nameWithHosts(task)} (${times.exact(task.start)} to ${until})${also.join('')}${more}`;
  return wrap(line, width - 8, '  ');
}

/** Returns the tasks with downtime attributed or overlapping, the costliest first. */
export const costlyTasks = (tasks: readonly TaskDowntime[]): readonly TaskDowntime[] =>
  tasks
    .filter(({ windows, overlappingDowntime }) => windows > 0 || overlappingDowntime > 0)
    .toSorted((a, b) => b.attributedDowntime - a.attributedDowntime || b.overlappingDowntime - a.overlappingDowntime);

/** Counts tasks that ran, without those that every host skipped. */
export const countedTasks = (tasks: Report['tasks']): string =>
  `${counted(tasks.filter((task) => !didNothing(task)).length, 'task')} in all`;

/** Writes the downtime of each task. */
export function tasksSection({ tasks }: Report, { width, times }: TaskOptions): readonly string[] {
  if (tasks.length === 0) return [];
  const costly = costlyTasks(tasks);
  const total = `  ${countedTasks(tasks)}`;
  if (costly.length === 0) return [`${total}; none of them has downtime attributed or overlapping.`];
  const columns: readonly Column<TaskDowntime>[] = [
    { head: 'attributed', align: 'right', cell: ({ attributedDowntime }) => duration(attributedDowntime) },
    { head: 'during', align: 'right', cell: ({ overlappingDowntime }) => duration(overlappingDowntime) },
    { head: 'from', cell: ({ start }) => times.time(start) },
    ...(costly.some((task) => hostNames(task) !== '') ? [{ head: 'on', cell: hostNames }] : []),
    { head: 'task', cell: taskName },
  ];
  const rest = costly.length - MAX_TASKS;
  const more = rest > 0 ? [`  and ${rest} more; the JSON report lists all of them.`] : [];
  return [...table(columns, costly.slice(0, MAX_TASKS), { width }), ...more, `${total}.`];
}
