/** What the variables of a dashboard choose; `more` are matchers of the metric alone. */
export const series = (...more: readonly string[]): string =>
  `{${['cloud=~"$cloud"', 'vantage=~"$vantage"', 'probe=~"$probe"', ...more].join(', ')}}`;

/** For metrics that are of a cloud and a vantage, not of a probe. */
export const place = (...more: readonly string[]): string =>
  `{${['cloud=~"$cloud"', 'vantage=~"$vantage"', ...more].join(', ')}}`;

/** For metrics of the daemon itself. */
export const daemon = '{job=~"$job"}';
