/**
 * A moment: milliseconds since 1970-01-01T00:00:00Z, with a fraction (microseconds are kept).
 * Every moment in the domain lies on the session's own timeline: a monotonic clock that was anchored to the wall
 * clock when the session began, so that differences are true durations whatever happens to the wall clock.
 */
export type Millis = number;

/** A stretch of time, `from <= until`. */
export type Interval = { readonly from: Millis; readonly until: Millis };

/** The moment of something that was not seen itself: it lies between `earliest` and `latest`. */
export type Bracket = { readonly earliest: Millis; readonly estimate: Millis; readonly latest: Millis };

/** ISO 8601 in UTC with milliseconds, as every face shows a moment. */
export const iso = (at: Millis): string => new Date(Math.round(at)).toISOString();
