import { type Check, fail, pass, skip } from '../../domain/check.ts';
import { span } from '../../format/quantities.ts';
import { outcomesText, TEMPEST } from '../../format/tempest.ts';
import type { Tempest } from './find-tempest.ts';
import { runTests } from './tempest-process.ts';
import { missingTests, testCheck } from './test-checks.ts';
import type { TestResult } from './test-results.ts';

/** What is run, as before and after must agree on it to be held against each other as a whole. */
export const selectionOf = ({ regex }: Tempest): string => regex ?? 'smoke';

export type TempestOptions = {
  /** Tests of the same selection that passed before the upgrade. */
  readonly passedBefore: readonly string[];
  /** Told as they end. */
  readonly onCheck: (check: Check) => void;
  readonly signal: AbortSignal;
};

/** Gives the ids of the tests that passed; null where it did not come to its end. */
export async function runTempest(tempest: Tempest, options: TempestOptions): Promise<readonly string[] | null> {
  const { passedBefore, onCheck, signal } = options;
  const selection = selectionOf(tempest);
  const began = performance.now();
  const results: TestResult[] = [];
  const tell = (result: TestResult) => {
    results.push(result);
    onCheck(testCheck(result));
  };
  const ended = await runTests(tempest, { onResult: tell, signal });
  const seconds = Math.round(performance.now() - began) / 1000;
  const counts = outcomesText(results.map(({ outcome }) => ({ status: outcome })));
  const whole = (check: Check) => onCheck({ ...check, seconds });
  if (signal.aborted) {
    whole(skip(TEMPEST, `${selection}: we were told to stop; up to then ${counts}`));
    return null;
  }
  for (const id of ended.unfinished)
    tell({ id, outcome: 'fail', seconds: null, reason: 'it began and never ended: its process died' });
  if (results.length === 0 || ended.signal !== null) {
    const how = results.length === 0 ? 'no test was run' : `it ended in the middle, by ${ended.signal}; ${counts}`;
    const said = ended.said === '' ? '' : `: ${ended.said}`;
    whole(fail(TEMPEST, `${selection}: ${how}${said} (with ${tempest.configuration})`));
    return null;
  }
  for (const missing of missingTests(passedBefore, results)) onCheck(missing);
  whole(pass(TEMPEST, `${selection}: ${counts} in ${span(seconds)}`));
  return results.filter(({ outcome }) => outcome === 'pass').map(({ id }) => id);
}
