import { redact } from './redaction.ts';
import type { Millis } from './time.ts';

/** What one check found; `fail` is what an operator must look at before he goes on. */
export type CheckStatus = 'pass' | 'fail' | 'skip';

export type Check = {
  /** The same before and after, so that the two can be held against each other: 'services: nova-conductor'. */
  readonly name: string;
  readonly status: CheckStatus;
  /** One line for a person: what was found, and what is to be done. */
  readonly detail: string;
  /** How long it took, where that was measured. */
  readonly seconds?: number;
};

export const STAGES = ['before', 'after'] as const;
export type Stage = (typeof STAGES)[number];

/** A detail may have the cloud's own words in it. */
const found = (name: string, status: CheckStatus, detail: string): Check => ({ name, status, detail: redact(detail) });

export const pass = (name: string, detail: string): Check => found(name, 'pass', detail);
export const fail = (name: string, detail: string): Check => found(name, 'fail', detail);
export const skip = (name: string, detail: string): Check => found(name, 'skip', detail);

/**
 * One check where all is well; otherwise one for each thing that is wrong: under one name for all of them, what went wrong
 * lately would pass for what was wrong before.
 */
export const wellOr = (name: string, well: string, troubles: readonly Check[]): readonly Check[] =>
  troubles.length === 0 ? [pass(name, well)] : troubles;

/** Held against what was found before. */
export type Compared = Check & {
  /** As it was before the upgrade; null where it was not checked then. */
  readonly before: CheckStatus | null;
};

/** What fails now and did not fail before: that is the upgrade's doing, or it was never looked at. */
export const isRegression = ({ status, before }: Pick<Compared, 'status' | 'before'>): boolean =>
  status === 'fail' && before !== 'fail';

/** In the order of `now`. */
export function compareChecks(now: readonly Check[], before: readonly Check[] | null): readonly Compared[] {
  const was = new Map((before ?? []).map((one) => [one.name, one.status]));
  return now.map((one) => ({ ...one, before: was.get(one.name) ?? null }));
}

/** All that was found on one cloud at one stage. */
export type CheckRun = {
  readonly stage: Stage;
  readonly cloud: string;
  readonly vantage: string;
  readonly at: Millis;
  readonly checks: readonly Check[];
  /** JSON that src/checks alone reads: what the later stage is held against in detail. */
  readonly stock: string;
};

/** What was found at one stage, held against what was found before. */
export type CheckReport = Pick<CheckRun, 'stage' | 'cloud' | 'vantage' | 'at'> & {
  readonly checks: readonly Compared[];
  /** Nothing fails that did not fail before. */
  readonly ok: boolean;
};

/** 'services' of 'services: nova-conductor', 'kept' of 'kept servers'. */
const groupOf = ({ name }: Check): string => /^[^ :]*/.exec(name)?.[0] ?? '';

/** Of these each may be run by itself: what was found of the others still holds. */
const ONE_BY_ONE = 'tempest';

/**
 * Checks may be made group by group, and again: of each group the last word counts, so that what is gone from it (a record
 * that was deleted, a host that was taken out) is not told any more. `runs` are of one stage and one cloud, in order.
 */
export function lastWords(runs: readonly CheckRun[]): CheckRun | null {
  const last = runs.at(-1);
  if (last === undefined) return null;
  const groups = new Map<string, Map<string, Check>>();
  for (const run of runs) {
    for (const [group, checks] of Map.groupBy(run.checks, groupOf)) {
      const kept = group === ONE_BY_ONE ? groups.get(group) : undefined;
      const words = kept ?? new Map<string, Check>();
      for (const one of checks) words.set(one.name, one);
      groups.set(group, words);
    }
  }
  return { ...last, checks: [...groups.values()].flatMap((checks) => [...checks.values()]) };
}

/** Each stage on each cloud; what was found after is held against what was found before it. */
export function checkReports(runs: readonly CheckRun[]): readonly CheckReport[] {
  const places = Map.groupBy(runs, ({ cloud, vantage }) => `${cloud}\n${vantage}`);
  return [...places.values()].flatMap((here) => {
    const of = (stage: Stage) => lastWords(here.filter((one) => one.stage === stage));
    const [before, after] = [of('before'), of('after')];
    return [...(before === null ? [] : [reportOf(before, null)]), ...(after === null ? [] : [reportOf(after, before)])];
  });
}

/** `before` null: nothing is known of before. */
export function reportOf({ stage, cloud, vantage, at, checks }: CheckRun, before: CheckRun | null): CheckReport {
  const compared = compareChecks(checks, before?.checks ?? null);
  return { stage, cloud, vantage, at, checks: compared, ok: !compared.some(isRegression) };
}

/** '21 pass, 1 fail as before, 4 skipped, of which 2 passed before'. */
export function outcomeWords(checks: readonly Compared[]): string {
  const count = (wanted: (one: Compared) => boolean) => checks.filter(wanted).length;
  const lost = count(({ status, before }) => status === 'skip' && before === 'pass');
  const words: readonly (readonly [number, string])[] = [
    [count(({ status }) => status === 'pass'), 'pass'],
    [count(isRegression), 'fail'],
    [count((one) => one.status === 'fail' && !isRegression(one)), 'fail as before'],
    [count(({ status }) => status === 'skip'), lost === 0 ? 'skipped' : `skipped, of which ${lost} passed before`],
  ];
  return (
    words.flatMap(([number, word]) => (number === 0 ? [] : [`${number} ${word}`])).join(', ') || 'nothing was looked at'
  );
}
