import type { Task } from '../domain/upgrade/task.ts';

/** Makes tasks of a text that is given line by line. It reads no clock and no file: the same lines give the same tasks. */
export type TaskParser = {
  /** What a line tells, without its line end: a task again, by its id, when more is known of it. */
  line(text: string): readonly Task[];
  /** No more lines come: of what still runs nobody will tell how it ended. */
  end(): readonly Task[];
  lines(): LineCount;
  /** What the reader should know of how the lines were understood; each once, as soon as it is known. */
  notes(): readonly string[];
};

export type LineCount = {
  readonly recognised: number;
  /** Continuations of other lines, and whatever else is none of ours. */
  readonly skipped: number;
};

/**
 * Whether a running task is told again for the hosts that have done it: for each of the first 32, then for a quarter
 * more each time. It is told with all of them, and a task may have thousands.
 */
export const areNews = (told: number, hosts: number): boolean => hosts > told && (hosts <= 32 || hosts >= told * 1.25);
