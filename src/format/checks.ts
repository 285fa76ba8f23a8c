import { type Check, type CheckStatus, isRegression } from '../domain/check.ts';
import { counted, span } from './quantities.ts';

/** The name of the check for a whole Tempest run; each of its tests has a check named 'tempest: tempest.api...'. */
export const TEMPEST = 'tempest';
const PREFIX = `${TEMPEST}: `;
export const tempestCheckName = (test: string): string => `${PREFIX}${test}`;

/** How many of the tests that passed before but did not run now are listed by name. */
const MAX_NAMED_TESTS = 3;

/** Counts the outcomes of checks: '84 passed, 2 failed, 25 skipped'. */
export function outcomesText(results: readonly Pick<Check, 'status'>[]): string {
  const count = (wanted: CheckStatus) => results.filter(({ status }) => status === wanted).length;
  return `${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped`;
}

/** A check with its result before the upgrade. */
type ComparedCheck = {
  readonly name: string;
  readonly status: CheckStatus;
  readonly detail: string;
  readonly before: CheckStatus | null;
  readonly seconds?: number | null;
};

/** A summary of the results of Tempest's tests. */
export type TempestSummary = {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** The sum of the tests' own durations. */
  readonly seconds: number;
  /** Tests that fail and did not fail before. */
  readonly broken: readonly string[];
  /** Tests that passed before, and were skipped or not run now. */
  readonly gone: readonly string[];
};

export const isTempestTest = ({ name }: Pick<ComparedCheck, 'name'>): boolean => name.startsWith(PREFIX);
const testId = ({ name }: Pick<ComparedCheck, 'name'>): string => name.slice(PREFIX.length);

/** Summarises Tempest's tests; returns null if none was run. */
export function tempestSummary(checks: readonly ComparedCheck[]): TempestSummary | null {
  const tests = checks.filter(isTempestTest);
  if (tests.length === 0) return null;
  const count = (wanted: CheckStatus) => tests.filter(({ status }) => status === wanted).length;
  return {
    passed: count('pass'),
    failed: count('fail'),
    skipped: count('skip'),
    seconds: Math.round(tests.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0) * 1000) / 1000,
    broken: tests.filter(isRegression).map(testId),
    gone: tests.filter(({ status, before }) => status === 'skip' && before === 'pass').map(testId),
  };
}

/**
 * Returns the checks that a report lists: all that did not pass. Tempest has hundreds of tests, so only its failed
 * tests are listed, after one line that summarises all of them.
 */
export function checksToReport(checks: readonly ComparedCheck[]): readonly ComparedCheck[] {
  const summary = tempestSummary(checks);
  const others = checks.filter((check) => !isTempestTest(check) && check.status !== 'pass');
  if (summary === null) return others;
  const failed = checks.filter((check) => isTempestTest(check) && check.status === 'fail');
  const { gone, broken } = summary;
  const more = gone.length > MAX_NAMED_TESTS ? ` and ${gone.length - MAX_NAMED_TESTS} more` : '';
  const goneText =
    gone.length === 0
      ? ''
      : `; ${counted(gone.length, 'test')} that passed before ${gone.length === 1 ? 'was' : 'were'} skipped or not run: ${gone.slice(0, MAX_NAMED_TESTS).join(', ')}${more}`;
  const tempest: ComparedCheck = {
    name: 'Tempest tests',
    status: failed.length > 0 ? 'fail' : 'pass',
    detail: `${outcomesText(checks.filter(isTempestTest))}; they took ${span(summary.seconds)}${goneText}`,
    before: failed.length > 0 && broken.length === 0 ? 'fail' : null,
  };
  return [...others, tempest, ...failed];
}
