import { DateTime } from 'luxon';
import type { Millis } from '../../domain/time.ts';
import { Refusal } from '../../domain/user-error.ts';

/** Tells the moments that a minute of local time may mean; none if the calendar has no such minute. */
export type LogClock = (minute: string) => readonly Millis[];

/**
 * `zone`: an IANA name, `local` or `utc`. A minute has two moments in the hour that the change to winter time repeats,
 * the earlier first. One that the change to summer time leaves out counts on from the old time, as `mktime` does.
 */
export function createLogClock(zone: string): LogClock {
  if (!DateTime.utc().setZone(zone).isValid) {
    throw new Refusal(`no time zone "${zone}": give its IANA name (such as Europe/Berlin), "local" or "utc"`);
  }
  // Most lines are of the same minute as the line before, and looking up a zone's offset is dear.
  let latest = '';
  let moments: readonly Millis[] = [];
  return (minute) => {
    if (minute !== latest) {
      latest = minute;
      const at = DateTime.fromISO(minute.replace(' ', 'T'), { zone });
      moments = at.isValid ? at.getPossibleOffsets().map((one) => one.toMillis()) : [];
    }
    return moments;
  };
}

/** So far back may the machine's clock be set without a local time being taken for that of the repeated hour. */
const STEP = 60_000;

/** The moment meant, by one process's line before it: its lines are in order. */
export function momentAfter(last: Millis | null, moments: readonly Millis[]): Millis | null {
  const [first] = moments;
  if (first === undefined || last === null) return first ?? null;
  return Math.max(last, moments.find((one) => one >= last - STEP) ?? last);
}
