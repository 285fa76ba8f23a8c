import type { Report } from '../domain/summary.ts';
import type { BudgetVerdict, PhaseVerdict, Result } from '../domain/verdict.ts';
import { budgetLimit, measureText, RESULT_WORDS } from './budgets.ts';
import { html, type Markup } from './html-markup.ts';
import { chip } from './html-sections.ts';
import { htmlTable } from './html-table.ts';
import type { Moments } from './moments.ts';
import { duration, span } from './quantities.ts';

const TONES = { pass: 'good', 'not-proven': 'warn', fail: 'bad' } as const;

type Row = { readonly phase: PhaseVerdict; readonly budget: BudgetVerdict | null };

/** A row a budget; null without any phase. */
export function phasesPart({ verdict: { phases, plan } }: Report, moments: Moments): Markup | null {
  if (phases.length === 0) return null;
  const rows = phases.flatMap((phase): readonly Row[] =>
    phase.budgets.length === 0 ? [{ phase, budget: null }] : phase.budgets.map((budget) => ({ phase, budget })),
  );
  return htmlTable(
    plan === null ? 'No plan: nothing was promised.' : `Judged by the plan ${plan}.`,
    [
      { head: 'Phase', names: true, cell: ({ phase, budget }) => phaseCell(phase, { budget, moments }) },
      { head: 'Budget', kind: 'figure', cell: ({ budget }) => (budget === null ? '-' : budgetLimit(budget)) },
      {
        head: 'Measured',
        kind: 'figure',
        cell: ({ budget }) => (budget === null ? '-' : measureText(budget.name, budget.measured)),
      },
      {
        head: 'Result',
        kind: 'figure',
        cell: ({ phase, budget }) => resultCell(phase, budget?.result ?? phase.result),
      },
    ],
    rows,
  );
}

/** When and how long is told with the first budget alone. */
function phaseCell(
  phase: PhaseVerdict,
  { budget, moments }: { readonly budget: BudgetVerdict | null; readonly moments: Moments },
): Markup {
  const { name, promise, stretches, measures } = phase;
  const [first] = stretches;
  if (measures === null || first === undefined) return html`${name}`;
  if (budget !== null && budget !== phase.budgets[0]) return html`<span class="again">${name}</span>`;
  const { elapsed, recovery } = measures;
  const after = recovery !== null && recovery.max > 0 ? `, recovered after ${duration(recovery.estimate)}` : '';
  return html`${name}<small>from ${moments.time(first.from)}, took ${span(elapsed)}${after}</small><small>${promise}</small>`;
}

function resultCell({ measures, running }: PhaseVerdict, result: Result | null): string | Markup {
  if (measures === null) return 'not begun, not judged';
  const known = result ?? 'pass';
  return chip(TONES[known], `${RESULT_WORDS[known]}${running ? ' so far' : ''}`);
}
