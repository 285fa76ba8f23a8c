import type { Task } from '../domain/upgrade/task.ts';

/** Parses tasks from text, line by line. Reads no clock and no files: the same lines yield the same tasks. */
export type TaskParser = {
  /** Returns the tasks that a line (without its line end) starts or changes; a changed task keeps its id. */
  line(text: string): readonly Task[];
  /** Ends the input. Returns the tasks that still run, with an unknown end. */
  end(): readonly Task[];
  lines(): LineCount;
  /** Returns new remarks on how the lines were interpreted, for the user. Each is returned once. */
  notes(): readonly string[];
};

export type LineCount = {
  readonly recognised: number;
  /** Continuation lines, and lines of any other format. */
  readonly skipped: number;
};

/**
 * Returns whether to report a running task again because more hosts have finished it: for each of the first 32 hosts,
 * then whenever the number has grown by a quarter. Each report lists all hosts, and a task may have thousands.
 */
export const shouldReportHosts = (reported: number, finished: number): boolean =>
  finished > reported && (finished <= 32 || finished >= reported * 1.25);

const MAX_NAME_CHARACTERS = 500;

/** Control characters, and those that change the text direction. */
const INVISIBLE = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu;

/** Returns a name that is safe to display: one line of limited length, without control characters. */
export function plain(text: string): string {
  const line = text
    .replace(/[\t-\r\u2028\u2029]+/g, ' ')
    .replace(INVISIBLE, '')
    .trim();
  return line.slice(0, MAX_NAME_CHARACTERS).toWellFormed();
}

/** Returns the name of a play or playbook; null if it has none. */
export const plainOrNull = (text: string | undefined): string | null => plain(text ?? '') || null;

/** Splits Ansible's `role : name`. Role names have no spaces, but task names may contain ' : '. */
export function splitRole(text: string): { readonly role: string | null; readonly name: string } {
  const [, role, name] = /^(\S+) : (.+)$/s.exec(text) ?? [];
  if (role === undefined || name === undefined) return { role: null, name: plain(text) };
  return { role: plain(role), name: plain(name) };
}
