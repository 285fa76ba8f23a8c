/** Nearest rank, of ascending values; null without any. */
export function quantile(sorted: ArrayLike<number>, share: number): number | null {
  if (sorted.length === 0) return null;
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

/** Of a normal distribution: 95 % lie within. */
const Z = 1.96;

/**
 * Between which two of the ascending values the true quantile lies, with a confidence of 95 %, whatever the
 * distribution: by the ranks, which are binomial (Conover, Practical Nonparametric Statistics, 3.2). Null where there
 * are too few values to say.
 */
export function quantileBounds(
  sorted: ArrayLike<number>,
  share: number,
): { readonly low: number; readonly high: number } | null {
  const count = sorted.length;
  const spread = Z * Math.sqrt(count * share * (1 - share));
  const low = sorted[Math.floor(count * share - spread) - 1];
  const high = sorted[Math.ceil(count * share + spread)];
  return low === undefined || high === undefined ? null : { low, high };
}
