import type { PhaseMeasures } from '../../src/domain/upgrade/phase-measures.ts';
import { forEachBudget } from '../../src/domain/upgrade/plan.ts';
import type { BudgetVerdict, PhaseVerdict } from '../../src/domain/upgrade/verdict.ts';
import { BEGAN, LIST_NEW, NONE } from './live.ts';

export const measures = (facts: Partial<PhaseMeasures> = {}): PhaseMeasures => ({
  elapsed: 60,
  unobserved: forEachBudget(() => 0),
  proof: forEachBudget(() => null),
  worst: [],
  api_downtime: NONE,
  boot_downtime: NONE,
  data_plane_downtime: null,
  longest_window: NONE,
  consecutive_failures: NONE,
  error_ratio: NONE,
  slowdown: { min: 1.1, estimate: 1.2, max: 1.3 },
  recovery: NONE,
  series: [
    {
      series: LIST_NEW,
      samples: { ok: 59, failed: 1, void: 0 },
      before: { p50: 0.04, p95: 0.08, p99: 0.1 },
      during: { p50: 0.05, p95: 0.1, p99: 0.4 },
    },
  ],
  ...facts,
});

export const budget = (facts: Partial<BudgetVerdict> = {}): BudgetVerdict => ({
  name: 'api_downtime',
  limit: 0,
  measured: { min: 6, estimate: 7, max: 8 },
  unobserved: 0,
  proof: null,
  result: 'fail',
  ...facts,
});

/** Returns the phase 'maintenance', from second 280 to 340 of the constructed run, started by a task. */
export const phaseVerdict = (facts: Partial<PhaseVerdict> = {}): PhaseVerdict => ({
  name: 'maintenance',
  promise: 'Expect API downtime.',
  planned: true,
  intervals: [{ from: BEGAN + 280_000, until: BEGAN + 340_000 }],
  running: false,
  task: 'Stop services',
  measures: measures(),
  budgets: [budget()],
  result: 'fail',
  windows: [],
  ...facts,
});

/** Returns a planned phase that never started. */
export const neverBegun = (name = 'computes'): PhaseVerdict =>
  phaseVerdict({ name, promise: '', intervals: [], task: null, measures: null, budgets: [], result: null });
