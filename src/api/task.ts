import { z } from 'zod';
import { toIso } from '../domain/time.ts';
import { TASK_KINDS, TASK_SOURCES, TASK_STATUSES, type Task } from '../domain/upgrade/task.ts';
import type { TaskDowntime } from '../domain/upgrade/task-downtime.ts';
import type { KnownTask } from '../domain/upgrade/task-registry.ts';
import { type Read, rounded, seconds, timestamp } from './shared.ts';

export const taskSchema = z.strictObject({
  id: z.string().describe('chosen by its source; a later report with the same id replaces the earlier report'),
  name: z.string(),
  role: z.string().nullable(),
  play: z.string().nullable(),
  playbook: z.string().nullable(),
  hosts: z.array(z.string()),
  groups: z.array(z.string()).describe('the inventory groups of these hosts, if its source knows them'),
  tags: z.array(z.string()),
  kind: z.enum(TASK_KINDS),
  status: z.enum(TASK_STATUSES),
  start: timestamp,
  end: timestamp.nullable(),
  source: z.enum(TASK_SOURCES),
  sources: z.array(z.enum(TASK_SOURCES)).describe('all sources that reported it'),
});

export const taskDowntimeSchema = taskSchema.extend({
  windows: z.int(),
  downtimeAttributedSeconds: seconds.describe('downtime of the windows that are attributed to it'),
  downtimeDuringSeconds: seconds.describe('downtime while it ran'),
});

export const tasksSchema = z.strictObject({ tasks: z.array(taskDowntimeSchema) });

export type ApiTask = Read<typeof taskSchema>;
export type ApiTaskDowntime = Read<typeof taskDowntimeSchema>;

/** Converts a task to the form in which a source reports it to a daemon. */
export const toApiTaskReport = ({ start, end, ...task }: Task) => ({
  ...task,
  start: toIso(start),
  end: end === null ? null : toIso(end),
});

export const toApiTask = (task: KnownTask): ApiTask => ({
  id: task.id,
  name: task.name,
  role: task.role,
  play: task.play,
  playbook: task.playbook,
  hosts: task.hosts,
  groups: task.groups,
  tags: task.tags,
  kind: task.kind,
  status: task.status,
  start: toIso(task.start),
  end: task.end === null ? null : toIso(task.end),
  source: task.source,
  sources: task.sources,
});

export const toApiTaskDowntime = (task: TaskDowntime): ApiTaskDowntime => ({
  ...toApiTask(task),
  windows: task.windows,
  downtimeAttributedSeconds: rounded(task.attributedDowntime),
  downtimeDuringSeconds: rounded(task.overlappingDowntime),
});
