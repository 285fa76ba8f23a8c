import { fromApiBudget } from '../api/phase.ts';
import type { ApiReport } from '../api/report.ts';
import type { ApiSeriesStatus, ApiStatus } from '../api/status.ts';
import { accountOf } from '../domain/probe.ts';
import { VERDICT_RESULTS, type VerdictResult } from '../domain/upgrade/verdict.ts';
import { budgetSentence, RESULT_WORDS } from '../format/budgets.ts';
import { expectationsOf } from '../format/expectation.ts';
import { listed } from '../format/lists.ts';
import { capitalised, counted } from '../format/quantities.ts';

export type Tone = 'good' | 'bad' | 'warn' | 'unknown';
type Line = { readonly tone: Tone; readonly text: string };

export const VERDICT_TONES: Readonly<Record<VerdictResult, Tone>> = {
  'not-judged': 'unknown',
  pass: 'good',
  'not-proven': 'warn',
  fail: 'bad',
};

/** Returns the series that are down or partly down. */
export const downSeries = ({ series }: ApiStatus): readonly ApiSeriesStatus[] =>
  series.filter(({ state }) => state === 'down' || state === 'partial');

/** Returns 'down', or 'partly down' if everywhere only some requests fail. */
export const downWord = (status: ApiStatus): string =>
  downSeries(status).every(({ state }) => state === 'partial') ? 'partly down' : 'down';

/** At most this many clouds are named. */
const MAX_NAMED_CLOUDS = 3;

/** Lists clouds: 'a, b, c and 2 more'. */
export const cloudNames = (clouds: readonly string[]): string =>
  clouds.length > MAX_NAMED_CLOUDS + 1
    ? `${clouds.slice(0, MAX_NAMED_CLOUDS).join(', ')} and ${clouds.length - MAX_NAMED_CLOUDS} more`
    : listed(clouds, 'and');

/** Says what is down, without naming every series: 'API and boot', '2 of 5 clouds'. Empty if nothing is. */
export function whatIsDown(status: ApiStatus): string {
  const down = downSeries(status);
  const clouds = new Set(status.series.map(({ cloud }) => cloud));
  const downClouds = new Set(down.map(({ cloud }) => cloud));
  if (clouds.size > 1 && down.length > 0) return `${downClouds.size} of ${counted(clouds.size, 'cloud')}`;
  return capitalised(listed(labelsOf(status, down), 'and'));
}

/** Says which clouds are down and what of each: 'prod-a (API, boot), prod-b (API)'; null unless there are several. */
export function downByCloud(status: ApiStatus): string | null {
  if (new Set(status.series.map(({ cloud }) => cloud)).size < 2) return null;
  const down = [...Map.groupBy(downSeries(status), ({ cloud }) => cloud)].map(
    ([cloud, series]) => `${cloud} (${labelsOf(status, series).join(', ')})`,
  );
  return down.length === 0 ? null : cloudNames(down);
}

type Failing = readonly { readonly probe: string }[];

/** Returns the types of probes whose downtime some series are part of. */
const typesOf = ({ probeTypes }: Pick<ApiStatus, 'probeTypes'>, failing: Failing): ApiStatus['probeTypes'] => {
  const names = new Set(failing.map(({ probe }) => accountOf(probeTypes, probe)));
  return probeTypes.filter(({ name }) => names.has(name));
};

const labelsOf = (status: Pick<ApiStatus, 'probeTypes'>, failing: Failing): readonly string[] =>
  typesOf(status, failing).map(({ label }) => label);

/**
 * Says for each kind of downtime that is open whether the plan expects it: whether the current phase allows it, and how
 * much of the budget is used and left. Worst first; empty if nothing is down or there is no plan.
 */
export function expectations(status: ApiStatus, { phases, verdict }: ApiReport): readonly Line[] {
  if (verdict.plan === null) return [];
  const phase = phases.find(({ running }) => running) ?? verdict.outside;
  const judged = phase && { name: phase.name, budgets: phase.budgets.map(fromApiBudget) };
  return expectationsOf(
    typesOf(status, downSeries(status)).map(({ name, label }) => ({ name, label, phase: judged })),
    'now',
  );
}

/** The verdict so far, and the budgets that are the reason. */
export type VerdictSoFar = { readonly result: VerdictResult; readonly word: string; readonly text: string };

/** At most this many budgets are quoted. */
const MAX_QUOTED_BUDGETS = 2;

/** Judges the run so far, by budgets that are extended to now; null without a plan. */
export function verdictSoFar({ phases, verdict, run }: ApiReport): VerdictSoFar | null {
  if (verdict.plan === null) return null;
  const parts = [...phases, ...[verdict.outside, verdict.run].filter((part) => part !== null)];
  const missed = parts.flatMap(({ name, budgets }) =>
    budgets.filter((budget) => budget.result !== 'pass').map((budget) => ({ name, budget })),
  );
  const result = [verdict.result, ...missed.map(({ budget }) => budget.result)].reduce((worst, other) =>
    VERDICT_RESULTS.indexOf(other) > VERDICT_RESULTS.indexOf(worst) ? other : worst,
  );
  const word = `${RESULT_WORDS[result].toUpperCase()}${run.running ? ' so far' : ''}:`;
  if (result === 'not-judged') return { result, word, text: 'no phase with a budget has started' };
  if (result === 'pass') return { result, word, text: `${listed(verdict.judged, 'and')} within budget` };
  const reasons = missed.filter(({ budget }) => budget.result === result);
  const quoted = reasons.slice(0, MAX_QUOTED_BUDGETS);
  const sentences = [...Map.groupBy(quoted, ({ name }) => name)].map(
    ([name, same]) => `${name}: ${same.map(({ budget }) => budgetSentence(fromApiBudget(budget))).join('; ')}`,
  );
  const more = reasons.length > quoted.length ? ` and ${counted(reasons.length - quoted.length, 'other budget')}` : '';
  return { result, word, text: `${sentences.join('; ')}${more}` };
}

/** Returns the title of the page: short, as a tab shows it. */
export function titleOf(
  status: ApiStatus | null,
  { clouds, lost }: { readonly clouds: readonly string[]; readonly lost: boolean },
): string {
  const name = clouds.length > 1 ? counted(clouds.length, 'cloud') : (clouds[0] ?? '');
  if (status === null) return `Rollwatch ${name}`.trim();
  if (lost) return `? ${name} - Rollwatch`;
  const down = whatIsDown(status);
  if (down === '') return `● up ${name} - Rollwatch`;
  return `▼ ${downWord(status).toUpperCase()} ${clouds.length > 1 ? down : name} - Rollwatch`;
}
