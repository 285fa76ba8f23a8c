import type { JSX } from 'preact';
import { type ApiPhase, fromApiBudget } from '../api/phase.ts';
import { BUDGETS } from '../domain/upgrade/plan.ts';
import { budgetName, budgetSentence, measureText, RESULT_WORDS } from '../format/budgets.ts';
import { duration } from '../format/quantities.ts';

const TONES = { pass: 'good', 'not-proven': 'warn', fail: 'bad' } as const;

/** Shows the current phase: its promise, and how much of each budget is used. */
export function Budgets({ phases }: { readonly phases: readonly ApiPhase[] }): JSX.Element {
  const phase = phases.find(({ running }) => running) ?? null;
  return (
    <section class="card" aria-labelledby="phase-title">
      <h2 id="phase-title">{phase === null ? 'Phase and budget' : `Phase: ${phase.name}`}</h2>
      {phase === null ? (
        <p class="note">No phase is active.</p>
      ) : (
        <>
          <p class="note">{phase.promise}</p>
          {phase.budgets.map((budget) => (
            <Budget key={budget.name} budget={budget} />
          ))}
        </>
      )}
    </section>
  );
}

function Budget({ budget }: { readonly budget: ApiPhase['budgets'][number] }): JSX.Element {
  const { name, limit, measured, result } = budget;
  const tone = TONES[result];
  const share = (value: number): number => (limit > 0 ? Math.min(1, value / limit) : value > 0 ? 1 : 0) * 100;
  const used = measured ?? { min: 0, estimate: 0, max: 0 };
  const isCounted = BUDGETS[name].unit === 'seconds';
  return (
    <div class={`budget ${tone}`}>
      <p>
        <span class="budget-name">{budgetName(name)}</span>
        <span class="budget-figure">
          {measureText(name, measured)}
          {isCounted && limit > 0 ? ` of ${duration(limit)}` : ''}
          {limit === 0 ? ', none allowed' : ''}
        </span>
        <em>{RESULT_WORDS[result]}</em>
      </p>
      <div class="meter" role="img" aria-label={budgetSentence(fromApiBudget(budget))}>
        <i class="max" style={{ width: `${share(used.max)}%` }} />
        <i class="estimate" style={{ width: `${share(used.estimate)}%` }} />
      </div>
    </div>
  );
}
