import { headerOf, json, type Reply, type Request, requestId, withHeaders } from '../http/answer.ts';
import { isToken, type TokenCheck } from '../keystone/token-check.ts';
import type { HostRecords } from '../nova/host-records.ts';
import type { Pace } from '../time-scale.ts';
import { SERVICE_REQUEST } from '../timings.ts';

/** Placement: its version document, a resource provider a compute node, and whom it turns away. */
export function createPlacement(options: {
  readonly check: TokenCheck;
  readonly pace: Pace;
  readonly hosts: HostRecords;
}): (request: Request, signal: AbortSignal) => Promise<Reply> {
  const { check, pace, hosts } = options;
  const links = [{ rel: 'self', href: '' }];
  const versions = [{ id: 'v1.0', max_version: '1.39', min_version: '1.0', status: 'CURRENT', links }];

  const failure = (status: number, title: string, detail: string) => {
    const id = requestId();
    return json(status, { errors: [{ status, title, detail, request_id: id }] }, { 'x-openstack-request-id': id });
  };

  return async (request, signal) => {
    await pace.wait(SERVICE_REQUEST.placement, signal);
    const headers = { 'openstack-api-version': 'placement 1.0', vary: 'openstack-api-version' };
    if (request.url.pathname === '/') return withHeaders(json(200, { versions }), headers);
    const token = await check.check(headerOf(request, 'x-auth-token'), signal);
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
