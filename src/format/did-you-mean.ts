/**
 * Returns the entry of `known` that was probably meant, or null: at most two typos away, and at most one typo per
 * `letters` letters. If `letters` is 2, swapped neighbours (two typos) are found even in words as short as commands.
 */
export function didYouMean(word: string, known: readonly string[], letters: 2 | 3 = 3): string | null {
  const similar = known
    .filter((entry) => Math.abs(plain(word).length - plain(entry).length) <= 2)
    .map((entry) => ({ entry, typos: distance(plain(word), plain(entry)) }))
    .filter(({ entry, typos }) => typos <= 2 && typos * letters < entry.length + 1)
    .toSorted((a, b) => a.typos - b.typos);
  return similar[0]?.entry ?? null;
}

/** Removes what does not count as a typo: hyphens, underscores, spaces and case. */
const plain = (word: string): string => word.toLowerCase().replaceAll(/[-_ ]/g, '');

/** Returns the Levenshtein distance: the number of insertions, deletions and replacements of single letters. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
