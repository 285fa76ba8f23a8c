import { z } from 'zod';
import type { ChartFace, ChartTasksFace } from '../api/chart.ts';
import type { ReportFace } from '../api/report.ts';
import type { SampleFace } from '../api/sample.ts';
import type { StatusFace } from '../api/status.ts';
import type { WindowFace } from '../api/window.ts';
import { FAILURE_KINDS, SERVICES, VOID_KINDS } from '../domain/cause.ts';
import { STAGES } from '../domain/check.ts';
import { PROBES } from '../domain/sample.ts';
import { BUDGETS } from '../domain/upgrade/plan.ts';
import { TASK_KINDS, TASK_SOURCES, TASK_STATUSES } from '../domain/upgrade/task.ts';
import { BUDGET_RESULTS, RESULTS } from '../domain/upgrade/verdict.ts';

/** The shapes that answers have: they make the OpenAPI document, and a test holds every answer against them. */

const moment = z.iso.datetime();
const seconds = z.number();
const bounds = z.strictObject({ min: seconds, estimate: seconds, max: seconds });
const bracket = z.strictObject({ earliest: moment, estimate: moment, latest: moment });
const stretch = { startedAt: moment, endedAt: moment };
const key = {
  cloud: z.string(),
  vantage: z.string(),
  probe: z.enum(PROBES),
  connection: z.enum(['new', 'reused', '']),
  target: z.string().describe('which of several that are probed alike; empty where the probe has one alone'),
};
const outcome = z.enum(['ok', 'failed', 'void']);

const cause = z.strictObject({
  kind: z.enum([...FAILURE_KINDS, ...VOID_KINDS]),
  service: z.enum(SERVICES),
  message: z.string(),
  status: z.int().nullable(),
  body: z.string().nullable(),
});

const task = {
  id: z.string().describe('given by its source; what is told of it later replaces what was told before'),
  name: z.string(),
  role: z.string().nullable(),
  play: z.string().nullable(),
  playbook: z.string().nullable(),
  hosts: z.array(z.string()),
  tags: z.array(z.string()),
  kind: z.enum(TASK_KINDS),
  status: z.enum(TASK_STATUSES),
  start: moment,
  end: moment.nullable(),
  source: z.enum(TASK_SOURCES),
};
const taskSchema = z.strictObject({ ...task, sources: z.array(z.enum(TASK_SOURCES)) });
const taskDowntimeSchema = taskSchema.extend({
  windows: z.int(),
  downtimeBeganSeconds: seconds.describe('of the windows for which it is to blame'),
  downtimeInsideSeconds: seconds.describe('while it ran'),
});

export const tasksSchema = z.strictObject({ tasks: z.array(taskDowntimeSchema) });

const windowSchema = z.strictObject({
  id: z.string(),
  ...key,
  kind: z.enum(['down', 'degraded']),
  start: bracket,
  end: bracket.nullable().describe('null while it is open'),
  durationSeconds: bounds,
  failedSamples: z.int(),
  causes: z.array(z.strictObject({ kind: z.enum(FAILURE_KINDS), service: z.enum(SERVICES), count: z.int() })),
  task: taskSchema.nullable().describe('the upgrade task to blame: the first candidate'),
  candidates: z.array(taskSchema).describe('all that were under way when it may have begun'),
  phase: z.string().nullable().describe('of the upgrade, in which it began'),
  provisional: z.boolean().describe('an edge may still move: a sample sent before it has not ended'),
  gaps: z.array(z.strictObject(stretch)).describe('unobserved time inside'),
});

export const windowsSchema = z.strictObject({ windows: z.array(windowSchema) });

const overall = z.strictObject({
  downtimeSeconds: bounds,
  windows: z.int(),
  longestSeconds: seconds,
  unobservedSeconds: seconds,
  apiDowntimeSeconds: bounds,
  bootDowntimeSeconds: bounds,
  dataPlaneDowntimeSeconds: bounds,
  tokenDowntimeSeconds: bounds,
  apiWindows: z.int(),
  bootWindows: z.int(),
  dataPlaneWindows: z.int(),
  tokenWindows: z.int(),
});

const servers = z.strictObject({ created: z.int(), deleted: z.int(), leaked: z.int() });

const result = z.enum(RESULTS).nullable();
const quantiles = z.strictObject({ p50: seconds, p95: seconds, p99: seconds }).nullable();

const phaseSchema = z.strictObject({
  name: z.string(),
  promise: z.string(),
  planned: z.boolean().describe('the plan has it'),
  result: result.describe('the worst of its budgets; null where it never began'),
  running: z.boolean(),
  task: z.string().nullable().describe('with which it began; null where it was begun by hand'),
  stretches: z.array(z.strictObject(stretch)),
  elapsedSeconds: seconds.nullable(),
  recoverySeconds: bounds.nullable().describe('from its end until nothing was down any more'),
  measured: z
    .strictObject({
      api_downtime: bounds.nullable(),
      boot_downtime: bounds.nullable(),
      data_plane_downtime: bounds.nullable(),
      longest_window: bounds.nullable(),
      consecutive_failures: bounds.nullable(),
      error_ratio: bounds.nullable(),
      slowdown: bounds.nullable(),
    })
    .nullable(),
  budgets: z.array(
    z.strictObject({
      name: z.enum(BUDGETS),
      limit: z.number(),
      measured: bounds.nullable(),
      result: z.enum(BUDGET_RESULTS),
    }),
  ),
  series: z.array(
    z.strictObject({
      ...key,
      samples: z.strictObject({ ok: z.int(), failed: z.int(), void: z.int() }),
      beforeSeconds: quantiles.describe('before the first phase'),
      duringSeconds: quantiles,
    }),
  ),
  windows: z.array(z.string()).describe('ids'),
});

const verdictSchema = z.strictObject({
  plan: z.string().nullable(),
  result: z
    .enum(RESULTS)
    .describe('the worst of what was judged; not-judged where the plan has budgets for phases and none of those began'),
  judged: z.array(z.string()),
  notJudged: z.array(z.strictObject({ name: z.string(), reason: z.enum(['never-began', 'no-budget', 'not-in-plan']) })),
  run: phaseSchema.nullable().describe('the whole run; null where the plan has no budget for it'),
  outside: phaseSchema.nullable().describe('the time outside every phase; null where the plan has no budget for it'),
});

export const phasesSchema = z.strictObject({ verdict: verdictSchema, phases: z.array(phaseSchema) });

const checkStatus = z.enum(['pass', 'fail', 'skip']);

const checksSchema = z.strictObject({
  stage: z.enum(STAGES),
  cloud: z.string(),
  vantage: z.string(),
  at: moment,
  ok: z.boolean().describe('nothing fails that did not fail before'),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      status: checkStatus,
      detail: z.string(),
      before: checkStatus.nullable().describe('null where it was not checked before'),
      seconds: z.number().nullable().describe('null where it was not timed'),
    }),
  ),
  tempest: z
    .strictObject({
      passed: z.number(),
      failed: z.number(),
      skipped: z.number(),
      seconds: z.number().describe('spent in the tests, added up'),
      broken: z.array(z.string()).describe('tests that fail and did not fail before'),
      gone: z.array(z.string()).describe('tests that passed before, and were skipped or not run now'),
    })
    .nullable()
    .describe("what Tempest's tests came to, which are among the checks; null: none was run"),
});

export const reportSchema = z.strictObject({
  summary: z
    .array(z.strictObject({ text: z.string(), tone: z.enum(['good', 'bad', 'warn']) }))
    .describe('the report in a few sentences, the worst news first'),
  run: z.strictObject({
    id: z.string(),
    ...stretch,
    durationSeconds: seconds,
    running: z.boolean(),
    version: z.string(),
    clouds: z.array(z.string()),
    vantages: z.array(z.string()),
    facts: z.record(z.string(), z.string()),
    sessions: z.array(z.strictObject({ id: z.int(), ...stretch, ended: z.boolean() })),
  }),
  overall,
  clouds: z.array(z.strictObject({ cloud: z.string(), vantage: z.string(), overall, servers })),
  probes: z.array(
    z.strictObject({
      ...key,
      intervalSeconds: seconds,
      slowSeconds: seconds,
      samples: z.strictObject({ ok: z.int(), failed: z.int(), void: z.int(), missed: z.int(), extra: z.int() }),
      voids: z
        .array(z.strictObject({ kind: z.enum(VOID_KINDS), count: z.int(), message: z.string() }))
        .describe('why samples are void, most frequent first; the message is that of the last'),
      availability: z.number().nullable(),
      downtimeSeconds: bounds,
      windows: z.int(),
      longestSeconds: seconds,
      degradedSeconds: bounds,
      observedSeconds: seconds,
      unobservedSeconds: seconds,
      gaps: z.array(z.strictObject(stretch)).describe('the unobserved stretches'),
      latencySeconds: z.strictObject({ p50: seconds, p95: seconds, p99: seconds, max: seconds }).nullable(),
    }),
  ),
  windows: z.array(windowSchema),
  verdict: verdictSchema,
  phases: z.array(phaseSchema),
  tasks: z.array(taskDowntimeSchema),
  marks: z.array(z.strictObject({ kind: z.string(), message: z.string(), ...stretch, durationSeconds: seconds })),
  servers,
  checks: z.array(checksSchema),
  damage: z
    .array(z.strictObject({ table: z.string(), rows: z.int(), reason: z.string() }))
    .describe('rows of the journal that could not be read; 0 where their number is not known'),
});

export const statusSchema = z.strictObject({
  at: moment,
  version: z.string(),
  run: z.string(),
  startedAt: moment,
  paused: z.boolean(),
  overall,
  series: z.array(
    z.strictObject({
      ...key,
      state: z.enum(['up', 'degraded', 'down', 'unknown']),
      lastSample: z
        .strictObject({ startedAt: moment, outcome, durationSeconds: seconds, cause: cause.nullable() })
        .nullable(),
      waiting: z
        .strictObject({ since: moment, seconds, note: z.string() })
        .nullable()
        .describe('the sample that has waited longest for its answer'),
      held: z.string().nullable().describe('why it does not sample now'),
      open: windowSchema.nullable(),
    }),
  ),
  tasks: z.array(taskSchema).describe('under way, the one that began last first'),
  phase: z.string().nullable().describe('of the upgrade, that is under way'),
  journal: z.discriminatedUnion('state', [
    z.strictObject({ state: z.literal('recording') }),
    z.strictObject({
      state: z.literal('stopped'),
      since: moment,
      reason: z.string(),
      waitingEntries: z.int(),
      droppedEntries: z.int(),
    }),
  ]),
  sampler: z
    .strictObject({ at: moment, lagSeconds: seconds, inFlight: z.int(), clockOffsetSeconds: seconds })
    .nullable(),
  servers,
});

export const sampleSchema = z.strictObject({
  ...key,
  session: z.int(),
  seq: z.int(),
  dueAt: moment,
  startedAt: moment,
  endedAt: moment,
  durationSeconds: seconds,
  outcome,
  extra: z.boolean(),
  slots: z.int(),
  cause: cause.nullable(),
  stages: z.record(z.string(), seconds),
  requestId: z.string().nullable(),
  serverId: z.string().nullable(),
  upUntil: moment.nullable(),
  brokeAt: moment.nullable(),
  settledAt: moment.nullable(),
  hung: z.boolean().nullable(),
});

export const chartSchema = z.strictObject({
  origin: moment.describe('what `after` counts from'),
  causes: z.array(z.strictObject({ kind: z.enum(FAILURE_KINDS), service: z.enum(SERVICES) })),
  series: z.array(
    z.strictObject({
      ...key,
      intervalSeconds: seconds,
      slowSeconds: seconds,
      after: z.array(z.int()).describe('milliseconds from the sending of the sample before; the first from origin'),
      took: z.array(z.int()).describe('milliseconds'),
      outcomes: z.string().describe('a letter each: o ok, f failed, v void; a capital for an extra one'),
      causes: z.array(z.int()).describe('of the failed ones: the index in causes'),
      stages: z
        .array(z.int().nullable())
        .describe('of boots, four each, in milliseconds: accepted, active, delete_accepted, gone'),
    }),
  ),
});

export const chartTasksSchema = z.strictObject({
  origin: moment.describe('what `after` counts from'),
  names: z.array(z.string()),
  name: z.array(z.int()).describe('the index in names'),
  after: z.array(z.int()).describe('milliseconds from the start of the task before; the first from origin'),
  took: z.array(z.int().nullable()).describe('milliseconds; null while it runs'),
  kinds: z.string().describe('a letter each: t task, h handler'),
  statuses: z.string().describe('a letter each: r running, o ok, f failed, u unknown, d dry-run'),
});

export const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
});

export const looseObject = z.looseObject({});

export const healthSchema = z.strictObject({ alive: z.literal(true), version: z.string() });
export const readySchema = z.strictObject({ ready: z.literal(true), paused: z.boolean() });
export const annotationMessageSchema = z.strictObject({ message: z.string(), id: z.int().optional() });
export const annotationSchema = z.looseObject({
  id: z.int(),
  time: z.number(),
  timeEnd: z.number(),
  text: z.string(),
  tags: z.array(z.string()),
  data: z.unknown(),
});
export const annotationsSchema = z.array(annotationSchema);
export const acceptedSchema = z.strictObject({ accepted: z.int() });
export const phaseMarkSchema = z.strictObject({ name: z.string(), at: moment });
export const pausedSchema = z.strictObject({ paused: z.boolean() });

/** As the compiler sees them: a face that changes without its schema, or the other way round, does not compile. */
type Same<Face, Schema> = [Face] extends [Loose<Schema>] ? ([Schema] extends [Loose<Face>] ? true : never) : never;
/** Faces may be told more loosely than schemas: readonly, and plain strings for closed lists. */
type Loose<Type> = Type extends string
  ? string
  : Type extends readonly (infer Item)[]
    ? readonly Loose<Item>[]
    : Type extends object
      ? { readonly [Member in keyof Type]: Loose<Type[Member]> }
      : Type;

export const FACES_AND_SCHEMAS_AGREE: readonly [
  Same<WindowFace, z.infer<typeof windowSchema>>,
  Same<ReportFace, z.infer<typeof reportSchema>>,
  Same<StatusFace, z.infer<typeof statusSchema>>,
  Same<SampleFace, z.infer<typeof sampleSchema>>,
  Same<ChartFace, z.infer<typeof chartSchema>>,
  Same<ChartTasksFace, z.infer<typeof chartTasksSchema>>,
] = [true, true, true, true, true, true];

/** What goes into the OpenAPI document. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output' = 'output'): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}
