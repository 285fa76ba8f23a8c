import { headerOf, json, type Reply, type Request, requestId, webobPage, withHeaders } from '../http/answer.ts';
import { createRouter } from '../http/route.ts';
import { isToken } from '../keystone/token-check.ts';
import { REQUEST } from '../timings.ts';
import type { NovaContext, NovaOptions } from './context.ts';
import { novaFlavorRoutes } from './flavor-routes.ts';
import { novaHostRoutes } from './host-routes.ts';
import { novaKeyPairRoutes } from './key-pair-routes.ts';
import { negotiate, versionHeaders } from './microversion.ts';
import { novaQuotaRoutes } from './quota-routes.ts';
import { novaServerGroupRoutes } from './server-group-routes.ts';
import { novaServerRoutes } from './server-routes.ts';

const UPDATED = '2013-07-23T11:33:21Z';

/** Nova's API, as one of its workers answers. */
export function createNovaApi(options: NovaOptions): (request: Request, signal: AbortSignal) => Promise<Reply> {
  const { root, pace, check } = options;
  const find = createRouter<NovaContext>([
    ...novaServerRoutes(options),
    ...novaFlavorRoutes(options),
    ...novaHostRoutes(options),
    ...novaQuotaRoutes(options),
    ...novaKeyPairRoutes(options),
    ...novaServerGroupRoutes(options),
  ]);

  const current = { id: 'v2.1', status: 'CURRENT', version: '2.93', min_version: '2.1', updated: UPDATED };
  const self = [{ rel: 'self', href: `${root}/v2.1/` }];
  const versions = {
    versions: [
      {
        id: 'v2.0',
        status: 'SUPPORTED',
        version: '',
        min_version: '',
        updated: '2011-01-21T11:33:21Z',
        links: [{ rel: 'self', href: `${root}/v2/` }],
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
        links: [{ rel: 'self', href: `${root}/v2.1${path}` }],
        'media-types': version.version['media-types'],
      },
    ],
  });

  async function answer(request: Request, signal: AbortSignal, id: string): Promise<Reply> {
    const path = request.url.pathname;
    if (/^\/v2\.1\/?$/.test(path)) return withHeaders(json(200, version), versionHeaders('2.1'));
    const token = await check.check(headerOf(request, 'x-auth-token'), signal);
    if (!isToken(token)) return token;
    const negotiated = negotiate(request);
    if ('refused' in negotiated) return negotiated.refused;
    // Some catalogues have the project's id in the URL.
    const url = new URL(request.url.href);
    url.pathname = path.replace(/^\/v2\.1/, '').replace(/^\/[0-9a-f]{32}(?=\/)/, '');
    const found = find({ ...request, url });
    if (found === null) return webobPage(404, 'Not Found', { text: 'The resource could not be found.' });
    const admin = token.user.name === 'admin';
    const { minor } = negotiated;
    const reply = await found.route.answer({ request, token, minor, admin, signal, requestId: id }, found.parameters);
    return typeof reply === 'string' ? reply : withHeaders(reply, versionHeaders(`2.${minor}`));
  }

  return async (request, signal) => {
    const path = request.url.pathname;
    if (!/^\/v2\.1(\/|$)/.test(path)) {
      await pace.wait(REQUEST.versions, signal);
      return path === '/' ? json(200, versions) : json(300, choices(path));
    }
    const id = requestId();
    const reply = await answer(request, signal, id);
    return typeof reply === 'string'
      ? reply
      : withHeaders(reply, { 'x-openstack-request-id': id, 'x-compute-request-id': id });
  };
}
