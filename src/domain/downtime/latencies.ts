/** Every latency of a series, in seconds, in four bytes each: an hour at 1 Hz is 14 kB. Quantiles are exact (nearest rank). */
export type Latencies = {
  add(seconds: number): void;
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
      const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * count) - 1)] ?? 0;
      return { p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), max: rank(1) };
    },
  };
}
