/**
 * Returns the first index in [0, length] for which `isBefore` is false. `isBefore` must be true for all indexes below
 * the result and false from there on, as in a sorted array.
 */
export function partitionPoint(length: number, isBefore: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
