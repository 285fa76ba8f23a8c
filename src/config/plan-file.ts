import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { NO_PHASE } from '../domain/upgrade/phases.ts';
import { type Begins, BUDGETS, type Budget, matches, type Plan, type PlannedPhase } from '../domain/upgrade/plan.ts';
import { Refusal } from '../domain/user-error.ts';
import { problemOf, readText } from '../files/read-text.ts';
import { duration } from './yaml/duration.ts';
import { count, plainName, text } from './yaml/fields.ts';
import { quoted } from './yaml/quote.ts';
import { fileProblem } from './yaml/secret-file.ts';
import { openStrictly } from './yaml/strict-file.ts';

/** The plans that come with Rollwatch. */
const SHIPPED = fileURLToPath(new URL('../../plans/', import.meta.url));

/** What is used where nobody says otherwise: Nova's documented rolling upgrade. */
export const DEFAULT_PLAN = 'nova-rolling-upgrade';

const PATTERNS = "a list of names of tasks, in which * stands for anything, such as 'Stop nova-api*'";
const TAGS = "a list of Ansible's tags";
const FRACTION = 'a share, such as 0.5% or 0.005';
const FACTOR = 'a factor of 1 or more, such as 2 for twice as slow';

const list = (right: string) => z.array(text(right), { error: right }).min(1, right);

/** '1%' or 0.01. */
const share = z.union([z.string(), z.number()], { error: FRACTION }).transform((given, context): number => {
  const [, percent] = typeof given === 'string' ? (/^([0-9]+(?:\.[0-9]+)?) ?%$/.exec(given) ?? []) : [];
  const value = typeof given === 'number' ? given : percent === undefined ? Number.NaN : Number(percent) / 100;
  if (value >= 0 && value <= 1) return value;
  context.addIssue({ code: 'custom', message: FRACTION });
  return z.NEVER;
});

const time = duration({ min: 0 }).transform((millis) => millis / 1000);

const budget = z.strictObject(
  {
    api_downtime: time.optional(),
    boot_downtime: time.optional(),
    data_plane_downtime: time.optional(),
    longest_window: time.optional(),
    consecutive_failures: count(0, 1_000_000).optional(),
    error_ratio: share.optional(),
    slowdown: z.number({ error: FACTOR }).min(1, FACTOR).max(1_000_000, FACTOR).optional(),
  } satisfies { readonly [name in (typeof BUDGETS)[number]]: z.ZodType },
  { error: `a mapping of budgets: ${BUDGETS.join(', ')}` },
);

const begins = z.strictObject(
  { task: list(PATTERNS).optional(), tag: list(TAGS).optional() },
  { error: "a mapping with 'task' or 'tag'; leave it out for a phase that is begun by hand" },
);

const phase = z.strictObject(
  {
    name: plainName,
    promise: text('what the phase promises, in words').default(''),
    begins: begins
      .refine(
        ({ task, tag }) => task !== undefined || tag !== undefined,
        "a mapping with 'task' or 'tag': it is never begun like this; leave it out for a phase that is begun by hand",
      )
      .optional(),
    budget: budget.default({}),
  },
  { error: 'a mapping with the name of a phase' },
);

const PHASES = 'a list of phases in their order, at most 100 of them';
const MOST_PHASES = 100;
/** Of all phases together: each is held against each, and against each task. */
const MOST_NAMES = 1000;

const planSchema = z.strictObject(
  {
    name: plainName.optional(),
    description: text('a sentence about the plan').default(''),
    run: budget.default({}),
    outside: budget.default({}),
    phases: z.array(phase, { error: PHASES }).min(1, PHASES).max(MOST_PHASES, PHASES),
  },
  { error: 'a mapping with phases' },
);

/** What may stand where, for a slip in a key. */
function keysAt([section, index, key]: readonly PropertyKey[]): readonly string[] {
  if (section === 'run' || section === 'outside') return Object.keys(budget.shape);
  if (index === undefined) return Object.keys(planSchema.shape);
  if (key === 'begins') return Object.keys(begins.shape);
  return Object.keys(key === 'budget' ? budget.shape : phase.shape);
}

/**
 * A plan by the name of a shipped one or by its file, which has a slash or ends in .yaml or .yml. `base` is what paths
 * start from. Throws a `Refusal` that says where the mistake stands.
 */
export function loadPlan(given: string, whence: string, pathOf: (path: string) => string): Plan {
  const isFile = given.includes('/') || /\.ya?ml$/.test(given);
  const shipped = shippedPlans();
  if (!isFile && !shipped.includes(given))
    throw new Refusal(`${whenceIs(whence, given, shipped)} must be ${shipped.join(' or ')}, or the path of a file`);
  const path = isFile ? pathOf(given) : join(SHIPPED, `${given}.yaml`);
  const found = readText(path);
  if (found.kind !== 'text')
    throw new Refusal(
      `${whence}: ${fileProblem({ written: given, path }, problemOf(found))}; name a file that can be read`,
    );
  const file = openStrictly({ file: path, folder: dirname(path), text: found.text, known: keysAt });
  const { name, description, run, outside, phases } = file.check(planSchema, file.raw);
  const plan: Plan = {
    name: name ?? (path.split('/').at(-1) ?? given).replace(/\.ya?ml$/, ''),
    description,
    run: run satisfies Budget,
    outside: outside satisfies Budget,
    phases: phases.map(
      (one): PlannedPhase => ({
        name: one.name,
        promise: one.promise,
        begins: { task: one.begins?.task ?? [], tag: one.begins?.tag ?? [] },
        budget: one.budget satisfies Budget,
      }),
    ),
  };
  const names = plan.phases.reduce((sum, { begins: { task, tag } }) => sum + task.length + tag.length, 0);
  if (names > MOST_NAMES)
    throw file.refuse(['phases'], `phases names ${names} tasks and tags; at most ${MOST_NAMES} are wanted`);
  plan.phases.forEach((one, index) => {
    const path = ['phases', index];
    if (one.name === NO_PHASE)
      throw file.refuse(
        [...path, 'name'],
        `phases[${index}].name is '${NO_PHASE}', which ends the last phase; name it otherwise`,
      );
    plan.phases.slice(0, index).forEach((before, earlier) => {
      if (before.name === one.name)
        throw file.refuse(
          [...path, 'name'],
          `phases[${index}].name is that of phases[${earlier}] too; give it a name of its own`,
        );
      const shared = overlap(before.begins, one.begins);
      if (shared !== null)
        throw file.refuse(
          [...path, 'begins'],
          `phases[${index}].begins overlaps with phases[${earlier}].begins: ${shared} would begin both; name what only one of them begins with`,
        );
    });
  });
  return plan;
}

/** The command line may be quoted; a file may hold a secret where the plan belongs. */
function whenceIs(whence: string, given: string, shipped: readonly string[]): string {
  const shown = whence.startsWith('--') ? `'${given}'` : quoted(given, shipped);
  return shown === null ? whence : `${whence} is ${shown}; it`;
}

/** What begins the one and the other, in words. */
function overlap(a: Begins, b: Begins): string | null {
  const tags = new Set(a.tag);
  const tag = b.tag.findIndex((one) => tags.has(one));
  if (tag >= 0) return `its tag[${tag}]`;
  for (const one of a.task) {
    for (const [index, other] of b.task.entries()) {
      // A pattern is an instance of another where it matches as a text, its own stars standing for themselves.
      if (matches(one, other) || matches(other, one)) return `its task[${index}]`;
    }
  }
  return null;
}

const shippedPlans = (): readonly string[] =>
  readdirSync(SHIPPED)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
