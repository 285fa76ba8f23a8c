import type { Millis } from '../../domain/time.ts';

/** As subunit numbers them; an expected failure is fine, an unexpected success is not. */
export const TEST_STATUSES = [null, 'exists', 'inprogress', 'success', 'uxsuccess', 'skip', 'fail', 'xfail'] as const;
export type TestStatus = (typeof TEST_STATUSES)[number];

/** What a test runner tells while it is at work. */
export type TestEvent = {
  readonly test: string | null;
  readonly status: TestStatus;
  readonly at: Millis | null;
  /** A part of what belongs to the test: its traceback, the reason why it was skipped, its log. */
  readonly file: { readonly name: string; readonly text: string } | null;
};

/** How one test went. */
export type TestResult = {
  /** Without the tags that Tempest puts behind it in brackets. */
  readonly id: string;
  readonly outcome: 'pass' | 'fail' | 'skip';
  /** Null: it was not timed. */
  readonly seconds: number | null;
  /** One line: why it failed or was skipped; empty where it passed. */
  readonly reason: string;
};

export type TestBook = {
  /** The result of the test that has ended by this, else null. */
  take(event: TestEvent): TestResult | null;
  /** Those that have begun, and of whose end nothing was told. */
  unfinished(): readonly string[];
};

/** Of a runner itself, not of a test. */
const RUNNER = 'process-returncode';

type Begun = { readonly at: Millis | null; readonly traceback: string; readonly reason: string };
const NOTHING: Begun = { at: null, traceback: '', reason: '' };

/** Puts together what is told of each test, bit by bit and of several at once. */
export function createTestBook(): TestBook {
  const begun = new Map<string, Begun>();
  return {
    take({ test, status, at, file }) {
      if (test === null || test === RUNNER || status === 'exists') return null;
      const known = begun.get(test) ?? NOTHING;
      const now: Begun = {
        at: status === 'inprogress' ? at : known.at,
        traceback: known.traceback + (file?.name === 'traceback' ? file.text : ''),
        reason: known.reason + (file?.name === 'reason' ? file.text : ''),
      };
      if (status === null || status === 'inprogress') {
        begun.set(test, now);
        return null;
      }
      begun.delete(test);
      const seconds = at === null || now.at === null ? null : Math.max(0, Math.round(at - now.at) / 1000);
      const about = { id: withoutTags(test), seconds };
      if (status === 'skip') return { ...about, outcome: 'skip', reason: oneLine(now.reason) };
      if (status === 'fail') return { ...about, outcome: 'fail', reason: exceptionOf(now.traceback) };
      if (status === 'uxsuccess') return { ...about, outcome: 'fail', reason: 'it passed and should have failed' };
      return { ...about, outcome: 'pass', reason: '' };
    },
    unfinished: () => [...begun.keys()].map(withoutTags),
  };
}

const withoutTags = (test: string): string => test.replace(/\[[^[\]]*\]/, '');

/** Longer ones are answers of an API in full. */
const LONGEST = 300;

/** What stands behind these words in an answer or a request may be a secret. */
const SECRETS = /((?:pass(?:word|wd)?|secret|token|blob|auth_?key)\w{0,40}\\?["']? ?[:=] ?)(\\?["'])?[^\s"',}\\]+/gi;

/** On one line, of a bearable length, and without what looks like a secret. */
export function oneLine(text: string): string {
  const line = text
    .slice(0, 20 * LONGEST)
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replaceAll(SECRETS, '$1$2***');
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST - 1)}…`;
}

/** 'NotFound: Object not found Details: ...': what stands below the last frame of a Python traceback. */
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
