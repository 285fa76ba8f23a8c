import { parseJson } from './json.ts';

/** Pages that are a load balancer's or proxy's own, by a phrase that is theirs. */
const PAGES: readonly (readonly [RegExp, string])[] = [
  [/No server is available to handle this request/i, 'HAProxy'],
  [/The server returned an invalid or incomplete response/i, 'HAProxy'],
  [/The server didn't respond in time/i, 'HAProxy'],
  [/Your browser sent an invalid request|Your browser didn't send a complete request/i, 'HAProxy'],
  [/Request forbidden by administrative rules/i, 'HAProxy'],
  // All of HAProxy's pages begin so; WebOb's have a head with a title.
  [/^<html><body><h1>\d{3} [^<]*<\/h1>/i, 'HAProxy'],
  [/<hr><center>Microsoft-Azure-Application-Gateway/i, 'Azure Application Gateway'],
  [/<hr><center>(nginx|openresty|tengine)/i, 'nginx'],
  // AWS' load balancers have nginx' page without its signature.
  [/<center><h1>\d{3} [^<]*<\/h1><\/center>/i, 'a load balancer'],
  [/^default backend - 404|^response 404 \(backend NotFound\)/i, 'an ingress controller'],
  [/^404 page not found$|^no available server$|^(Bad Gateway|Gateway Timeout|Service Unavailable)$/i, 'Traefik'],
  [/no healthy upstream|upstream connect error or disconnect|upstream request timeout|^RBAC: access denied/i, 'Envoy'],
  [/^error code: \d{3,4}$|cloudflare/i, 'Cloudflare'],
  [/The proxy server (received an invalid response|could not handle the request)/i, 'Apache'],
  [/temporarily unable to service your request due to maintenance downtime or capacity/i, 'Apache'],
  [/Guru Meditation/i, 'Varnish'],
  [/The requested URL was rejected|Your support ID is/i, 'F5'],
  [/The requested URL could not be retrieved/i, 'Squid'],
  [/Http\/1\.1 (Service Unavailable|Internal Server Error \d)/i, 'NetScaler'],
];

/** What gateways say in JSON. */
const JSON_PAGES: readonly (readonly [RegExp, string])[] = [
  [/no Route matched with those values/i, 'Kong'],
  [/failure to get a peer from the ring-balancer|name resolution failed/i, 'Kong'],
  [/An invalid response was received from the upstream server|The upstream server is timing out/i, 'Kong'],
];

/** All of Apache's own pages. With mod_wsgi its 500 is that of the service within it. */
const APACHE = /^<!DOCTYPE HTML PUBLIC "-\/\/IETF\/\/DTD HTML 2\.0\/\/EN">/i;

/** OpenStack's own pages are made by WebOb: a title, the same heading, and a text with breaks behind it. */
const WEBOB = [/<title>\d{3} [^<]*<\/title>/i, /<h1>\d{3} [^<]*<\/h1>/i, /<br ?\/?>/i];
/** Keystone's, made by Werkzeug. */
const WERKZEUG = /was not found on the server\. If you entered the URL manually/i;

/** Characters of a body that are looked at: pages of load balancers are shorter, their phrases come early. */
const PAGE = 16_384;

/** Statuses with which a load balancer says that no service answered it; 520 to 530 are Cloudflare's. */
const GATEWAY = [404, 502, 503, 504];

/**
 * Whose page it is where a load balancer and not the service answered; null where it was the service. OpenStack's
 * services answer in JSON or with WebOb's page: another page that greets with success, moves us elsewhere, or has a
 * gateway's status is that of whatever stands before them.
 */
export function loadBalancerOf(status: number, body: string): string | null {
  const text = body.slice(0, PAGE).replaceAll(/\s+/g, ' ').trim();
  if (/^[{[]/.test(text)) return JSON_PAGES.find(([page]) => page.test(text))?.[1] ?? null;
  if (WEBOB.every((part) => part.test(text)) || WERKZEUG.test(text)) return null;
  const known = PAGES.find(([page]) => page.test(text));
  if (known !== undefined) return known[1];
  if (APACHE.test(text) && status !== 500) return 'Apache';
  if (status >= 520 && status <= 530) return 'Cloudflare';
  if (GATEWAY.includes(status) || (status >= 301 && status < 400)) return 'a load balancer';
  const isPage = text !== '' && parseJson(text) === undefined;
  return status >= 200 && status < 300 && isPage ? 'a load balancer' : null;
}
