/** The address by which a server is reached: a floating one before one of its own, IPv4 before IPv6. `addresses`: as in KeptServer. */
export function addressOf(addresses: readonly string[]): string | null {
  const all = addresses.map((one) => {
    const [address = '', type = ''] = one.split(' ').toReversed();
    return { address, rank: (type === 'floating' ? 0 : 2) + (address.includes(':') ? 1 : 0) };
  });
  return all.toSorted((a, b) => a.rank - b.rank)[0]?.address ?? null;
}
