import {
  createRouter,
  headerOf,
  json,
  type Reply,
  type RouteRequest,
  type RouteResponse,
  requestId,
  webobPage,
  withHeaders,
} from '../http/routes.ts';
import { isToken } from '../keystone/tokens.ts';
import { NOVA_REQUEST_SECONDS } from '../timings.ts';
import type { NovaContext, NovaOptions } from './context.ts';
import { resourceRoutes } from './resource-routes.ts';
import { novaServerRoutes } from './server-routes.ts';

const API_UPDATED_AT = '2013-07-23T11:33:21Z';

/** Creates the request handler of nova-api. */
export function createNovaApi(options: NovaOptions): (request: RouteRequest, signal: AbortSignal) => Promise<Reply> {
  const { baseUrl, timeScale, tokenValidator } = options;
  const find = createRouter<NovaContext>([...novaServerRoutes(options), ...resourceRoutes(options)]);

  const current = {
    id: 'v2.1',
    status: 'CURRENT',
    version: `2.${MAX_MINOR}`,
    min_version: `2.${MIN_MINOR}`,
    updated: API_UPDATED_AT,
  };
  const self = [{ rel: 'self', href: `${baseUrl}/v2.1/` }];
  const versions = {
    versions: [
      {
        id: 'v2.0',
        status: 'SUPPORTED',
        version: '',
        min_version: '',
        updated: '2011-01-21T11:33:21Z',
        links: [{ rel: 'self', href: `${baseUrl}/v2/` }],
      },
      { ...current, links: self },
    ],
  };
  const version = {
    version: {
      ...current,
      links: [...self, { rel: 'describedby', type: 'text/html', href: 'http://docs.openstack.org/' }],
      'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.compute+json;version=2.1' }],
    },
  };

  const choices = (path: string) => ({
    choices: [
      {
        id: 'v2.1',
        status: 'CURRENT',
        links: [{ rel: 'self', href: `${baseUrl}/v2.1${path}` }],
        'media-types': version.version['media-types'],
      },
    ],
  });

  async function handle(request: RouteRequest, signal: AbortSignal, id: string): Promise<Reply> {
    const path = request.url.pathname;
    if (/^\/v2\.1\/?$/.test(path)) return withHeaders(json(200, version), versionHeaders('2.1'));
    const token = await tokenValidator.validate(headerOf(request, 'x-auth-token'), signal);
    if (!isToken(token)) return token;
    const negotiated = negotiate(request);
    if ('rejected' in negotiated) return negotiated.rejected;
    // Some catalogs have the project id in the URL.
    const url = new URL(request.url.href);
    url.pathname = path.replace(/^\/v2\.1/, '').replace(/^\/[0-9a-f]{32}(?=\/)/, '');
    const found = find({ ...request, url });
    if (found === null) return webobPage(404, 'Not Found', { text: 'The resource could not be found.' });
    const admin = token.user.name === 'admin';
    const { minor } = negotiated;
    const reply = await found.route.handle({ request, token, minor, admin, signal, requestId: id }, found.parameters);
    return typeof reply === 'string' ? reply : withHeaders(reply, versionHeaders(`2.${minor}`));
  }

  return async (request, signal) => {
    const path = request.url.pathname;
    if (!/^\/v2\.1(\/|$)/.test(path)) {
      await timeScale.wait(NOVA_REQUEST_SECONDS.versions, signal);
      return path === '/' ? json(200, versions) : json(300, choices(path));
    }
    const id = requestId();
    const reply = await handle(request, signal, id);
    return typeof reply === 'string'
      ? reply
      : withHeaders(reply, { 'x-openstack-request-id': id, 'x-compute-request-id': id });
  };
}

/** Minor numbers of microversions: 53 for 2.53. */
const MIN_MINOR = 1;
const MAX_MINOR = 93;

type Negotiated = { readonly minor: number } | { readonly rejected: RouteResponse };

/** Returns the requested microversion, from either of the two headers, or the response that rejects it. */
function negotiate(request: RouteRequest): Negotiated {
  const modern = headerOf(request, 'openstack-api-version')
    ?.split(',')
    .map((part) => part.trim().split(/\s+/))
    .find(([service]) => service === 'compute')?.[1];
  const requested = modern ?? headerOf(request, 'x-openstack-nova-api-version');
  if (requested === undefined) return { minor: MIN_MINOR };
  if (requested === 'latest') return { minor: MAX_MINOR };
  const match = /^(\d+)\.(\d+)$/.exec(requested);
  if (match === null) {
    const message = `API Version String ${requested} is of invalid format. Must be of format MajorNum.MinorNum.`;
    return { rejected: json(400, { badRequest: { code: 400, message } }) };
  }
  const minor = Number(match[2]);
  if (match[1] === '2' && minor >= MIN_MINOR && minor <= MAX_MINOR) return { minor };
  const message = `Version ${requested} is not supported by the API. Minimum is 2.${MIN_MINOR} and maximum is 2.${MAX_MINOR}.`;
  return { rejected: { ...json(406, { computeFault: { code: 406, message } }), headers: versionHeaders(requested) } };
}

const versionHeaders = (version: string): Readonly<Record<string, string>> => ({
  'Content-Type': 'application/json',
  'OpenStack-API-Version': `compute ${version}`,
  'X-OpenStack-Nova-API-Version': version,
  Vary: 'OpenStack-API-Version, X-OpenStack-Nova-API-Version',
});
