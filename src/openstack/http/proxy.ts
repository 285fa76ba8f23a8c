import { BlockList, isIP, isIPv4 } from 'node:net';
import { isLoopback } from '../../domain/network-address.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** The URL of a proxy with its scheme, and user and password if set; null: no proxy. */
export type ProxyUrl = string | null;

/**
 * Returns the proxy for a URL from `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`. They are read as by the
 * Python library `requests`, which all OpenStack clients use (requests.utils.should_bypass_proxies, select_proxy):
 * lower case before upper case, and a name in `no_proxy` includes its subdomains. Unlike `requests`, Rollwatch never
 * uses a proxy for the local host.
 */
export function proxyFor(url: URL, env: Environment): ProxyUrl {
  const scheme = url.protocol.slice(0, -1);
  const proxy = variable(env, `${scheme}_proxy`) || variable(env, 'all_proxy');
  if (proxy === '' || isLoopback(withoutBrackets(url.hostname)) || isExempt(url, variable(env, 'no_proxy')))
    return null;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

/**
 * Reads a variable in lower case or else in upper case. An empty lower-case variable switches off the upper-case one.
 */
const variable = (env: Environment, name: string): string => (env[name] ?? env[name.toUpperCase()] ?? '').trim();

const withoutBrackets = (host: string): string => host.replace(/^\[|\]$/g, '').toLowerCase();

function isExempt({ hostname, host: withPort, protocol, port }: URL, list: string): boolean {
  const host = withoutBrackets(hostname);
  const full = port === '' ? `${host}:${protocol === 'https:' ? 443 : 80}` : withoutBrackets(withPort);
  return list
    .toLowerCase()
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .some((entry) => entry === '*' || entry === full || matches(entry, host));
}

function matches(entry: string, host: string): boolean {
  if (isIP(host) !== 0) return entry.includes('/') ? isWithin(entry, host) : withoutBrackets(entry) === host;
  const name = entry.replace(/^\*?\.+/, '');
  return host === name || host.endsWith(`.${name}`);
}

function isWithin(entry: string, address: string): boolean {
  const [net = '', bits = ''] = entry.split('/');
  const [family, maxBits] = isIPv4(net) ? (['ipv4', 32] as const) : (['ipv6', 128] as const);
  if (isIP(net) === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > maxBits) return false;
  const block = new BlockList();
  block.addSubnet(net, Number(bits), family);
  return block.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}

/** Returns the host without user and password. */
export const proxyName = (proxy: string): string => (URL.canParse(proxy) ? new URL(proxy).host : '(invalid URL)');
