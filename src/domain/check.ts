import { redact } from './redaction.ts';
import type { Millis } from './time.ts';

/** The result of a check; an operator must look at a `fail` before going on. */
export type CheckStatus = 'pass' | 'fail' | 'skip';

export type Check = {
  /** The same before and after the upgrade, so that results can be compared: 'services: nova-conductor'. */
  readonly name: string;
  readonly status: CheckStatus;
  /** One line: what was found, and what to do. */
  readonly detail: string;
  /** Its duration, if that was measured. */
  readonly seconds?: number;
};

/** Receives what is being checked, in a few words: 'hosts: 3 of 200 checked'. */
export type OnProgress = (step: string) => void;

export const CHECK_STAGES = ['before', 'after'] as const;
export type CheckStage = (typeof CHECK_STAGES)[number];

/** Redacts the detail, as it may quote the cloud. */
const createCheck = (name: string, status: CheckStatus, detail: string): Check => ({
  name,
  status,
  detail: redact(detail),
});

export const pass = (name: string, detail: string): Check => createCheck(name, 'pass', detail);
export const fail = (name: string, detail: string): Check => createCheck(name, 'fail', detail);
export const skip = (name: string, detail: string): Check => createCheck(name, 'skip', detail);

/**
 * Returns one passed check, or the checks that failed. Each problem has a check of its own: under one common name, a
 * new problem would look like one that existed before.
 */
export const passOrFailures = (name: string, detail: string, failures: readonly Check[]): readonly Check[] =>
  failures.length === 0 ? [pass(name, detail)] : failures;

/** A check with its result before the upgrade. */
export type ComparedCheck = Check & {
  /** Null if it was not checked before. */
  readonly before: CheckStatus | null;
};

/** Whether a check fails now and did not fail before: the upgrade broke it, or it was not checked before. */
export const isRegression = ({ status, before }: Pick<ComparedCheck, 'status' | 'before'>): boolean =>
  status === 'fail' && before !== 'fail';

/** Adds to each check of `now` its status in `before`; keeps the order of `now`. */
export function compareChecks(now: readonly Check[], before: readonly Check[] | null): readonly ComparedCheck[] {
  const statusBefore = new Map((before ?? []).map((check) => [check.name, check.status]));
  return now.map((check) => ({ ...check, before: statusBefore.get(check.name) ?? null }));
}

/** The checks of one cloud at one stage. */
export type CheckRun = {
  readonly stage: CheckStage;
  readonly cloud: string;
  readonly vantage: string;
  readonly at: Millis;
  readonly checks: readonly Check[];
  /** JSON with the details that a later stage compares with; only src/checks reads it. */
  readonly baseline: string;
};

/** The checks of one stage, compared with those before the upgrade. */
export type CheckReport = Pick<CheckRun, 'stage' | 'cloud' | 'vantage' | 'at'> & {
  readonly checks: readonly ComparedCheck[];
  /** True if there is no regression. */
  readonly ok: boolean;
};

/** Returns the group of a check: 'services' for 'services: nova-conductor'. */
const groupOf = ({ name }: Check): string => /^[^ :]*/.exec(name)?.[0] ?? '';

/** Checks of this group can be run one by one; the results of the others remain valid. */
const INCREMENTAL_GROUP = 'tempest';

/**
 * Merges check runs of one stage and one cloud, given in order. Checks can be run group by group and repeatedly: the
 * latest run of a group replaces earlier ones, so a check of something that no longer exists (a deleted record, a
 * removed host) disappears. Returns null if there are no runs.
 */
export function latestResults(runs: readonly CheckRun[]): CheckRun | null {
  const last = runs.at(-1);
  if (last === undefined) return null;
  const groups = new Map<string, Map<string, Check>>();
  for (const run of runs) {
    for (const [group, checks] of Map.groupBy(run.checks, groupOf)) {
      const previous = group === INCREMENTAL_GROUP ? groups.get(group) : undefined;
      const latest = previous ?? new Map<string, Check>();
      for (const check of checks) latest.set(check.name, check);
      groups.set(group, latest);
    }
  }
  return { ...last, checks: [...groups.values()].flatMap((checks) => [...checks.values()]) };
}

/** Reports every stage of every cloud and vantage; `after` is compared with `before`. */
export function checkReports(runs: readonly CheckRun[]): readonly CheckReport[] {
  const places = Map.groupBy(runs, ({ cloud, vantage }) => `${cloud}\n${vantage}`);
  return [...places.values()].flatMap((runsOfPlace) => {
    const resultsOf = (stage: CheckStage) => latestResults(runsOfPlace.filter((run) => run.stage === stage));
    const [before, after] = [resultsOf('before'), resultsOf('after')];
    return [...(before === null ? [] : [reportOf(before, null)]), ...(after === null ? [] : [reportOf(after, before)])];
  });
}

/** Compares a check run with `before`, the one before the upgrade; null if there was none. */
export function reportOf({ stage, cloud, vantage, at, checks }: CheckRun, before: CheckRun | null): CheckReport {
  const compared = compareChecks(checks, before?.checks ?? null);
  return { stage, cloud, vantage, at, checks: compared, ok: !compared.some(isRegression) };
}

/** Summarises checks in one line: '21 pass, 1 fail as before, 4 skipped, of which 2 passed before'. */
export function outcomeSummary(checks: readonly ComparedCheck[]): string {
  const count = (predicate: (check: ComparedCheck) => boolean) => checks.filter(predicate).length;
  const skippedNow = count(({ status, before }) => status === 'skip' && before === 'pass');
  const parts: readonly (readonly [number, string])[] = [
    [count(({ status }) => status === 'pass'), 'pass'],
    [count(isRegression), 'fail'],
    [count((check) => check.status === 'fail' && !isRegression(check)), 'fail as before'],
    [
      count(({ status }) => status === 'skip'),
      skippedNow === 0 ? 'skipped' : `skipped, of which ${skippedNow} passed before`,
    ],
  ];
  return parts.flatMap(([number, label]) => (number === 0 ? [] : [`${number} ${label}`])).join(', ') || 'no checks';
}
