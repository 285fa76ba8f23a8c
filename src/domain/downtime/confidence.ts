/** Standard score of a two-sided confidence level of 95 %. */
export const Z_95 = 1.96;

export type Bounds = { readonly low: number; readonly high: number };

/**
 * Returns the 95 % confidence interval of a share of which `count` of `total` independent trials were observed: E. B.
 * Wilson, Probable Inference, the Law of Succession, and Statistical Inference (1927). Counts need not be whole.
 */
export function shareBounds(count: number, total: number): Bounds {
  if (total <= 0) return { low: 0, high: 1 };
  const share = count / total;
  const scale = 1 + Z_95 ** 2 / total;
  const centre = (share + Z_95 ** 2 / (2 * total)) / scale;
  const half = (Z_95 * Math.sqrt((share * (1 - share)) / total + (Z_95 / (2 * total)) ** 2)) / scale;
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}
