import { parseJson } from '../http/json.ts';

/** Phrases of the pages that load balancers and proxies generate. */
const PAGES: readonly (readonly [RegExp, string])[] = [
  [/No server is available to handle this request/i, 'HAProxy'],
  [/The server returned an invalid or incomplete response/i, 'HAProxy'],
  [/The server didn't respond in time/i, 'HAProxy'],
  [/Your browser sent an invalid request|Your browser didn't send a complete request/i, 'HAProxy'],
  [/Request forbidden by administrative rules/i, 'HAProxy'],
  // HAProxy's pages have no head; WebOb's have one with a title.
  [/^<html><body><h1>\d{3} [^<]*<\/h1>/i, 'HAProxy'],
  [/<hr><center>Microsoft-Azure-Application-Gateway/i, 'Azure Application Gateway'],
  [/<hr><center>(nginx|openresty|tengine)/i, 'nginx'],
  // AWS load balancers send nginx's page without its signature.
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

/** Phrases of gateways that answer in JSON. */
const JSON_PAGES: readonly (readonly [RegExp, string])[] = [
  [/no Route matched with those values/i, 'Kong'],
  [/failure to get a peer from the ring-balancer|name resolution failed/i, 'Kong'],
  [/An invalid response was received from the upstream server|The upstream server is timing out/i, 'Kong'],
];

/** Apache's own pages. With mod_wsgi, a 500 of Apache is an error of the service. */
const APACHE = /^<!DOCTYPE HTML PUBLIC "-\/\/IETF\/\/DTD HTML 2\.0\/\/EN">/i;

/** OpenStack services use WebOb: a title, the same heading, then text with line breaks. */
const WEBOB = [/<title>\d{3} [^<]*<\/title>/i, /<h1>\d{3} [^<]*<\/h1>/i, /<br ?\/?>/i];
/** Keystone uses Werkzeug. */
const WERKZEUG = /was not found on the server\. If you entered the URL manually/i;

/** Load balancer pages are shorter, and their phrases come early. */
const MAX_PAGE_LENGTH = 16_384;

/** Sent by load balancers when no service answers; 520 to 530 are Cloudflare's. */
const GATEWAY_STATUSES = [404, 502, 503, 504];

/**
 * Returns the name of the load balancer or proxy that answered instead of the service; null if the service answered.
 * OpenStack services answer in JSON or with WebOb's page: any other page with a success, redirect or gateway status
 * comes from something in front of them.
 */
export function loadBalancerOf(status: number, body: string): string | null {
  const text = body.slice(0, MAX_PAGE_LENGTH).replaceAll(/\s+/g, ' ').trim();
  if (/^[{[]/.test(text)) return JSON_PAGES.find(([phrase]) => phrase.test(text))?.[1] ?? null;
  if (WEBOB.every((part) => part.test(text)) || WERKZEUG.test(text)) return null;
  const known = PAGES.find(([phrase]) => phrase.test(text));
  if (known !== undefined) return known[1];
  if (APACHE.test(text) && status !== 500) return 'Apache';
  if (status >= 520 && status <= 530) return 'Cloudflare';
  if (GATEWAY_STATUSES.includes(status) || (status >= 301 && status < 400)) return 'a load balancer';
  const isPage = text !== '' && parseJson(text) === undefined;
  return status >= 200 && status < 300 && isPage ? 'a load balancer' : null;
}
