/** One who holds a slot. */
type Holder = {
  /** Whose it is: the client's address. */
  readonly address: string;
  /** The one with the highest goes first: bytes that he has not read, say. */
  burden(): number;
  /** Ends what he has been given. */
  drop(): void;
};

export type Slots = {
  /** Takes a slot; the result gives it back. */
  take(holder: Holder): () => void;
  readonly held: () => number;
};

/**
 * A bounded number of slots, for each address and in all. A newcomer always gets one: where there is none, the holder
 * with the greatest burden loses his, or else the one who has had it longest. So whoever takes slots and never reads
 * keeps nobody else out.
 */
export function createSlots({ total, perAddress }: { readonly total: number; readonly perAddress: number }): Slots {
  const holders = new Set<Holder>();

  function dropOne(some: readonly Holder[]): void {
    const [first, ...others] = some;
    if (first === undefined) return;
    const most = others.reduce((one, other) => (other.burden() > one.burden() ? other : one), first);
    holders.delete(most);
    most.drop();
  }

  return {
    take(holder) {
      const own = [...holders].filter(({ address }) => address === holder.address);
      if (own.length >= perAddress) dropOne(own);
      else if (holders.size >= total) dropOne([...holders]);
      holders.add(holder);
      return () => holders.delete(holder);
    },
    held: () => holders.size,
  };
}
