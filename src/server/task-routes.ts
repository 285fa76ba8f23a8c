import type { FastifyInstance } from 'fastify';
import { phasesSchema, toApiPhase, toApiVerdict } from '../api/phase.ts';
import { tasksSchema, toApiTaskDowntime } from '../api/task.ts';
import type { Millis } from '../domain/time.ts';
import { END_MARK } from '../domain/upgrade/phases.ts';
import type { TaskLoad } from '../domain/upgrade/task-registry.ts';
import type { Verdict } from '../domain/upgrade/verdict.ts';
import { didYouMean, listed } from '../format/did-you-mean.ts';
import { documented } from './documents.ts';
import { checkWrite } from './guard.ts';
import type { ServerOptions } from './options.ts';
import { parseBody, parseQuery } from './parse.ts';
import { Problem } from './problem.ts';
import { nothing, tasksQuery } from './query.ts';
import { acceptedSchema, phaseMarkSchema } from './schemas.ts';
import { phaseInput, tasksInput } from './task-input.ts';

/** Of a body with tasks: a thousand of them, with long names. */
const TASKS_LIMIT = 1_048_576;

/** A night has ten thousand. A running one is a candidate of every window. */
const MAX_REPORTED_TASKS = 100_000;
const MAX_RUNNING_TASKS = 5000;
/** Phases, those of the plan too: a report measures each. */
const MOST_PHASES = 200;

/** Whoever reports so often at most is not called silent between two reports, in seconds. */
const LONGEST_HEARTBEAT = 3600;

/** A header, not a part of the body: a daemon that does not know it takes the tasks all the same. */
function heartbeatOf(header: string | readonly string[] | undefined): Millis | undefined {
  if (header === undefined) return undefined;
  const seconds = typeof header === 'string' && /^\d{1,4}$/.test(header) ? Number(header) : 0;
  if (seconds < 1 || seconds > LONGEST_HEARTBEAT)
    throw new Problem(400, `Rollwatch-Heartbeat has to be a number of seconds from 1 to ${LONGEST_HEARTBEAT}`, {
      header: 'Rollwatch-Heartbeat',
    });
  return seconds * 1000;
}

function refuseTooMany({ reported, running }: TaskLoad): void {
  if (reported > MAX_REPORTED_TASKS)
    throw new Problem(
      409,
      `tasks: ${reported} with these; at most ${MAX_REPORTED_TASKS} are recorded, start another journal`,
    );
  if (running > MAX_RUNNING_TASKS)
    throw new Problem(
      409,
      `tasks: ${running} running with these; at most ${MAX_RUNNING_TASKS} may, report first which have ended`,
    );
}

/** A mistyped name would begin a phase that is never judged, and the planned one would never begin. */
function refuseUnplanned(name: string, { plan, phases }: Verdict): void {
  const planned = phases.flatMap((phase) => (phase.planned ? [phase.name] : []));
  if (plan === null || planned.includes(name)) return;
  const meant = didYouMean(name, [...planned, END_MARK]);
  const right = meant === null ? `it has ${listed(planned, 'and')}` : `did you mean '${meant}'?`;
  throw new Problem(
    400,
    `name: the plan ${plan} has no phase '${name}'; ${right} (unplanned: true, or rollwatch phase --unplanned, begins one that it does not have)`,
    { parameter: 'name', phases: planned, ...(meant !== null && { suggestion: meant }) },
  );
}

/** The upgrade's tasks and phases, reported by whatever runs it. */
export function taskRoutes(app: FastifyInstance, options: ServerOptions & { readonly loopback: boolean }): void {
  const { live, upgrade } = options;
  const guarded = {
    // before the body is read
    onRequest: async (request: Parameters<typeof checkWrite>[0]) =>
      checkWrite(request, { loopback: options.loopback, token: options.writeToken }),
  };
  const secured = { tag: 'control', problems: [401, 403, 409, 413, 415], secured: true } as const;

  const list = {
    id: 'tasks',
    summary: 'The tasks of the upgrade, by their start, with what each may have cost',
  } as const;
  app.get(
    '/api/v1/tasks',
    { schema: documented({ ...list, tag: 'data', query: tasksQuery, answers: tasksSchema }) },
    async (request) => {
      const { source, kind, status } = parseQuery(tasksQuery, request.query);
      const tasks = live().report.tasks.filter(
        (one) =>
          (source === undefined || one.sources.includes(source)) &&
          (kind === undefined || one.kind === kind) &&
          (status === undefined || one.status === status),
      );
      return { tasks: tasks.map(toApiTaskDowntime) };
    },
  );

  const report = {
    id: 'reportTasks',
    summary: 'Report tasks, begun or ended; a later report of the same id replaces an earlier one',
  } as const;
  app.post(
    '/api/v1/tasks',
    {
      ...guarded,
      bodyLimit: TASKS_LIMIT,
      schema: documented({ ...report, ...secured, query: nothing, body: tasksInput, answers: acceptedSchema }),
    },
    async (request) => {
      parseQuery(nothing, request.query);
      const { tasks } = parseBody(tasksInput, request.body);
      refuseTooMany(upgrade.taskLoadWith(tasks));
      const heartbeat = heartbeatOf(request.headers['rollwatch-heartbeat']);
      for (const task of tasks) upgrade.task(task, heartbeat);
      return { accepted: tasks.length };
    },
  );

  const phases = { id: 'phases', summary: 'The phases of the upgrade, against the plan', tag: 'data' } as const;
  app.get(
    '/api/v1/phases',
    { schema: documented({ ...phases, query: nothing, answers: phasesSchema }) },
    async (request) => {
      parseQuery(nothing, request.query);
      const { verdict } = live().report;
      return { verdict: toApiVerdict(verdict), phases: verdict.phases.map(toApiPhase) };
    },
  );

  const phase = { id: 'beginPhase', summary: 'Say that a phase of the upgrade begins' } as const;
  app.post(
    '/api/v1/phases',
    {
      ...guarded,
      schema: documented({ ...phase, ...secured, query: nothing, body: phaseInput, answers: phaseMarkSchema }),
    },
    async (request) => {
      parseQuery(nothing, request.query);
      const now = live();
      const { name, at = now.at, unplanned } = parseBody(phaseInput, request.body);
      if (!unplanned && name !== END_MARK) refuseUnplanned(name, now.report.verdict);
      if (now.phases.length >= MOST_PHASES && name !== END_MARK && !now.phases.includes(name))
        throw new Problem(409, `name: there are ${now.phases.length} phases already; begin one of them again`);
      upgrade.phase({ name, at });
      return { name, at: new Date(at).toISOString() };
    },
  );
}
