import { DateTime } from 'luxon';
import { UserError } from '../../domain/errors.ts';
import type { Millis } from '../../domain/time.ts';

/** A line of Ansible's log (`ANSIBLE_LOG_PATH`). */
export type LogLine = {
  /** Local time of the host that wrote it, to the minute: `2026-11-22 10:21`. */
  readonly minute: string;
  /** Milliseconds within the minute. */
  readonly offset: number;
  /** The process id, as written. */
  readonly pid: string;
  /** `ansible`, or the name of a Python library. */
  readonly logger: string;
  readonly message: string;
};

/**
 * ansible-core up to 2.17:  `2026-11-22 10:21:44,732 p=8946 u=root n=ansible | message`
 * ansible-core from 2.18:   `2026-11-22 10:29:41,577 p=24882 u=root n=ansible INFO| message`
 * Ansible up to 2.7 has no `n=`.
 */
const PREFIX = /^(\d{4}-\d\d-\d\d \d\d:\d\d):(\d\d),(\d{3}) p=(\d{1,10}) u=[^|]{1,100}?(?: n=(\S+))? ([A-Z]*)\| ?/;

/** Reads a line. Returns null if it has no prefix, such as the second line of a message. */
export function readLogLine(text: string): LogLine | null {
  const match = PREFIX.exec(text);
  if (match === null) return null;
  const [prefix, minute = '', seconds, milliseconds, pid = '', logger = 'ansible'] = match;
  const offset = Number(seconds) * 1000 + Number(milliseconds);
  return { minute, offset, pid, logger, message: text.slice(prefix.length) };
}

/** Returns the timestamps that a minute of local time may mean, earliest first; none if it is not a valid date. */
export type MinuteConverter = (minute: string) => readonly Millis[];

/**
 * Converts minutes of local time in `zone`: an IANA name, `local` or `utc`. A minute in the hour that is repeated when
 * summer time ends has two timestamps. In the hour that is skipped when summer time starts, the old offset applies, as
 * in `mktime`.
 *
 * @throws UserError if the zone is unknown
 */
export function createMinuteConverter(zone: string): MinuteConverter {
  if (!DateTime.utc().setZone(zone).isValid) {
    throw new UserError(`unknown time zone "${zone}"; use an IANA name (such as Europe/Berlin), "local" or "utc"`);
  }
  // The last minute is cached, because most lines have the minute of the line before, and offset lookups are slow.
  let lastMinute = '';
  let timestamps: readonly Millis[] = [];
  return (minute) => {
    if (minute !== lastMinute) {
      lastMinute = minute;
      const date = DateTime.fromISO(minute.replace(' ', 'T'), { zone });
      timestamps = date.isValid ? date.getPossibleOffsets().map((candidate) => candidate.toMillis()) : [];
    }
    return timestamps;
  };
}

/** A clock that is set back by up to this much is not mistaken for the repeated hour. */
const MAX_CLOCK_STEP_MS = 60_000;

/** Chooses the timestamp of a line. Lines of one process are in order, so the result is never before `last`. */
export function chooseTimestamp(last: Millis | null, candidates: readonly Millis[]): Millis | null {
  const [first] = candidates;
  if (first === undefined || last === null) return first ?? null;
  return Math.max(last, candidates.find((candidate) => candidate >= last - MAX_CLOCK_STEP_MS) ?? last);
}
