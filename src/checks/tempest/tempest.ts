import { type Check, fail, type OnProgress, pass, skip } from '../../domain/check.ts';
import { outcomesText, TEMPEST, tempestCheckName } from '../../format/checks.ts';
import { counted, duration, span } from '../../format/quantities.ts';
import type { Tempest } from './find-tempest.ts';
import { runTests } from './tempest-process.ts';
import type { TestResult } from './test-results.ts';

/** Identifies the tests to run. Only runs of the same selection are compared as a whole. */
export const selectionOf = ({ regex }: Tempest): string => regex ?? 'smoke';

export type TempestOptions = {
  /** The ids of the tests of this selection that passed before the upgrade. */
  readonly passedBefore: readonly string[];
  /** Called as soon as a test ends. */
  readonly onCheck: (check: Check) => void;
  readonly onProgress: OnProgress;
  readonly signal: AbortSignal;
};

/** Runs Tempest. Returns the ids of the tests that passed, or null if the run did not finish. */
export async function runTempest(tempest: Tempest, options: TempestOptions): Promise<readonly string[] | null> {
  const { passedBefore, onCheck, onProgress, signal } = options;
  const selection = selectionOf(tempest);
  const start = performance.now();
  const results: TestResult[] = [];
  const report = (result: TestResult) => {
    results.push(result);
    onProgress(`tempest: ${counted(results.length, 'test')} run`);
    onCheck(testCheck(result));
  };
  const end = await runTests(tempest, { onResult: report, signal });
  const seconds = Math.round(performance.now() - start) / 1000;
  const counts = outcomesText(results.map(({ outcome }) => ({ status: outcome })));
  const reportRun = (check: Check) => onCheck({ ...check, seconds });
  if (signal.aborted) {
    reportRun(skip(TEMPEST, `${selection}: interrupted; until then ${counts}`));
    return null;
  }
  for (const id of end.unfinished)
    report({ id, outcome: 'fail', seconds: null, reason: 'started but did not end: its process died' });
  if (results.length === 0 || end.signal !== null) {
    const problem = results.length === 0 ? 'no test was run' : `Tempest was killed by ${end.signal}; ${counts}`;
    const message = end.message === '' ? '' : `: ${end.message}`;
    reportRun(fail(TEMPEST, `${selection}: ${problem}${message} (configuration ${tempest.configuration})`));
    return null;
  }
  for (const missing of missingTests(passedBefore, results)) onCheck(missing);
  reportRun(pass(TEMPEST, `${selection}: ${counts} in ${span(seconds)}`));
  return results.filter(({ outcome }) => outcome === 'pass').map(({ id }) => id);
}

export function testCheck({ id, outcome, seconds, reason }: TestResult): Check {
  const time = seconds === null ? '' : ` in ${duration(seconds)}`;
  const detail = { pass: `ok${time}`, fail: reason || `failed${time}`, skip: reason || 'skipped' }[outcome];
  return { name: tempestCheckName(id), status: outcome, detail, ...(seconds !== null && { seconds }) };
}

/** A result for all tests of a class: 'setUpClass (tempest.api.compute...)'. */
const CLASS_PATTERN = /^\w+ \((.+)\)$/;

/**
 * Returns a skipped check for each test that passed before and has no result in a complete run of the same selection.
 */
export function missingTests(passedBefore: readonly string[], results: readonly TestResult[]): readonly Check[] {
  const ids = new Set(results.map(({ id }) => id));
  const classResults = new Map(
    results.toReversed().flatMap((result) => {
      const name = CLASS_PATTERN.exec(result.id)?.[1];
      return name === undefined || result.outcome === 'pass' ? [] : [[name, result] as const];
    }),
  );
  const findClassResult = (id: string) => {
    for (let end = id.indexOf('.'); end >= 0; end = id.indexOf('.', end + 1)) {
      const found = classResults.get(id.slice(0, end));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return passedBefore
    .filter((id) => !ids.has(id))
    .map((id) => {
      const classResult = findClassResult(id);
      const reason =
        classResult === undefined
          ? ''
          : ` because ${classResult.id} ${classResult.outcome === 'skip' ? 'was skipped' : 'failed'}`;
      return { name: tempestCheckName(id), status: 'skip', detail: `passed before, was not run now${reason}` };
    });
}
