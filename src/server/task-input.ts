import { z } from 'zod';
import type { PhaseMark } from '../domain/ports.ts';
import { TASK_KINDS, TASK_SOURCES, TASK_STATUSES, type Task } from '../domain/upgrade/task.ts';
import { moment } from './parse.ts';

const CONTROL = /\p{Cc}+/gu;

/** A line of text: a playbook may name its tasks as it likes. */
const line = (longest: number) =>
  z
    .string()
    .transform((text) => text.replaceAll(CONTROL, ' ').trim().slice(0, longest))
    .refine((text) => text !== '', { error: 'is empty' });

const taskInput = z
  .strictObject({
    id: line(200),
    name: line(500),
    role: line(200).nullable().default(null),
    play: line(500).nullable().default(null),
    playbook: line(500).nullable().default(null),
    hosts: z.array(line(255)).max(2000).default([]),
    tags: z.array(line(100)).max(100).default([]),
    kind: z.enum(TASK_KINDS).default('task'),
    status: z.enum(TASK_STATUSES).default('running'),
    start: moment,
    end: moment.nullable().default(null),
    source: z.enum(TASK_SOURCES).default('shell'),
  })
  .refine(({ start, end }) => end === null || end >= start, { error: 'is before start', path: ['end'] })
  .transform((task): Task => task);

export const tasksInput = z.strictObject({ tasks: z.array(taskInput).max(5000) });

export const phaseInput = z
  .strictObject({
    name: line(200),
    at: moment.optional(),
    unplanned: z.boolean().default(false).describe('it may be one that the plan does not have'),
  })
  .transform(
    ({
      name,
      at,
      unplanned,
    }): {
      readonly name: string;
      readonly at: PhaseMark['at'] | undefined;
      readonly unplanned: boolean;
    } => ({ name, at, unplanned }),
  );
