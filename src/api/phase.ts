import { z } from 'zod';
import type { Measured } from '../domain/downtime/window.ts';
import type { PhaseMeasures, Quantiles } from '../domain/upgrade/phase-measures.ts';
import { BUDGET_NAMES, BUDGETS, type BudgetName, forEachBudget } from '../domain/upgrade/plan.ts';
import {
  BUDGET_RESULTS,
  type BudgetVerdict,
  type PhaseVerdict,
  VERDICT_RESULTS,
  type Verdict,
} from '../domain/upgrade/verdict.ts';
import {
  errorBar,
  interval,
  type Read,
  rounded,
  seconds,
  seriesKey,
  toApiErrorBar,
  toApiInterval,
  toApiSeriesKey,
} from './shared.ts';

const quantiles = z.strictObject({ p50: seconds, p95: seconds, p99: seconds }).nullable();

/** A phase. If it never started, everything but name, promise, planned and running is null or empty. */
export const phaseSchema = z.strictObject({
  name: z.string(),
  promise: z.string(),
  planned: z.boolean().describe('whether the plan contains it'),
  result: z.enum(VERDICT_RESULTS).nullable().describe('the worst result of its budgets; null if it never started'),
  running: z.boolean(),
  task: z.string().nullable().describe('the task that started it; null if it was started by hand'),
  intervals: z.array(interval),
  elapsedSeconds: seconds.nullable(),
  recoverySeconds: errorBar.nullable().describe('time from its end until nothing was down'),
  measured: z
    .strictObject(forEachBudget(() => errorBar.nullable()))
    .nullable()
    .describe('in the units of the plan: seconds, a count, a share from 0 to 1, or a factor'),
  budgets: z.array(
    z.strictObject({
      name: z.enum(BUDGET_NAMES),
      limit: z.number(),
      measured: errorBar.nullable(),
      unobservedSeconds: seconds.describe('time that was not observed, and may have been downtime that it limits'),
      proof: z
        .strictObject({ outageSeconds: seconds, totalSeconds: seconds })
        .nullable()
        .describe(
          'for a budget of 0 and no failed sample: no outage was this long, and shorter ones were shorter than the total together, with 95 % confidence',
        ),
      result: z.enum(BUDGET_RESULTS),
    }),
  ),
  worstAvailability: z
    .array(z.strictObject({ seconds: z.number(), availability: z.number() }))
    .describe('the lowest availability of the API, from 0 to 1, in any period of that length within the phase'),
  series: z.array(
    z.strictObject({
      ...seriesKey.shape,
      samples: z.strictObject({ ok: z.int(), failed: z.int(), void: z.int() }),
      beforeSeconds: quantiles.describe('latency before the first phase'),
      duringSeconds: quantiles,
    }),
  ),
  windows: z.array(z.string()).describe('ids of the down and partial windows that may overlap it'),
});

/** The verdict, without its phases. */
export const verdictSchema = z.strictObject({
  plan: z.string().nullable(),
  result: z
    .enum(VERDICT_RESULTS)
    .describe(
      'the worst result of what was judged; not-judged if nothing was, or instead of pass if no phase with a budget started',
    ),
  judged: z.array(z.string()),
  notJudged: z.array(
    z.strictObject({ name: z.string(), reason: z.enum(['never-started', 'no-budget', 'not-in-plan']) }),
  ),
  run: phaseSchema.nullable().describe('the whole run; null if the plan has no budget for it'),
  outside: phaseSchema.nullable().describe('the time outside every phase; null if the plan has no budget for it'),
});

export const phasesSchema = z.strictObject({ verdict: verdictSchema, phases: z.array(phaseSchema) });

export type ApiPhase = Read<typeof phaseSchema>;
export type ApiVerdict = Read<typeof verdictSchema>;

export const fromApiBudget = ({ unobservedSeconds, proof, ...budget }: ApiPhase['budgets'][number]): BudgetVerdict => ({
  ...budget,
  unobserved: unobservedSeconds,
  proof: proof && { outage: proof.outageSeconds, total: proof.totalSeconds },
});

export const toApiVerdict = ({ plan, result, judged, notJudged, run, outside }: Verdict): ApiVerdict => ({
  plan,
  result,
  judged,
  notJudged,
  run: run && toApiPhase(run),
  outside: outside && toApiPhase(outside),
});

const toApiErrorBarOrNull = (bar: Measured | null): Read<typeof errorBar> | null => bar && toApiErrorBar(bar);

const toApiQuantiles = (latency: Quantiles | null): Read<typeof quantiles> =>
  latency && { p50: rounded(latency.p50), p95: rounded(latency.p95), p99: rounded(latency.p99) };

/** Does not round a share, so that one failure among many samples stays visible. */
const toApiMeasure = (name: BudgetName, measured: Measured | null): Read<typeof errorBar> | null =>
  BUDGETS[name].unit === 'share' ? measured : toApiErrorBarOrNull(measured);

const toApiMeasures = (measures: PhaseMeasures | null): ApiPhase['measured'] =>
  measures && forEachBudget((name) => toApiMeasure(name, measures[name]));

export const toApiPhase = (phase: PhaseVerdict): ApiPhase => ({
  name: phase.name,
  promise: phase.promise,
  planned: phase.planned,
  result: phase.result,
  running: phase.running,
  task: phase.task,
  intervals: phase.intervals.map(toApiInterval),
  elapsedSeconds: phase.measures && rounded(phase.measures.elapsed),
  recoverySeconds: phase.measures && toApiErrorBarOrNull(phase.measures.recovery),
  measured: toApiMeasures(phase.measures),
  budgets: phase.budgets.map(({ name, limit, measured, unobserved, proof, result }) => ({
    name,
    limit,
    measured: toApiMeasure(name, measured),
    unobservedSeconds: rounded(unobserved),
    proof: proof && { outageSeconds: rounded(proof.outage), totalSeconds: rounded(proof.total) },
    result,
  })),
  worstAvailability: (phase.measures?.worst ?? []).map(({ seconds: period, availability }) => ({
    seconds: period,
    availability,
  })),
  series: (phase.measures?.series ?? []).map(({ series, samples, before, during }) => ({
    ...toApiSeriesKey(series),
    samples,
    beforeSeconds: toApiQuantiles(before),
    duringSeconds: toApiQuantiles(during),
  })),
  windows: phase.windows.map(({ id }) => id),
});
