import type { Task } from './task.ts';

/** The phases of an upgrade in order, with their budgets. */
export type Plan = {
  readonly name: string;
  readonly description: string;
  readonly phases: readonly PlannedPhase[];
  /** The budget of the whole run. */
  readonly run?: Budget;
  /** The budget of the time outside all phases: before the first, or after the last has ended. */
  readonly outside?: Budget;
};

export type PlannedPhase = {
  readonly name: string;
  /** The promise in words, shown in reports. */
  readonly promise: string;
  /** The tasks that start it. Any phase can also be started by hand. */
  readonly begins: Begins;
  readonly budget: Budget;
};

/** A phase starts with the first task that matches one of the names or has one of the tags. */
export type Begins = {
  /** Patterns; see `matches`. */
  readonly task: readonly string[];
  readonly tag: readonly string[];
};

/**
 * The limits of a phase or a run; a limit that is not set is not checked.
 * - `api_downtime`, `boot_downtime`: seconds for which the API, or booting, was down
 * - `data_plane_downtime`: seconds for which any server of `server-reach` was unreachable
 * - `longest_window`: the longest API outage, in seconds
 * - `consecutive_failures`: failed samples of the server list in a row, on one connection
 * - `error_ratio`: failed samples of the server list divided by all, 0 to 1
 * - `slowdown`: median latency of the server list divided by the median before the first phase
 */
export const BUDGET_NAMES = [
  'api_downtime',
  'boot_downtime',
  'data_plane_downtime',
  'longest_window',
  'consecutive_failures',
  'error_ratio',
  'slowdown',
] as const;
export type BudgetName = (typeof BUDGET_NAMES)[number];

/** The probes whose downtime is limited. The remaining budgets are about the probe of `api_downtime`. */
export const DOWNTIME_BUDGETS = {
  api_downtime: 'server-list',
  boot_downtime: 'server-boot',
  data_plane_downtime: 'server-reach',
} as const satisfies { readonly [name in BudgetName]?: string };
export type DowntimeBudget = keyof typeof DOWNTIME_BUDGETS;

export const isDowntimeBudget = (name: BudgetName): name is DowntimeBudget => Object.hasOwn(DOWNTIME_BUDGETS, name);

export type Budget = { readonly [name in BudgetName]?: number | undefined };

/**
 * Whether a text matches a pattern: `*` matches any characters, case is ignored. Not a regular expression, so that
 * plans stay readable for authors of playbooks and no pattern takes exponential time.
 */
export const matches = (pattern: string, text: string): boolean => matcher(pattern)(normalized(text));

const normalized = (text: string): string => text.trim().toLowerCase();

/** Expects a normalized text. */
function matcher(pattern: string): (text: string) => boolean {
  const [first = '', ...rest] = normalized(pattern).split('*');
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
export function startsPhase({ task, tag }: Begins): (task: Pick<Task, 'name' | 'role' | 'tags'>) => boolean {
  const matchers = task.map(matcher);
  return ({ name, role, tags }) => {
    if (tag.some((one) => tags.includes(one))) return true;
    const plain = normalized(name);
    const withRole = role === null ? plain : normalized(`${role} : ${name}`);
    return matchers.some((isMatch) => isMatch(plain) || (role !== null && isMatch(withRole)));
  };
}
