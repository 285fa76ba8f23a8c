import type { TaskSelector } from './task-selector.ts';

/** The phases of an upgrade in order, with their budgets. */
export type Plan = {
  readonly name: string;
  readonly description: string;
  readonly phases: readonly PlannedPhase[];
  /** The budget of the whole run. */
  readonly run?: Budget;
  /** The budget of the time outside all phases: before, between and after them. */
  readonly outside?: Budget;
};

export type PlannedPhase = {
  readonly name: string;
  /** The promise in words, shown in reports. */
  readonly promise: string;
  /** The tasks that start it: those that any of these selects. Any phase can also be started by hand. */
  readonly begins: readonly TaskSelector[];
  /** The tasks whose end ends it. If there are none, it lasts until the next phase starts. */
  readonly ends: readonly TaskSelector[];
  readonly budget: Budget;
};

/** What a budget limits: downtime or a window in seconds, samples in a row, a share from 0 to 1, a factor. */
export type BudgetUnit = 'seconds' | 'count' | 'share' | 'factor';

type BudgetDescription = {
  /** The name in reports: 'API downtime'. */
  readonly label: string;
  readonly unit: BudgetUnit;
  /** The probe that it is about. */
  readonly probe: string;
  /** Whether it limits the downtime of that probe, rather than something else. */
  readonly isDowntime: boolean;
};

/**
 * The limits of a phase or a run; a limit that is not set is not checked.
 * - `failed_boots`: boots that were refused or ended in an error, not those that were merely late
 * - `longest_window`: the longest API outage
 * - `consecutive_failures`: failed samples in a row, on one connection
 * - `error_ratio`: failed samples divided by all
 * - `slowdown`: the median latency divided by the median before the first phase
 */
export const BUDGETS = {
  api_downtime: { label: 'API downtime', unit: 'seconds', probe: 'server-list', isDowntime: true },
  boot_downtime: { label: 'boot downtime', unit: 'seconds', probe: 'server-boot', isDowntime: true },
  failed_boots: { label: 'failed boots', unit: 'count', probe: 'server-boot', isDowntime: false },
  data_plane_downtime: { label: 'data-plane downtime', unit: 'seconds', probe: 'server-reach', isDowntime: true },
  longest_window: { label: 'longest API window', unit: 'seconds', probe: 'server-list', isDowntime: false },
  consecutive_failures: { label: 'failures in a row', unit: 'count', probe: 'server-list', isDowntime: false },
  error_ratio: { label: 'failed list requests', unit: 'share', probe: 'server-list', isDowntime: false },
  slowdown: { label: 'slowdown of the median list request', unit: 'factor', probe: 'server-list', isDowntime: false },
} as const satisfies Readonly<Record<string, BudgetDescription>>;
export type BudgetName = keyof typeof BUDGETS;

/** The budgets that limit the downtime of a probe. */
export type DowntimeBudget = {
  [Name in BudgetName]: (typeof BUDGETS)[Name]['isDowntime'] extends true ? Name : never;
}[BudgetName];

const isBudgetName = (name: string): name is BudgetName => Object.hasOwn(BUDGETS, name);
export const BUDGET_NAMES: readonly BudgetName[] = Object.keys(BUDGETS).filter(isBudgetName);

/** Returns a record with a value for each budget. */
export const forEachBudget = <T>(value: (name: BudgetName) => T): Readonly<Record<BudgetName, T>> => ({
  api_downtime: value('api_downtime'),
  boot_downtime: value('boot_downtime'),
  failed_boots: value('failed_boots'),
  data_plane_downtime: value('data_plane_downtime'),
  longest_window: value('longest_window'),
  consecutive_failures: value('consecutive_failures'),
  error_ratio: value('error_ratio'),
  slowdown: value('slowdown'),
});

export const isDowntimeBudget = (name: BudgetName): name is DowntimeBudget => BUDGETS[name].isDowntime;

export type Budget = { readonly [name in BudgetName]?: number | undefined };
