import { z } from 'zod';
import { phasesSchema, toApiPhase, toApiVerdict } from '../api/phase.ts';
import { timestamp } from '../api/shared.ts';
import { tasksSchema, toApiTaskDowntime } from '../api/task.ts';
import type { Millis } from '../domain/time.ts';
import { END_MARK } from '../domain/upgrade/phases.ts';
import { TASK_KINDS, TASK_SOURCES, TASK_STATUSES } from '../domain/upgrade/task.ts';
import type { TaskLoad } from '../domain/upgrade/task-registry.ts';
import type { Verdict } from '../domain/upgrade/verdict.ts';
import { didYouMean } from '../format/did-you-mean.ts';
import { listed } from '../format/lists.ts';
import { Problem } from './problem.ts';
import { type App, acceptedSchema, json, noParameters, operation, type ServerOptions } from './route.ts';
import { timestampInput } from './validation.ts';

/** Room for a thousand tasks with long names. */
const BODY_LIMIT = 1_048_576;

/** An upgrade that takes a night has about ten thousand tasks. A running task is a candidate for every new window. */
const MAX_REPORTED_TASKS = 100_000;
const MAX_RUNNING_TASKS = 5000;
/** The most phases, including those of the plan. A report measures each of them. */
const MAX_PHASES = 200;

const CONTROL = /\p{Cc}+/gu;

/** Accepts any text, as a playbook may name its tasks anything, and makes it one line without control characters. */
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
    groups: z.array(line(255)).max(1000).default([]),
    tags: z.array(line(100)).max(100).default([]),
    kind: z.enum(TASK_KINDS).default('task'),
    status: z.enum(TASK_STATUSES).default('running'),
    start: timestampInput,
    end: timestampInput.nullable().default(null),
    source: z.enum(TASK_SOURCES).default('shell'),
  })
  .refine(({ start, end }) => end === null || end >= start, { error: 'is before start', path: ['end'] });

export const tasksInput = z.strictObject({ tasks: z.array(taskInput).max(5000) });

const phaseInput = z.strictObject({
  name: line(200),
  at: timestampInput.optional(),
  unplanned: z.boolean().default(false).describe('whether to accept a phase that is not in the plan'),
});

const tasksQuery = z.strictObject({
  source: z.enum(TASK_SOURCES).optional(),
  kind: z.enum(TASK_KINDS).optional(),
  status: z.enum(TASK_STATUSES).optional(),
});

const phaseMarkSchema = z.strictObject({ name: z.string(), at: timestamp });

/** Serves the tasks and phases of the upgrade, and accepts reports of them. */
export function taskRoutes(app: App, { run, upgrade }: ServerOptions): void {
  app.get(
    '/api/v1/tasks',
    operation('tasks', 'The tasks of the upgrade in order of their start, each with its downtime', {
      tag: 'data',
      querystring: tasksQuery,
      answers: json(tasksSchema),
    }),
    async ({ query: { source, kind, status } }) => {
      const tasks = run
        .tasks()
        .filter(
          (task) =>
            (source === undefined || task.sources.includes(source)) &&
            (kind === undefined || task.kind === kind) &&
            (status === undefined || task.status === status),
        );
      return { tasks: tasks.map(toApiTaskDowntime) };
    },
  );

  app.post(
    '/api/v1/tasks',
    {
      bodyLimit: BODY_LIMIT,
      ...operation(
        'reportTasks',
        'Report tasks that have started or ended; a later report with the same id replaces the earlier report',
        {
          tag: 'control',
          querystring: noParameters,
          body: tasksInput,
          answers: json(acceptedSchema),
          problems: [409],
          writes: true,
        },
      ),
    },
    async ({ body: { tasks }, headers }) => {
      refuseTooMany(upgrade.taskLoadWith(tasks));
      const heartbeat = heartbeatOf(headers['rollwatch-heartbeat']);
      for (const task of tasks) upgrade.task(task, heartbeat);
      return { accepted: tasks.length };
    },
  );

  app.get(
    '/api/v1/phases',
    operation('phases', 'The phases of the upgrade and their verdict', {
      tag: 'data',
      querystring: noParameters,
      answers: json(phasesSchema),
    }),
    async () => {
      const verdict = run.verdict();
      return { verdict: toApiVerdict(verdict), phases: verdict.phases.map(toApiPhase) };
    },
  );

  app.post(
    '/api/v1/phases',
    operation('beginPhase', 'Start a phase of the upgrade', {
      tag: 'control',
      querystring: noParameters,
      body: phaseInput,
      answers: json(phaseMarkSchema),
      problems: [409],
      writes: true,
    }),
    async ({ body }) => {
      const now = run.live();
      const { name, at = now.at, unplanned } = body;
      if (!unplanned && name !== END_MARK) refuseUnplanned(name, run.verdict(now.at));
      if (now.phases.length >= MAX_PHASES && name !== END_MARK && !now.phases.includes(name))
        throw new Problem(409, `name: there are ${now.phases.length} phases already; restart one of them`);
      upgrade.phase({ name, at });
      return { name, at: new Date(at).toISOString() };
    },
  );
}

const MAX_HEARTBEAT_SECONDS = 3600;

/** Reads how often the source reports, from a header: a daemon that does not know this header accepts the tasks too. */
function heartbeatOf(header: string | readonly string[] | undefined): Millis | undefined {
  if (header === undefined) return undefined;
  const seconds = typeof header === 'string' && /^\d{1,4}$/.test(header) ? Number(header) : 0;
  if (seconds < 1 || seconds > MAX_HEARTBEAT_SECONDS)
    throw new Problem(400, `Rollwatch-Heartbeat must be a number of seconds from 1 to ${MAX_HEARTBEAT_SECONDS}`, {
      header: 'Rollwatch-Heartbeat',
    });
  return seconds * 1000;
}

function refuseTooMany({ reported, running }: TaskLoad): void {
  if (reported > MAX_REPORTED_TASKS)
    throw new Problem(
      409,
      `tasks: ${reported} with these; at most ${MAX_REPORTED_TASKS} can be recorded; start a new journal`,
    );
  if (running > MAX_RUNNING_TASKS)
    throw new Problem(
      409,
      `tasks: ${running} running with these; at most ${MAX_RUNNING_TASKS} may run at once; report the end of others first`,
    );
}

/** Rejects a phase that is not in the plan: a mistyped name would start a phase that is never judged. */
function refuseUnplanned(name: string, { plan, phases }: Verdict): void {
  const planned = phases.flatMap((phase) => (phase.planned ? [phase.name] : []));
  if (plan === null || planned.includes(name)) return;
  const meant = didYouMean(name, [...planned, END_MARK]);
  const hint = meant === null ? `it has ${listed(planned, 'and')}` : `did you mean '${meant}'?`;
  throw new Problem(
    400,
    `name: the plan ${plan} has no phase '${name}'; ${hint} (unplanned: true, or rollwatch phase --unplanned, starts a phase that is not in the plan)`,
    { parameter: 'name', phases: planned, ...(meant !== null && { suggestion: meant }) },
  );
}
