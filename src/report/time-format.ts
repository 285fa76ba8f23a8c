import { DateTime } from 'luxon';
import { UserError } from '../domain/errors.ts';
import type { Interval, Millis } from '../domain/time.ts';

/** Formats times for a reader, in one time zone. */
export type TimeFormat = {
  /** Returns '2026-11-23 07:15:02'. */
  day(at: Millis): string;
  /** Returns '07:15:02', with month and day if the report covers more than one day. */
  time(at: Millis): string;
  /** Returns what `time` does, with milliseconds. */
  exact(at: Millis): string;
  /** Returns what `time` does, to a tenth of a second, and the zone if it is UTC. */
  tenths(at: Millis): string;
  format(at: Millis, pattern: string): string;
  /** Returns the zone's offset from UTC at that time, in milliseconds. */
  offset(at: Millis): number;
  /** Returns 'UTC' or, for example, 'Europe/Berlin (UTC+01:00)'. */
  zoneName(at: Millis): string;
  /** The IANA name of the zone, as Intl needs it. */
  readonly iana: string;
};

/**
 * Creates a time format. `zone` is an IANA name, 'utc' or 'local'; `range` is the time that the report covers.
 *
 * @throws UserError if there is no such zone
 */
export function timeFormatIn(zone: string, range: Interval): TimeFormat {
  const of = (at: Millis) => DateTime.fromMillis(Math.round(at), { zone });
  if (!of(0).isValid) throw new UserError(`unknown time zone '${zone}': use an IANA name such as Europe/Berlin`);
  const format = (at: Millis, pattern: string) => of(at).toFormat(pattern);
  const date = of(range.from).hasSame(of(range.until), 'day') ? '' : 'MM-dd ';
  return {
    format,
    day: (at) => format(at, 'yyyy-MM-dd HH:mm:ss'),
    time: (at) => format(at, `${date}HH:mm:ss`),
    exact: (at) => format(at, `${date}HH:mm:ss.SSS`),
    tenths: (at) => format(at, `${date}HH:mm:ss.uuu${of(0).zoneName === 'UTC' ? " 'UTC'" : ''}`),
    iana: of(0).zoneName ?? 'UTC',
    offset: (at) => of(at).offset * 60_000,
    zoneName: (at) => (of(at).zoneName === 'UTC' ? 'UTC' : `${of(at).zoneName} (UTC${of(at).toFormat('ZZ')})`),
  };
}
