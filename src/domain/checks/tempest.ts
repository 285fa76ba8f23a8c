import { counted, duration, span } from '../words/quantities.ts';
import { type Check, type CheckStatus, isRegression } from './check.ts';
import type { TestResult } from './test-book.ts';

/** The check of a run of Tempest itself; that of each of its tests is called 'tempest: tempest.api...'. */
export const TEMPEST = 'tempest';
const PREFIX = `${TEMPEST}: `;
const nameOf = (test: string): string => `${PREFIX}${test}`;

/** 'setUpClass (tempest.api.compute...)': what stands for all tests of a class. */
const CLASS = /^\w+ \((.+)\)$/;

/** Named among tests that passed before, in a line for a person. */
const NAMED = 3;

/** Seconds of a test that nobody timed are left out. */
export function testCheck({ id, outcome, seconds, reason }: TestResult): Check {
  const spent = seconds === null ? '' : ` in ${duration(seconds)}`;
  const detail = { pass: `ok${spent}`, fail: reason || `failed${spent}`, skip: reason || 'skipped' }[outcome];
  return { name: nameOf(id), status: outcome, detail, ...(seconds !== null && { seconds }) };
}

/** '84 passed, 2 failed, 25 skipped'. */
export function outcomesText(results: readonly Pick<Check, 'status'>[]): string {
  const count = (wanted: CheckStatus) => results.filter(({ status }) => status === wanted).length;
  return `${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped`;
}

/** Of the tests that passed before, those of which a whole run of the same tests has told nothing now. */
export function missingTests(passedBefore: readonly string[], now: readonly TestResult[]): readonly Check[] {
  const told = new Set(now.map(({ id }) => id));
  const classes = new Map(
    now.toReversed().flatMap((result) => {
      const name = CLASS.exec(result.id)?.[1];
      return name === undefined || result.outcome === 'pass' ? [] : [[name, result] as const];
    }),
  );
  const classOf = (id: string) => {
    for (let end = id.indexOf('.'); end >= 0; end = id.indexOf('.', end + 1)) {
      const found = classes.get(id.slice(0, end));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return passedBefore
    .filter((id) => !told.has(id))
    .map((id) => {
      const whole = classOf(id);
      const why = whole === undefined ? '' : `, as ${whole.id} ${whole.outcome === 'skip' ? 'was skipped' : 'failed'}`;
      return { name: nameOf(id), status: 'skip', detail: `passed before, and was not run now${why}` };
    });
}

/** A check as it is shown somewhere. */
type Shown = {
  readonly name: string;
  readonly status: CheckStatus;
  readonly detail: string;
  readonly before: CheckStatus | null;
  readonly seconds?: number | null;
};

/** What Tempest's tests came to, of each test the last word. */
export type TempestSummary = {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Spent in the tests themselves, added up. */
  readonly seconds: number;
  /** Tests that fail and did not fail before. */
  readonly broken: readonly string[];
  /** Tests that passed before, and were skipped or not run now. */
  readonly gone: readonly string[];
};

export const isTempestTest = ({ name }: Pick<Shown, 'name'>): boolean => name.startsWith(PREFIX);
const idOf = ({ name }: Pick<Shown, 'name'>): string => name.slice(PREFIX.length);

/** Null: no test was run. */
export function tempestSummary(checks: readonly Shown[]): TempestSummary | null {
  const tests = checks.filter(isTempestTest);
  if (tests.length === 0) return null;
  const count = (wanted: CheckStatus) => tests.filter(({ status }) => status === wanted).length;
  return {
    passed: count('pass'),
    failed: count('fail'),
    skipped: count('skip'),
    seconds: Math.round(tests.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0) * 1000) / 1000,
    broken: tests.filter(isRegression).map(idOf),
    gone: tests.filter(({ status, before }) => status === 'skip' && before === 'pass').map(idOf),
  };
}

/**
 * The checks that a report tells of one by one: all that did not pass. Of Tempest's tests, which are hundreds, those that
 * failed, below one line for all of them.
 */
export function toldChecks(checks: readonly Shown[]): readonly Shown[] {
  const summary = tempestSummary(checks);
  const others = checks.filter((one) => !isTempestTest(one) && one.status !== 'pass');
  if (summary === null) return others;
  const failed = checks.filter((one) => isTempestTest(one) && one.status === 'fail');
  const { gone, broken } = summary;
  const more = gone.length > NAMED ? ` and ${gone.length - NAMED} more` : '';
  const lost =
    gone.length === 0
      ? ''
      : `; ${counted(gone.length, 'test')} that passed before ${gone.length === 1 ? 'was' : 'were'} skipped or not run: ${gone.slice(0, NAMED).join(', ')}${more}`;
  const all: Shown = {
    name: "tempest's tests",
    status: failed.length > 0 ? 'fail' : 'pass',
    detail: `${outcomesText(checks.filter(isTempestTest))}; they took ${span(summary.seconds)}${lost}`,
    before: failed.length > 0 && broken.length === 0 ? 'fail' : null,
  };
  return [...others, all, ...failed];
}
