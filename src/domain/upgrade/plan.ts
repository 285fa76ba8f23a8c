import type { Task } from './task.ts';

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
  /** The tasks that start it. Any phase can also be started by hand. */
  readonly begins: PhaseStart;
  readonly budget: Budget;
};

/** A phase starts with the first task that matches one of the names or has one of the tags. */
export type PhaseStart = {
  /** Patterns; see `matches`. */
  readonly task: readonly string[];
  readonly tag: readonly string[];
};

/** What a budget limits: downtime or a window in seconds, samples in a row, a share from 0 to 1, a factor. */
export type BudgetUnit = 'seconds' | 'count' | 'share' | 'factor';

type BudgetDescription = {
  /** The name in reports: 'API downtime'. */
  readonly label: string;
  readonly unit: BudgetUnit;
  /** The probe whose downtime is limited, or null if the budget limits something else. */
  readonly downtimeOf: string | null;
};

/**
 * The limits of a phase or a run; a limit that is not set is not checked. All but `boot_downtime` and
 * `data_plane_downtime` are about the probe `server-list`.
 * - `longest_window`: the longest API outage
 * - `consecutive_failures`: failed samples in a row, on one connection
 * - `error_ratio`: failed samples divided by all
 * - `slowdown`: the median latency divided by the median before the first phase
 */
export const BUDGETS = {
  api_downtime: { label: 'API downtime', unit: 'seconds', downtimeOf: 'server-list' },
  boot_downtime: { label: 'boot downtime', unit: 'seconds', downtimeOf: 'server-boot' },
  data_plane_downtime: { label: 'data-plane downtime', unit: 'seconds', downtimeOf: 'server-reach' },
  longest_window: { label: 'longest API window', unit: 'seconds', downtimeOf: null },
  consecutive_failures: { label: 'failures in a row', unit: 'count', downtimeOf: null },
  error_ratio: { label: 'failed list requests', unit: 'share', downtimeOf: null },
  slowdown: { label: 'slowdown of the median list request', unit: 'factor', downtimeOf: null },
} as const satisfies Readonly<Record<string, BudgetDescription>>;
export type BudgetName = keyof typeof BUDGETS;

/** The budgets that limit the downtime of a probe. */
export type DowntimeBudget = {
  [Name in BudgetName]: (typeof BUDGETS)[Name]['downtimeOf'] extends string ? Name : never;
}[BudgetName];

const isBudgetName = (name: string): name is BudgetName => Object.hasOwn(BUDGETS, name);
export const BUDGET_NAMES: readonly BudgetName[] = Object.keys(BUDGETS).filter(isBudgetName);

/** Returns a record with a value for each budget. */
export const forEachBudget = <T>(value: (name: BudgetName) => T): Readonly<Record<BudgetName, T>> => ({
  api_downtime: value('api_downtime'),
  boot_downtime: value('boot_downtime'),
  data_plane_downtime: value('data_plane_downtime'),
  longest_window: value('longest_window'),
  consecutive_failures: value('consecutive_failures'),
  error_ratio: value('error_ratio'),
  slowdown: value('slowdown'),
});

export const isDowntimeBudget = (name: BudgetName): name is DowntimeBudget => BUDGETS[name].downtimeOf !== null;

export type Budget = { readonly [name in BudgetName]?: number | undefined };

/**
 * Whether a text matches a pattern: `*` matches any characters, case is ignored. Not a regular expression, so that
 * plans stay readable for authors of playbooks and no pattern takes exponential time.
 */
export const matches = (pattern: string, text: string): boolean => matcher(pattern)(normalised(text));

const normalised = (text: string): string => text.trim().toLowerCase();

/** Expects a normalised text. */
function matcher(pattern: string): (text: string) => boolean {
  const [first = '', ...rest] = normalised(pattern).split('*');
  const last = rest.pop();
  if (last === undefined) return (text) => text === first;
  return (text) => {
    if (!text.startsWith(first)) return false;
    let at = first.length;
    for (const part of rest) {
      const found = text.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return text.length - last.length >= at && text.endsWith(last);
  };
}

/**
 * Matches the tasks that start a phase, by name with and without the role, as Ansible prints it: `os_nova : Stop
 * services`.
 */
export function startsPhase({ task, tag }: PhaseStart): (task: Pick<Task, 'name' | 'role' | 'tags'>) => boolean {
  const matchers = task.map(matcher);
  return ({ name, role, tags }) => {
    if (tag.some((wanted) => tags.includes(wanted))) return true;
    const plain = normalised(name);
    const withRole = role === null ? plain : normalised(`${role} : ${name}`);
    return matchers.some((isMatch) => isMatch(plain) || (role !== null && isMatch(withRole)));
  };
}
