import { z } from 'zod';
import { TASK_KINDS, TASK_SOURCES, TASK_STATUSES, type Task } from '../domain/upgrade/task.ts';
import { json, moment } from './rows.ts';
import type { TaskRow } from './tables.ts';

export const taskSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    role: z.string().nullable(),
    play: z.string().nullable(),
    playbook: z.string().nullable(),
    hosts: json.pipe(z.array(z.string())),
    tags: json.pipe(z.array(z.string())),
    kind: z.enum(TASK_KINDS),
    status: z.enum(TASK_STATUSES),
    started_at: moment,
    ended_at: moment.nullable(),
    source: z.enum(TASK_SOURCES),
  })
  .transform(({ started_at, ended_at, ...task }): Task => ({ ...task, start: started_at, end: ended_at }));

export const taskRow = (number: number, { start, end, hosts, tags, ...task }: Task): TaskRow => ({
  ...task,
  number,
  hosts: JSON.stringify(hosts),
  tags: JSON.stringify(tags),
  started_at: start,
  ended_at: end,
});

export const phaseSchema = z.object({ name: z.string(), at: moment });
