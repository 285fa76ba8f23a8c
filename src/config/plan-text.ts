import { type Document, isMap, isSeq, parseDocument } from 'yaml';
import { BUDGET_NAMES, BUDGETS, type Budget, type BudgetName, type Plan } from '../domain/upgrade/plan.ts';
import { SELECTOR_KEYS, type TaskSelector } from '../domain/upgrade/task-selector.ts';

/** Formats a plan as a plan file. `comments`: one for the file, and one for each phase, by its name. */
export function planText(
  plan: Plan,
  { comment, phaseComments }: { readonly comment: string; readonly phaseComments: ReadonlyMap<string, string> },
): string {
  const document: Document = parseDocument('{}');
  const content = {
    name: plan.name,
    ...(plan.description !== '' && { description: plan.description }),
    ...(hasBudget(plan.run) && { run: budgetEntries(plan.run) }),
    ...(hasBudget(plan.outside) && { outside: budgetEntries(plan.outside) }),
    phases: plan.phases.map(({ name, promise, begins, ends, budget }) => ({
      name,
      ...(promise !== '' && { promise }),
      ...(begins.length > 0 && { begins: selectorEntries(begins) }),
      ...(ends.length > 0 && { ends: selectorEntries(ends) }),
      budget: budgetEntries(budget),
    })),
  };
  document.contents = document.createNode(content);
  document.commentBefore = commented(comment);
  const phases = document.get('phases');
  if (isSeq(phases)) {
    plan.phases.forEach(({ name }, index) => {
      const phase = phases.get(index);
      const text = phaseComments.get(name);
      if (isMap(phase)) {
        if (text !== undefined) phase.commentBefore = commented(text);
        if (index > 0) phase.spaceBefore = true;
      }
    });
  }
  return document.toString({ lineWidth: 0 });
}

const commented = (text: string): string =>
  text
    .split('\n')
    .map((line) => (line === '' ? '' : ` ${line}`))
    .join('\n');

const hasBudget = (budget: Budget | undefined): budget is Budget =>
  budget !== undefined && Object.keys(budget).length > 0;

const budgetEntries = (budget: Budget): Readonly<Record<string, string | number>> =>
  Object.fromEntries(
    BUDGET_NAMES.flatMap((name) => {
      const limit = budget[name];
      return limit === undefined ? [] : [[name, limitEntry(name, limit)]];
    }),
  );

/** Writes a limit as `plan-file.ts` reads it. */
function limitEntry(name: BudgetName, limit: number): string | number {
  const { unit } = BUDGETS[name];
  if (unit === 'share') return `${Number((limit * 100).toPrecision(12))}%`;
  if (unit !== 'seconds') return limit;
  return limit > 0 && limit % 60 === 0 ? `${limit / 60}m` : `${limit}s`;
}

/** Leaves out empty entries; a single selector needs no list. */
function selectorEntries(selectors: readonly TaskSelector[]): unknown {
  const entries = selectors.map((selector) =>
    Object.fromEntries(SELECTOR_KEYS.flatMap((key) => (selector[key].length === 0 ? [] : [[key, selector[key]]]))),
  );
  return entries.length === 1 ? entries[0] : entries;
}
