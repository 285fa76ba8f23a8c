import type { Millis } from '../../domain/time.ts';

/**
 * The statuses in the order of subunit's numbers. An expected failure counts as passed, an unexpected success as
 * failed.
 */
export const TEST_STATUSES = [null, 'exists', 'inprogress', 'success', 'uxsuccess', 'skip', 'fail', 'xfail'] as const;
export type TestStatus = (typeof TEST_STATUSES)[number];

/** An event in the stream of a test runner. */
export type TestEvent = {
  readonly test: string | null;
  readonly status: TestStatus;
  readonly at: Millis | null;
  /** Part of an attachment of the test: its traceback, its log or the reason why it was skipped. */
  readonly file: { readonly name: string; readonly text: string } | null;
};

/** The result of one test. */
export type TestResult = {
  /** The id without the tags that Tempest appends in brackets. */
  readonly id: string;
  readonly outcome: 'pass' | 'fail' | 'skip';
  /** Null if the test was not timed. */
  readonly seconds: number | null;
  /** One line that says why the test failed or was skipped; empty if it passed. */
  readonly reason: string;
};

export type TestResults = {
  /** Adds an event. Returns the result if the event ends a test, otherwise null. */
  add(event: TestEvent): TestResult | null;
  /** Returns the ids of the tests that have started but not ended. */
  unfinished(): readonly string[];
};

/** The id of events about the runner itself. */
const RUNNER_ID = 'process-returncode';

type RunningTest = { readonly at: Millis | null; readonly traceback: string; readonly reason: string };
const NEW_TEST: RunningTest = { at: null, traceback: '', reason: '' };

/** Combines the events of each test. Events of several tests may interleave. */
export function createTestResults(): TestResults {
  const running = new Map<string, RunningTest>();
  return {
    add({ test, status, at, file }) {
      if (test === null || test === RUNNER_ID || status === 'exists') return null;
      const previous = running.get(test) ?? NEW_TEST;
      const current: RunningTest = {
        at: status === 'inprogress' ? at : previous.at,
        traceback: previous.traceback + (file?.name === 'traceback' ? file.text : ''),
        reason: previous.reason + (file?.name === 'reason' ? file.text : ''),
      };
      if (status === null || status === 'inprogress') {
        running.set(test, current);
        return null;
      }
      running.delete(test);
      const seconds = at === null || current.at === null ? null : Math.max(0, Math.round(at - current.at) / 1000);
      const base = { id: withoutTags(test), seconds };
      if (status === 'skip') return { ...base, outcome: 'skip', reason: oneLine(current.reason) };
      if (status === 'fail') return { ...base, outcome: 'fail', reason: exceptionOf(current.traceback) };
      if (status === 'uxsuccess') return { ...base, outcome: 'fail', reason: 'passed, but was expected to fail' };
      return { ...base, outcome: 'pass', reason: '' };
    },
    unfinished: () => [...running.keys()].map(withoutTags),
  };
}

const withoutTags = (test: string): string => test.replace(/\[[^[\]]*\]/, '');

/** Longer reasons usually contain whole API responses. */
const MAX_LINE_LENGTH = 300;

/** The values after these words in a request or response may be secrets. */
const SECRET_PATTERN =
  /((?:pass(?:word|wd)?|secret|token|blob|auth_?key)\w{0,40}\\?["']? ?[:=] ?)(\\?["'])?[^\s"',}\\]+/gi;

/** Returns the text as one line, shortened and without what looks like a secret. */
export function oneLine(text: string): string {
  const line = text
    .slice(0, 20 * MAX_LINE_LENGTH)
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replaceAll(SECRET_PATTERN, '$1$2***');
  return line.length <= MAX_LINE_LENGTH ? line : `${line.slice(0, MAX_LINE_LENGTH - 1)}…`;
}

/** Returns the exception below the last frame of a Python traceback, such as 'NotFound: Object not found ...'. */
export function exceptionOf(traceback: string): string {
  const lines = traceback.trimEnd().split('\n');
  const frame = lines.findLastIndex((line) => /^ {2}File "/.test(line));
  const below = lines.slice(frame + 1);
  const message = below
    .slice(
      Math.max(
        0,
        below.findIndex((line) => !line.startsWith('    ')),
      ),
    )
    .join('\n');
  return oneLine(message.replace(/^[\w.]+\.(?=\w+(?::|\s|$))/, ''));
}
