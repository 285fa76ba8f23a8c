/** Error pages that are a load balancer's or proxy's own, by a phrase that is theirs. */
const PAGES: readonly (readonly [RegExp, string])[] = [
  [/No server is available to handle this request/i, 'HAProxy'],
  [/The server returned an invalid or incomplete response/i, 'HAProxy'],
  [/The server didn't respond in time/i, 'HAProxy'],
  [/Your browser sent an invalid request|Your browser didn't send a complete request/i, 'HAProxy'],
  [/<hr><center>(nginx|openresty)/i, 'nginx'],
  [/no healthy upstream|upstream connect error or disconnect|upstream request timeout/i, 'Envoy'],
  [/The proxy server (received an invalid response|could not handle the request)/i, 'Apache'],
  [/temporarily unable to service your request due to maintenance downtime or capacity/i, 'Apache'],
  [/no available server|^(Bad Gateway|Gateway Timeout|Service Unavailable)$/i, 'Traefik'],
  [/Guru Meditation/i, 'Varnish'],
  [/The requested URL was rejected/i, 'F5'],
];

/** OpenStack's own pages are made by WebOb, with a title and one of these sentences. */
const WEBOB_TITLE = /<title>\d{3} [^<]*<\/title>/i;
const WEBOB_TEXT = /The server is currently unavailable|The server has either erred/i;

/** Letters of a body that are looked at: pages of load balancers are shorter, their phrases come early. */
const PAGE = 16_384;

/**
 * Whose page it is where a load balancer and not the service answered; null where it was the service. A 502, 503 or
 * 504 that isn't OpenStack's JSON nor its page is the load balancer's, whoever made that.
 */
export function loadBalancerOf(status: number, body: string): string | null {
  const text = body.slice(0, PAGE).replaceAll(/\s+/g, ' ').trim();
  if (text.startsWith('{')) return null;
  const known = PAGES.find(([page]) => page.test(text));
  if (known !== undefined) return known[1];
  if (WEBOB_TITLE.test(text) && WEBOB_TEXT.test(text)) return null;
  return [502, 503, 504].includes(status) ? 'a load balancer' : null;
}
