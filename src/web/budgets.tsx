import type { JSX } from 'preact';
import { type ApiPhase, fromApiBudget } from '../api/phase.ts';
import type { ApiStatus } from '../api/status.ts';
import { BUDGETS } from '../domain/upgrade/plan.ts';
import { budgetName, budgetSentence, measureText, RESULT_WORDS } from '../format/budgets.ts';
import { duration } from '../format/quantities.ts';

const TONES = { pass: 'good', 'not-proven': 'warn', fail: 'bad' } as const;

/** Shows the current phase: its promise, and how much of each budget is used. */
export function Budgets({
  phases,
  status,
}: {
  readonly phases: readonly ApiPhase[];
  readonly status: ApiStatus | null;
}): JSX.Element {
  const phase = phases.find(({ running }) => running) ?? null;
  const tasks = status?.tasks ?? [];
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
      {tasks.length === 0 ? null : (
        <ul class="running" aria-label="Running tasks">
          {tasks.slice(0, 3).map((task) => (
            <li key={task.id}>
              <small>{task.kind}</small> {task.name}
            </li>
          ))}
          {tasks.length > 3 ? <li class="note">and {tasks.length - 3} more</li> : null}
        </ul>
      )}
    </section>
  );
}

function Budget({ budget }: { readonly budget: ApiPhase['budgets'][number] }): JSX.Element {
  const { name, limit, measured, result } = budget;
  const tone = TONES[result];
  const share = (value: number): number => (limit > 0 ? Math.min(1, value / limit) : value > 0 ? 1 : 0) * 100;
  const used = measured ?? { min: 0, estimate: 0, max: 0 };
  return (
    <div class={`budget ${tone}`}>
      <p>
        <span class="budget-name">{budgetName(name)}</span>
        <em>{RESULT_WORDS[result]}</em>
      </p>
      <div class="meter" role="img" aria-label={budgetSentence(fromApiBudget(budget))}>
        <i class="max" style={{ width: `${share(used.max)}%` }} />
        <i class="estimate" style={{ width: `${share(used.estimate)}%` }} />
      </div>
      <strong>
        {measureText(name, measured)}
        {BUDGETS[name].unit === 'seconds' ? ` of ${duration(limit)}` : ''}
      </strong>
    </div>
  );
}
