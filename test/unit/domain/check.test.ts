import { describe, expect, it } from 'vitest';
import {
  type Check,
  type CheckRun,
  compareChecks,
  fail,
  isRegression,
  latestResults,
  pass,
} from '../../../src/domain/check.ts';

const NOW = Date.UTC(2026, 10, 23);

describe('the checks of both stages', () => {
  it('are compared by name', () => {
    const compared = compareChecks(
      [fail('a', ''), fail('b', ''), pass('c', ''), fail('d', '')],
      [pass('a', ''), fail('b', ''), fail('c', '')],
    );
    expect(compared.map(({ name, before }) => [name, before])).toEqual([
      ['a', 'pass'],
      ['b', 'fail'],
      ['c', 'fail'],
      ['d', null],
    ]);
    expect(compared.filter(isRegression).map(({ name }) => name)).toEqual(['a', 'd']);
  });

  const run = (...checks: readonly Check[]): CheckRun => ({
    ...{ stage: 'before', cloud: 'c', vantage: 'v', at: NOW, baseline: '' },
    checks,
  });

  it('of the latest run of a group replace all earlier ones of that group', () => {
    const orphan = fail('orphans: nova-conductor on left-behind', '');
    const runs = [
      run(pass('services: nova-conductor', '1 of 1'), orphan, pass('survivors', '')),
      run(pass('orphans: service records', '5 records')),
      run(pass('services: nova-conductor', '2 of 2')),
    ];
    expect(latestResults(runs)?.checks).toEqual([
      pass('services: nova-conductor', '2 of 2'),
      pass('orphans: service records', '5 records'),
      pass('survivors', ''),
    ]);
    expect(latestResults([])).toBeNull();
  });

  it('of Tempest replace only those of the same test', () => {
    const runs = [
      run(pass('tempest: a', ''), pass('tempest: b', '')),
      run(fail('tempest: b', ''), pass('tempest: c', '')),
    ];
    expect(latestResults(runs)?.checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
      'tempest: a pass',
      'tempest: b fail',
      'tempest: c pass',
    ]);
  });
});
