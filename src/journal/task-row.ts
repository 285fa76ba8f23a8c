import { z } from 'zod';
import type { PhaseMark } from '../domain/ports.ts';
import { TASK_KINDS, TASK_SOURCES, TASK_STATUSES, type Task } from '../domain/task.ts';
import { decode, json } from './rows.ts';
import type { PhaseRow, TaskRow } from './tables.ts';

const taskSchema = z
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
    started_at: z.number(),
    ended_at: z.number().nullable(),
    source: z.enum(TASK_SOURCES),
  })
  .transform(({ started_at, ended_at, ...task }): Task => ({ ...task, start: started_at, end: ended_at }));

export const taskOf = (row: TaskRow, name: string): Task =>
  decode(taskSchema, row, { name, row: `tasks, row ${row.id}` });

export const taskRow = (number: number, { start, end, hosts, tags, ...task }: Task): TaskRow => ({
  ...task,
  number,
  hosts: JSON.stringify(hosts),
  tags: JSON.stringify(tags),
  started_at: start,
  ended_at: end,
});

const phaseSchema = z.object({ name: z.string(), at: z.number() });

export const phaseOf = (row: PhaseRow, name: string): PhaseMark =>
  decode(phaseSchema, row, { name, row: `phases, row ${row.number}` });
