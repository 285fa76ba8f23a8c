import { BlockList, isIP, isIPv4 } from 'node:net';

export type Environment = Readonly<Record<string, string | undefined>>;

/** As a URL with its scheme, user and password included; null: no proxy. */
export type ProxyUrl = string | null;

/**
 * The proxy for a URL by `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, as the library requests reads them,
 * which every OpenStack client uses (requests.utils.should_bypass_proxies, select_proxy): in small letters before
 * capitals, and a name in `no_proxy` stands for its subdomains, too. Unlike there, no proxy is asked for this host itself.
 */
export function proxyFor(url: URL, env: Environment): ProxyUrl {
  const scheme = url.protocol.slice(0, -1);
  const found = variable(env, `${scheme}_proxy`) || variable(env, 'all_proxy');
  if (found === '' || isLoopback(url.hostname) || isExempt(url, variable(env, 'no_proxy'))) return null;
  return found.includes('://') ? found : `http://${found}`;
}

/** A variable that is set and empty counts as it is: that switches off the one in capitals. */
const variable = (env: Environment, name: string): string => (env[name] ?? env[name.toUpperCase()] ?? '').trim();

const bare = (host: string): string => host.replace(/^\[|\]$/g, '').toLowerCase();

function isLoopback(hostname: string): boolean {
  const host = bare(hostname);
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

function isExempt({ hostname, host: withPort, protocol, port }: URL, list: string): boolean {
  const host = bare(hostname);
  const full = port === '' ? `${host}:${protocol === 'https:' ? 443 : 80}` : bare(withPort);
  return list
    .toLowerCase()
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
    .some((one) => one === '*' || one === full || matches(one, host));
}

function matches(entry: string, host: string): boolean {
  if (isIP(host) !== 0) return entry.includes('/') ? isWithin(entry, host) : bare(entry) === host;
  const name = entry.replace(/^\*?\.+/, '');
  return host === name || host.endsWith(`.${name}`);
}

function isWithin(entry: string, address: string): boolean {
  const [net = '', bits = ''] = entry.split('/');
  const [family, most] = isIPv4(net) ? (['ipv4', 32] as const) : (['ipv6', 128] as const);
  if (isIP(net) === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > most) return false;
  const block = new BlockList();
  block.addSubnet(net, Number(bits), family);
  return block.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}

/** Without user and password. */
export const proxyName = (proxy: string): string => (URL.canParse(proxy) ? new URL(proxy).host : 'that cannot be read');
