import type { Sentence } from '../api/report.ts';
import { type UnjudgedPhase, type Verdict, type VerdictResult, verdictParts } from '../domain/upgrade/verdict.ts';
import { listed } from '../format/lists.ts';
import { printableLine } from '../format/printable.ts';
import { capitalised } from '../format/quantities.ts';

/** Says whether the upgrade stayed within its budgets; empty without a plan. */
export function verdictSentences(verdict: Verdict): readonly Sentence[] {
  const { result, judged, notJudged } = verdict;
  if (verdict.plan === null) return [];
  const plan = printableLine(verdict.plan);
  const named = (wanted: VerdictResult) =>
    listedNames(verdictParts(verdict).flatMap((phase) => (phase.result === wanted ? [phase.name] : [])));
  const budgetOf = (wanted: VerdictResult) =>
    verdictParts(verdict).filter((phase) => phase.result === wanted).length === 1 ? 'its budget' : 'their budgets';
  const unjudged = unjudgedSentence(notJudged);
  const more = unjudged === '' ? '' : ` ${unjudged}`;
  if (result === 'fail')
    return [{ text: `FAIL: ${named('fail')} exceeded ${budgetOf('fail')} (plan ${plan}).${more}`, tone: 'bad' }];
  if (result === 'not-proven') {
    const text = `NOT PROVEN: ${named('not-proven')} may have exceeded ${budgetOf('not-proven')} (plan ${plan}).${more}`;
    return [{ text, tone: 'warn' }];
  }
  if (result === 'pass') {
    if (unjudged === '') return [{ text: `PASS: every phase stayed within budget (plan ${plan}).`, tone: 'good' }];
    return [{ text: `PASS: ${listedNames(judged)} stayed within budget (plan ${plan}).${more}`, tone: 'warn' }];
  }
  const passed = named('pass');
  const outside = passed === '' ? '' : ` ${capitalised(passed)} stayed within budget.`;
  return [
    {
      text: `NOT JUDGED: no phase of ${plan} was compared with its budget.${more}${outside}`,
      tone: 'warn',
    },
  ];
}

/** Lists names: 'a, b and c'. */
const listedNames = (names: readonly string[]): string => listed(names.map(printableLine), 'and');

const UNJUDGED: Readonly<Record<UnjudgedPhase['reason'], (names: string, several: boolean) => string>> = {
  'never-started': (names) => `${names} never started`,
  'no-budget': (names, several) => `${names} ${several ? 'have' : 'has'} no budget`,
  'not-in-plan': (names, several) => `${names} ${several ? 'are' : 'is'} not in the plan`,
};

/** Says what was not judged: 'Not judged: computes and finish never started; acceptance has no budget.' */
export function unjudgedSentence(notJudged: readonly UnjudgedPhase[]): string {
  if (notJudged.length === 0) return '';
  const parts = [...Map.groupBy(notJudged, ({ reason }) => reason)].map(([reason, phases]) =>
    UNJUDGED[reason](listedNames(phases.map(({ name }) => name)), phases.length > 1),
  );
  return `Not judged: ${parts.join('; ')}.`;
}
