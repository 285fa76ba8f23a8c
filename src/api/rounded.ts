/** Microseconds are kept; what floating point adds beyond them is not. */
export const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;
