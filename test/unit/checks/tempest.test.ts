import { describe, expect, it } from 'vitest';
import { missingTests, testCheck } from '../../../src/checks/tempest/tempest.ts';
import { createTestResults, exceptionOf, oneLine, type TestEvent } from '../../../src/checks/tempest/test-results.ts';
import { type Check, compareChecks, fail, pass, skip } from '../../../src/domain/check.ts';
import { checksToReport, tempestSummary } from '../../../src/format/checks.ts';

const event = (test: string, facts: Partial<TestEvent> = {}): TestEvent => ({
  test,
  status: null,
  at: null,
  file: null,
  ...facts,
});
const file = (test: string, name: string, text: string) => event(test, { file: { name, text } });

describe('test results', () => {
  it('combine interleaved events of several tests', () => {
    const testResults = createTestResults();
    const results = [
      event('a.Test.test_ok[id-1,smoke]', { status: 'inprogress', at: 1000 }),
      event('a.Test.test_bad[id-2]', { status: 'inprogress', at: 1500 }),
      event('a.Test.test_ok[id-1,smoke]', { status: 'success', at: 1250 }),
      file(
        'a.Test.test_bad[id-2]',
        'traceback',
        'Traceback (most recent call last):\n  File "x", line 1, in y\n    z()\n',
      ),
      file('a.Test.test_bad[id-2]', 'traceback', 'tempest.lib.exceptions.NotFound: Object not found\n'),
      file('a.Test.test_bad[id-2]', "pythonlogging:''", 'POST /v3/auth/tokens'),
      event('a.Test.test_bad[id-2]', { status: 'fail', at: 4000 }),
      event('setUpClass (a.Other)', { status: 'inprogress' }),
      file('setUpClass (a.Other)', 'reason', 'no Cinder\nhere'),
      event('setUpClass (a.Other)', { status: 'skip', at: 5000 }),
      event('b', { status: 'xfail' }),
      event('c', { status: 'uxsuccess' }),
      event('process-returncode', { status: 'fail' }),
      event('d', { status: 'exists' }),
      event('e[id-5]', { status: 'inprogress', at: 1 }),
    ].map((event) => testResults.add(event));
    expect(results.filter((result) => result !== null)).toEqual([
      { id: 'a.Test.test_ok', outcome: 'pass', seconds: 0.25, reason: '' },
      { id: 'a.Test.test_bad', outcome: 'fail', seconds: 2.5, reason: 'NotFound: Object not found' },
      { id: 'setUpClass (a.Other)', outcome: 'skip', seconds: null, reason: 'no Cinder here' },
      { id: 'b', outcome: 'pass', seconds: null, reason: '' },
      { id: 'c', outcome: 'fail', seconds: null, reason: 'passed, but was expected to fail' },
    ]);
    expect(testResults.unfinished()).toEqual(['e']);
  });
});

describe('the reason of a failed test', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    [
      'the exception below the last frame, with its details',
      'Traceback (most recent call last):\n  File "a.py", line 1, in b\n    c(\n    ^^\n  File "d.py", line 2, in e\n    raise f\ntempest.lib.exceptions.BadRequest: Bad request\nDetails: {\'code\': 400}\n',
      "BadRequest: Bad request Details: {'code': 400}",
    ],
    [
      'the last of several exceptions',
      'Traceback:\n  File "a.py", line 1, in b\n    c()\nOSError: refused\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback:\n  File "d.py", line 2, in e\n    f()\nurllib3.exceptions.MaxRetryError: HTTPConnectionPool(host=\'x\')\n',
      "MaxRetryError: HTTPConnectionPool(host='x')",
    ],
    ['the whole text if there are no frames', 'testtools.Mismatch: 1 != 2', 'Mismatch: 1 != 2'],
    ['nothing', '', ''],
  ];
  it.each(cases)('is %s', (_, traceback, reason) => {
    expect(exceptionOf(traceback)).toBe(reason);
  });

  it('is one short line without secrets', () => {
    expect(oneLine('a\n  b\tc ')).toBe('a b c');
    expect(oneLine('x'.repeat(400))).toBe(`${'x'.repeat(299)}…`);
    expect(oneLine(`{'adminPass': 'hunter2', "password": "a b", 'id': 'x'}`)).toBe(
      `{'adminPass': '***', "password": "*** b", 'id': 'x'}`,
    );
    expect(oneLine('token=gAAAA& X-Auth-Token: gBBBB')).toBe('token=*** X-Auth-Token: ***');
  });
});

const test = (id: string, status: Check['status'], seconds = 1): Check => ({
  name: `tempest: ${id}`,
  status,
  detail: 'd',
  seconds,
});

describe("the checks of Tempest's tests", () => {
  it('name the test, its result and its duration', () => {
    const base = { id: 'a.B.c', seconds: 1.5, reason: '' };
    expect(testCheck({ ...base, outcome: 'pass' })).toEqual({
      ...pass('tempest: a.B.c', 'ok in 1.5 s'),
      seconds: 1.5,
    });
    expect(testCheck({ ...base, outcome: 'fail', reason: 'NotFound' })).toEqual({
      ...fail('tempest: a.B.c', 'NotFound'),
      seconds: 1.5,
    });
    expect(testCheck({ ...base, outcome: 'skip', seconds: null })).toEqual(skip('tempest: a.B.c', 'skipped'));
  });

  it('skip tests that passed before and have no result now', () => {
    const now = [
      { id: 'a.B.one', outcome: 'pass', seconds: 1, reason: '' },
      { id: 'setUpClass (a.C)', outcome: 'fail', seconds: 0, reason: 'x' },
    ] as const;
    expect(missingTests(['a.B.one', 'a.B.two', 'a.C.three', 'a.Cd.four'], now)).toEqual([
      skip('tempest: a.B.two', 'passed before, was not run now'),
      skip('tempest: a.C.three', 'passed before, was not run now because setUpClass (a.C) failed'),
      skip('tempest: a.Cd.four', 'passed before, was not run now'),
    ]);
  });

  it('are counted, with the broken and gone ones by name', () => {
    const before = [
      test('was', 'pass'),
      test('bad', 'fail'),
      test('worse', 'pass'),
      test('gone', 'pass'),
      test('none', 'skip'),
    ];
    const now = [
      test('was', 'pass', 2),
      test('bad', 'fail'),
      test('worse', 'fail'),
      test('new', 'fail'),
      test('gone', 'skip'),
      test('none', 'skip'),
    ];
    const compared = compareChecks([...now, pass('tempest', 'smoke'), fail('services', 'down')], before);
    expect(tempestSummary(compared)).toEqual({
      passed: 1,
      failed: 3,
      skipped: 2,
      seconds: 7,
      broken: ['worse', 'new'],
      gone: ['gone'],
    });
    expect(tempestSummary(compareChecks([pass('tempest', 'smoke')], null))).toBeNull();
  });

  it('are reported in one line except for those that failed; other checks are unchanged', () => {
    const passed = Array.from({ length: 200 }, (_, index) => test(`p${index}`, 'pass'));
    const lost = Array.from({ length: 5 }, (_, index) => test(`p${index}`, 'skip'));
    const now = [pass('a', 'ok'), skip('b', 'nobody may'), ...lost, ...passed.slice(5), test('bad', 'fail')];
    expect(checksToReport(compareChecks(now, [...passed, test('bad', 'fail')]))).toEqual([
      { ...skip('b', 'nobody may'), before: null },
      {
        name: 'Tempest tests',
        status: 'fail',
        detail:
          '195 passed, 1 failed, 5 skipped; they took 3 min 21 s; 5 tests that passed before were skipped or not run: p0, p1, p2 and 2 more',
        before: 'fail',
      },
      { ...test('bad', 'fail'), before: 'fail' },
    ]);
  });
});
