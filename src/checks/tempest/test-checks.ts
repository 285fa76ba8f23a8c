import type { Check } from '../../domain/check.ts';
import { duration } from '../../format/quantities.ts';
import { tempestCheckName } from '../../format/tempest.ts';
import type { TestResult } from './test-results.ts';

/** 'setUpClass (tempest.api.compute...)': what stands for all tests of a class. */
const CLASS = /^\w+ \((.+)\)$/;

/** Seconds of a test that nobody timed are left out. */
export function testCheck({ id, outcome, seconds, reason }: TestResult): Check {
  const spent = seconds === null ? '' : ` in ${duration(seconds)}`;
  const detail = { pass: `ok${spent}`, fail: reason || `failed${spent}`, skip: reason || 'skipped' }[outcome];
  return { name: tempestCheckName(id), status: outcome, detail, ...(seconds !== null && { seconds }) };
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
      return { name: tempestCheckName(id), status: 'skip', detail: `passed before, and was not run now${why}` };
    });
}
