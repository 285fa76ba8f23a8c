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

const LOOPBACK_IPV4 = /^127(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;
const LOOPBACK_IPV6 = /^(?:0{0,4}:){2,7}0{0,3}1$/;
const MAPPED_IPV4_PREFIX = /^(?:0{0,4}:){2,5}ffff:/i;

/**
 * Whether an address is reachable from this host only: 127.0.0.0/8, ::1 or `localhost`. This is relevant to security: a
 * daemon that listens on such an address accepts writes without a token. Returns false for anything else, valid or not.
 */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' ||
  LOOPBACK_IPV4.test(host) ||
  LOOPBACK_IPV6.test(host) ||
  (MAPPED_IPV4_PREFIX.test(host) && LOOPBACK_IPV4.test(host.replace(MAPPED_IPV4_PREFIX, '')));

/** What `server-reach` connects to. `name` is the target of its series. */
export type ReachTarget =
  /** A survivor of `check before`, found by its name. */
  | { readonly kind: 'survivor'; readonly name: string; readonly port: number }
  | { readonly kind: 'address'; readonly name: string; readonly host: string; readonly port: number };
