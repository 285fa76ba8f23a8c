/**
 * A timestamp or duration in milliseconds; timestamps count from 1970-01-01T00:00:00Z. Fractions keep microseconds. All
 * timestamps of a session are read from one monotonic clock that was set to the wall clock when the session started, so
 * differences are true durations even if the wall clock changes.
 */
export type Millis = number;

/** A period of time, `from <= until`. */
export type Interval = { readonly from: Millis; readonly until: Millis };

/** The time of an event that was not itself observed; the true time is between `earliest` and `latest`. */
export type Bracket = { readonly earliest: Millis; readonly estimate: Millis; readonly latest: Millis };

/** Formats a timestamp as ISO 8601 in UTC with milliseconds. */
export const toIso = (at: Millis): string => new Date(Math.round(at)).toISOString();

/** Whether a name is an IANA time zone, such as Europe/Berlin. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== null;
  } catch {
    return false;
  }
}

/** The clock of a session; see `Millis`. */
export type Clock = { now(): Millis };
