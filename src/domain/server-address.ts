/**
 * Returns the address to connect to: a floating IP rather than a fixed one, IPv4 rather than IPv6. Returns null if
 * there is none. `addresses` are written as 'network fixed 10.0.0.5'.
 */
export function preferredAddress(addresses: readonly string[]): string | null {
  const all = addresses.map((text) => {
    const [address = '', type = ''] = text.split(' ').toReversed();
    return { address, rank: (type === 'floating' ? 0 : 2) + (address.includes(':') ? 1 : 0) };
  });
  return all.toSorted((a, b) => a.rank - b.rank)[0]?.address ?? null;
}
