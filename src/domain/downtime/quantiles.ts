import { type Bounds, Z_95 } from './confidence.ts';

/** Latencies of one series, in seconds; four bytes each, so an hour at 1 Hz takes 14 kB. */
export type Latencies = {
  add(seconds: number): void;
  /** Returns exact quantiles, by nearest rank; null if there are no values. */
  quantiles(): { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number } | null;
};

export function createLatencies(): Latencies {
  let values = new Float32Array(1024);
  let count = 0;
  return {
    add(seconds) {
      if (count === values.length) {
        const larger = new Float32Array(count * 2);
        larger.set(values);
        values = larger;
      }
      values[count++] = seconds;
    },
    quantiles() {
      if (count === 0) return null;
      const sorted = values.slice(0, count).sort();
      const valueAt = (share: number) => quantile(sorted, share) ?? 0;
      return { p50: valueAt(0.5), p95: valueAt(0.95), p99: valueAt(0.99), max: valueAt(1) };
    },
  };
}

/** Returns the quantile of ascending values by nearest rank; `share` is 0 to 1. Returns null if there are no values. */
export function quantile(sorted: ArrayLike<number>, share: number): number | null {
  if (sorted.length === 0) return null;
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

/**
 * Returns the 95 % confidence interval of a quantile of ascending values, for any distribution: ranks are binomially
 * distributed (Conover, Practical Nonparametric Statistics, 3.2). Returns null if there are too few values.
 */
export function quantileBounds(sorted: ArrayLike<number>, share: number): Bounds | null {
  const count = sorted.length;
  const spread = Z_95 * Math.sqrt(count * share * (1 - share));
  const low = sorted[Math.floor(count * share - spread) - 1];
  const high = sorted[Math.ceil(count * share + spread)];
  return low === undefined || high === undefined ? null : { low, high };
}
