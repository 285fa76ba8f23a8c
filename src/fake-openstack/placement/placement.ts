import type { TimeScale } from '../clock.ts';
import { headerOf, json, type Reply, type RouteRequest, requestId, withHeaders } from '../http/routes.ts';
import { isToken, type TokenValidator } from '../keystone/tokens.ts';
import type { HostRecords } from '../nova/resources.ts';
import { REQUEST_SECONDS } from '../timings.ts';

/** Creates the request handler of Placement: the version document and a resource provider for each compute node. */
export function createPlacement(options: {
  readonly tokenValidator: TokenValidator;
  readonly timeScale: TimeScale;
  readonly hosts: HostRecords;
}): (request: RouteRequest, signal: AbortSignal) => Promise<Reply> {
  const { tokenValidator, timeScale, hosts } = options;
  const links = [{ rel: 'self', href: '' }];
  const versions = [{ id: 'v1.0', max_version: '1.39', min_version: '1.0', status: 'CURRENT', links }];

  const failure = (status: number, title: string, detail: string) => {
    const id = requestId();
    return json(status, { errors: [{ status, title, detail, request_id: id }] }, { 'x-openstack-request-id': id });
  };

  return async (request, signal) => {
    await timeScale.wait(REQUEST_SECONDS.placement, signal);
    const headers = { 'openstack-api-version': 'placement 1.0', vary: 'openstack-api-version' };
    if (request.url.pathname === '/') return withHeaders(json(200, { versions }), headers);
    const token = await tokenValidator.validate(headerOf(request, 'x-auth-token'), signal);
    if (!isToken(token)) return token;
    const providers = hosts.nodes.map(({ id, service }) => ({
      uuid: id,
      name: service.host,
      generation: 1,
      links: [{ rel: 'self', href: `/resource_providers/${id}` }],
      parent_provider_uuid: null,
      root_provider_uuid: id,
    }));
    const reply =
      token.user.name === 'admin'
        ? request.method === 'GET' && request.url.pathname === '/resource_providers'
          ? json(200, { resource_providers: providers })
          : failure(404, 'Not Found', 'The resource could not be found.\n\n\n   ')
        : failure(
            403,
            'Forbidden',
            'Access was denied to this resource.\n\n Policy does not allow it to be performed.  ',
          );
    return withHeaders(reply, headers);
  };
}
