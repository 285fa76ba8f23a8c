import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { UserError } from '../domain/errors.ts';
import { END_MARK } from '../domain/upgrade/phases.ts';
import { BUDGET_NAMES, type Budget, type BudgetName, type Plan, type PlannedPhase } from '../domain/upgrade/plan.ts';
import { commonEntry, SELECTOR_KEYS, type TaskSelector } from '../domain/upgrade/task-selector.ts';
import { readProblem, readText } from '../files/read-text.ts';
import { listed } from '../format/lists.ts';
import { duration, integer, plainName, text } from '../schema/fields.ts';
import { type ConfigFile, openConfigFile } from './yaml/config-file.ts';
import { fileProblem, quoted } from './yaml/secrets.ts';

/** The folder of the plans that come with Rollwatch. */
const SHIPPED_FOLDER = fileURLToPath(new URL('../../plans/', import.meta.url));

/** Nova's documented rolling upgrade. */
export const DEFAULT_PLAN = 'nova-rolling-upgrade';

/** What `loadPlan` calls a plan that is an argument of a command. */
export const PLAN_ARGUMENT = 'PLAN';

const TASKS = "a list of task names, in which * matches anything, such as 'Stop nova-api*'";
const TAGS = 'a list of Ansible tags';
const RATIO = 'a ratio or percentage, such as 0.005 or 0.5%';
const FACTOR = 'a factor of at least 1, such as 2 for twice as slow';
const NAMES = {
  task: TASKS,
  tag: TAGS,
  play: 'a list of play names',
  role: 'a list of role names',
  playbook: 'a list of playbook file names',
  host: 'a list of hosts or groups of the inventory',
} as const;
const SELECTOR = `a mapping with one or more of ${listed(SELECTOR_KEYS, 'and')}`;
const BEGINS = `${SELECTOR}, or a list of such mappings; omit it for a phase that is started by hand`;
const ENDS = `${SELECTOR}, or a list of such mappings; omit it for a phase that lasts until the next one`;
const MAX_PHASES = 100;
const PHASES = `a list of 1 to ${MAX_PHASES} phases, in order`;
/** Entries of `begins` and `ends` of all phases together: each is compared with all others and with every task. */
const MAX_PATTERNS = 1000;

const list = (expected: string) => z.array(text(expected), { error: expected }).min(1, expected);

/** Converts '1%' or 0.01 to a ratio from 0 to 1. */
const ratio = z.union([z.string(), z.number()], { error: RATIO }).transform((given, context): number => {
  const [, percent] = typeof given === 'string' ? (/^([0-9]+(?:\.[0-9]+)?) ?%$/.exec(given) ?? []) : [];
  const value = typeof given === 'number' ? given : percent === undefined ? Number.NaN : Number(percent) / 100;
  if (value >= 0 && value <= 1) return value;
  context.addIssue({ code: 'custom', message: RATIO });
  return z.NEVER;
});

const seconds = duration({ min: 0 }).transform((millis) => millis / 1000);

const budget = z.strictObject(
  {
    api_downtime: seconds.optional(),
    boot_downtime: seconds.optional(),
    failed_boots: integer(0, 1_000_000).optional(),
    data_plane_downtime: seconds.optional(),
    longest_window: seconds.optional(),
    consecutive_failures: integer(0, 1_000_000).optional(),
    error_ratio: ratio.optional(),
    slowdown: z.number({ error: FACTOR }).min(1, FACTOR).max(1_000_000, FACTOR).optional(),
  } satisfies { readonly [name in BudgetName]: z.ZodType },
  { error: `a mapping of budgets: ${BUDGET_NAMES.join(', ')}` },
);

const names = (key: keyof typeof NAMES) => list(NAMES[key]).default([]);

/** Reads a mapping, or a list of alternatives. */
function selectors(expected: string) {
  const selector = z
    .strictObject(
      {
        task: names('task'),
        tag: names('tag'),
        play: names('play'),
        role: names('role'),
        playbook: names('playbook'),
        host: names('host'),
      } satisfies { readonly [key in keyof TaskSelector]: z.ZodType },
      { error: expected },
    )
    .refine((given) => SELECTOR_KEYS.some((key) => given[key].length > 0), expected);
  const alternatives = z.array(selector, { error: expected }).min(1, expected);
  return z.unknown().transform((given, context): readonly TaskSelector[] => {
    const { data, error } = Array.isArray(given)
      ? alternatives.safeParse(given)
      : z.tuple([selector]).safeParse([given]);
    for (const issue of error?.issues ?? []) {
      // The path of a single mapping has no index.
      const path = Array.isArray(given) ? issue.path : issue.path.slice(1);
      if (issue.code === 'unrecognized_keys') context.addIssue({ code: issue.code, keys: issue.keys, path });
      else context.addIssue({ code: 'custom', message: issue.message, path });
    }
    return data ?? z.NEVER;
  });
}

const phase = z.strictObject(
  {
    name: plainName,
    promise: text('a sentence about what the phase promises').default(''),
    begins: selectors(BEGINS).optional(),
    ends: selectors(ENDS).optional(),
    budget: budget.default({}),
  },
  { error: "a mapping with the key 'name'" },
);

const planSchema = z.strictObject(
  {
    name: plainName.optional(),
    description: text('a sentence about the plan').default(''),
    run: budget.default({}),
    outside: budget.default({}),
    phases: z.array(phase, { error: PHASES }).min(1, PHASES).max(MAX_PHASES, PHASES),
  },
  { error: "a mapping with the key 'phases'" },
);

/** Lists the keys that are valid at a path. */
function keysAt([section, index, key]: readonly PropertyKey[]): readonly string[] {
  if (section === 'run' || section === 'outside') return Object.keys(budget.shape);
  if (index === undefined) return Object.keys(planSchema.shape);
  if (key === 'begins' || key === 'ends') return SELECTOR_KEYS;
  return Object.keys(key === 'budget' ? budget.shape : phase.shape);
}

/**
 * Loads a plan that comes with Rollwatch by its name, or any other by its path, which contains a slash or ends in .yaml
 * or .yml. `source` names the setting, the flag or the argument.
 *
 * @throws UserError with the line of the first problem
 */
export function loadPlan(given: string, source: string, resolvePath: (path: string) => string): Plan {
  const isFile = given.includes('/') || /\.ya?ml$/.test(given);
  const shipped = shippedPlans();
  if (!isFile && !shipped.includes(given)) {
    // What was typed may be quoted; in a file, a secret may be set by mistake.
    const isTyped = source.startsWith('--') || source === PLAN_ARGUMENT;
    const shown = isTyped ? `'${given}'` : quoted(given, shipped);
    const subject = shown === null ? source : `${source} is ${shown}; it`;
    throw new UserError(`${subject} must be ${listed([...shipped, 'a file path'])}`);
  }
  const path = isFile ? resolvePath(given) : join(SHIPPED_FOLDER, `${given}.yaml`);
  const found = readText(path);
  if (found.kind !== 'text')
    throw new UserError(
      `${source}: ${fileProblem({ setting: given, path }, readProblem(found))}; specify a readable file`,
    );
  const file = openConfigFile({ path, folder: dirname(path), text: found.text, keysAt });
  const { name, description, run, outside, phases } = file.validate(planSchema, file.raw);
  const plan: Plan = {
    name: name ?? (path.split('/').at(-1) ?? given).replace(/\.ya?ml$/, ''),
    description,
    run: run satisfies Budget,
    outside: outside satisfies Budget,
    phases: phases.map(
      (phase): PlannedPhase => ({
        name: phase.name,
        promise: phase.promise,
        begins: phase.begins ?? [],
        ends: phase.ends ?? [],
        budget: phase.budget satisfies Budget,
      }),
    ),
  };
  checkPhases(plan.phases, file);
  return plan;
}

function checkPhases(phases: readonly PlannedPhase[], file: ConfigFile): void {
  const patterns = phases
    .flatMap(({ begins, ends }) => [...begins, ...ends])
    .reduce((sum, selector) => SELECTOR_KEYS.reduce((entries, key) => entries + selector[key].length, sum), 0);
  if (patterns > MAX_PATTERNS)
    throw file.errorAt(
      ['phases'],
      `phases lists ${patterns} names of tasks and others; the maximum is ${MAX_PATTERNS}`,
    );
  phases.forEach((phase, index) => {
    const key = `phases[${index}]`;
    if (phase.name === END_MARK)
      throw file.errorAt(
        ['phases', index, 'name'],
        `${key}.name is '${END_MARK}', which is reserved for ending the last phase; use another name`,
      );
    phases.slice(0, index).forEach((other, earlier) => {
      if (other.name === phase.name)
        throw file.errorAt(
          ['phases', index, 'name'],
          `${key}.name is the same as phases[${earlier}].name; phase names must be unique`,
        );
      const shared = overlap(other.begins, phase.begins);
      if (shared !== null)
        throw file.errorAt(
          ['phases', index, 'begins'],
          `${key}.begins overlaps with phases[${earlier}].begins: ${shared} would start both phases; change one of them`,
        );
    });
  });
}

/** Returns the entry of `b` that also starts `a`, such as "task[1]" or "[0].task[1]"; null if there is none. */
function overlap(a: readonly TaskSelector[], b: readonly TaskSelector[]): string | null {
  for (const [index, selector] of b.entries()) {
    for (const other of a) {
      const entry = commonEntry(other, selector);
      if (entry !== null) return b.length === 1 ? entry : `[${index}].${entry}`;
    }
  }
  return null;
}

/** Returns the names of the plans that come with Rollwatch. */
export const shippedPlans = (): readonly string[] =>
  readdirSync(SHIPPED_FOLDER)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
