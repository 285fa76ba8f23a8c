/** Selects the series that the variables of a dashboard choose; `more` are further matchers. */
export const series = (...more: readonly string[]): string =>
  `{${['cloud=~"$cloud"', 'vantage=~"$vantage"', 'probe=~"$probe"', ...more].join(', ')}}`;

/** Selects metrics that have a cloud and a vantage, but no probe. */
export const place = (...more: readonly string[]): string =>
  `{${['cloud=~"$cloud"', 'vantage=~"$vantage"', ...more].join(', ')}}`;

/** Selects metrics of the daemon itself. */
export const daemon = '{job=~"$job"}';
