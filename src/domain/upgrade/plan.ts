import type { Task } from './task.ts';

/** The phases of an upgrade in their order, and what each promises. */
export type Plan = {
  readonly name: string;
  readonly description: string;
  readonly phases: readonly PlannedPhase[];
  /** What the whole run may cost. */
  readonly run?: Budget;
  /** What may happen outside every phase: before the first, or after the last has ended. */
  readonly outside?: Budget;
};

export type PlannedPhase = {
  readonly name: string;
  /** The promise in words, for whoever reads the report. */
  readonly promise: string;
  /** How it is recognised, besides being begun by hand. */
  readonly begins: Begins;
  readonly budget: Budget;
};

/** A phase begins with the first task that has one of the names or one of the tags. */
export type Begins = {
  /** Patterns, see `matches`. */
  readonly task: readonly string[];
  readonly tag: readonly string[];
};

/**
 * What a phase, or the run, may cost; what is not named may cost anything.
 * - `api_downtime`, `boot_downtime`: seconds of the phase in which the API, or booting, was down
 * - `data_plane_downtime`: seconds of the phase in which any of the servers under `server-reach` was out of reach
 * - `longest_window`: seconds of the longest stretch of API downtime
 * - `consecutive_failures`: failed samples of the server list in a row, on one connection
 * - `error_ratio`: failed samples of the server list by all, 0 to 1
 * - `slowdown`: the median answer time of the server list by that before the first phase
 */
export const BUDGETS = [
  'api_downtime',
  'boot_downtime',
  'data_plane_downtime',
  'longest_window',
  'consecutive_failures',
  'error_ratio',
  'slowdown',
] as const;
export type BudgetName = (typeof BUDGETS)[number];
export type Budget = { readonly [name in BudgetName]?: number | undefined };

/**
 * Whether a text is as the pattern says: `*` stands for anything, letters may be large or small. No regular
 * expressions: a plan is to be read by the one who wrote the playbook, and none can take exponential time.
 */
export const matches = (pattern: string, text: string): boolean => matcher(pattern)(plain(text));

const plain = (text: string): string => text.trim().toLowerCase();

/** For a text that is plain already. */
function matcher(pattern: string): (text: string) => boolean {
  const [first = '', ...rest] = plain(pattern).split('*');
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

/** Tells which tasks a phase begins with. A name is tried alone and with its role, as Ansible prints it: `os_nova : Stop services`. */
export function beginning({ task, tag }: Begins): (task: Pick<Task, 'name' | 'role' | 'tags'>) => boolean {
  const matchers = task.map(matcher);
  return ({ name, role, tags }) => {
    if (tag.some((one) => tags.includes(one))) return true;
    const alone = plain(name);
    const whole = role === null ? alone : plain(`${role} : ${name}`);
    return matchers.some((fits) => fits(alone) || (role !== null && fits(whole)));
  };
}
