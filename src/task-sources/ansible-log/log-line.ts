/** A line that Ansible wrote to its log (`ANSIBLE_LOG_PATH`). */
export type LogLine = {
  /** Local time of the machine that wrote it, to the minute: `2026-11-22 10:21`. */
  readonly minute: string;
  /** Milliseconds into the minute. */
  readonly into: number;
  /** The process, as it is written. */
  readonly pid: string;
  /** Who wrote it: `ansible`, or the name of a Python library. */
  readonly logger: string;
  readonly message: string;
};

/**
 * ansible-core up to 2.17:  `2026-11-22 10:21:44,732 p=8946 u=root n=ansible | message`
 * ansible-core from 2.18:   `2026-11-22 10:29:41,577 p=24882 u=root n=ansible INFO| message`
 * Ansible 2.7 and older had no `n=`.
 */
const PREFIX = /^(\d{4}-\d\d-\d\d \d\d:\d\d):(\d\d),(\d{3}) p=(\d{1,10}) u=[^|]{1,100}?(?: n=(\S+))? ([A-Z]*)\| ?/;

/** Null for the second and later lines of a message, which bear no prefix, and for all else. */
export function readLogLine(text: string): LogLine | null {
  const found = PREFIX.exec(text);
  if (found === null) return null;
  const [prefix, minute = '', seconds, thousandths, pid = '', logger = 'ansible'] = found;
  const into = Number(seconds) * 1000 + Number(thousandths);
  return { minute, into, pid, logger, message: text.slice(prefix.length) };
}
