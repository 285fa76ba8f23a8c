import { expect, it } from 'vitest';
import { checkClock } from '../../../src/checks/readiness/cloud-readiness.ts';
import { notChecked, notReady, questionable, readinessExitCode, ready } from '../../../src/domain/readiness.ts';

const NOW = Date.UTC(2026, 10, 23, 7, 10);

it.each([
  [0, 'pass', "agrees with the cloud's to about a second"],
  [-1000, 'pass', "agrees with the cloud's to about a second"],
  [900, 'pass', "agrees with the cloud's to about a second"],
  [1400, 'pass', "this host's clock is about 1.9 s behind the cloud's"],
  [4000, 'warn', "this host's clock is about 4.5 s behind the cloud's"],
  [-4000, 'warn', "this host's clock is about 3.5 s ahead of the cloud's"],
  [-700_000, 'warn', "this host's clock is about 11 min 40 s ahead of the cloud's"],
])('the clock of a cloud that is %i ms ahead, or up to a second more: %s', (ahead, status, detail) => {
  expect(checkClock(NOW + ahead, NOW)).toMatchObject({ status, detail });
});

it('the clock of a cloud that has not sent its time is not checked', () => {
  expect(checkClock(null, NOW)).toMatchObject({ status: 'skip', exitCode: 0 });
});

const failed = (exitCode: 1 | 2 | 3) => notReady('x', 'y', { advice: 'z', exitCode });

it.each([
  [[ready('x', 'y'), questionable('x', 'y', 'z'), notChecked('x', 'y')], 0],
  [[ready('x', 'y'), failed(1)], 1],
  [[failed(1), failed(3)], 3],
  [[failed(3), failed(2), failed(1)], 2],
] as const)('the exit code of %j is %i', (all, code) => {
  expect(readinessExitCode(all)).toBe(code);
});
