/** What waits to be written, in order, numbered from `first` on. Beyond `retain` the oldest is dropped and counted. */
export type Backlog<T> = {
  add(entry: T): void;
  /** The oldest `count` of them, with the number of the first. */
  head(count: number): { readonly from: number; readonly entries: readonly T[] };
  /** Everything numbered below is written, or can't ever be. */
  forgetBelow(number: number): void;
  length(): number;
  /** How many were dropped since the last `settle`. */
  dropped(): number;
  settle(): void;
};

export function createBacklog<T>(retain: number, first: number): Backlog<T> {
  let entries: T[] = [];
  /** Where the oldest stands in `entries`, and its number: taking from the front must not move all the rest. */
  let head = 0;
  let number = first;
  let dropped = 0;

  function skip(count: number): void {
    head += count;
    number += count;
    if (head * 8 > entries.length) {
      entries = entries.slice(head);
      head = 0;
    }
  }

  const length = () => entries.length - head;

  return {
    add(entry) {
      entries.push(entry);
      if (length() <= retain) return;
      skip(1);
      dropped++;
    },
    head: (count) => ({ from: number, entries: entries.slice(head, head + count) }),
    forgetBelow(below) {
      if (below > number) skip(Math.min(below - number, length()));
    },
    length,
    dropped: () => dropped,
    settle() {
      dropped = 0;
    },
  };
}
