import { headerOf, json, type Reply, type Request, requestId, withHeaders } from './answer.ts';
import type { Pace } from './pace.ts';
import { SERVICE_REQUEST } from './timings.ts';
import { isToken, type TokenCheck } from './token-check.ts';

/** Placement: its version document, and whom it turns away. */
export function createPlacement(options: {
  readonly check: TokenCheck;
  readonly pace: Pace;
}): (request: Request, signal: AbortSignal) => Promise<Reply> {
  const { check, pace } = options;
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
    const reply =
      token.user.name === 'admin'
        ? failure(404, 'Not Found', 'The resource could not be found.\n\n\n   ')
        : failure(
            403,
            'Forbidden',
            'Access was denied to this resource.\n\n Policy does not allow it to be performed.  ',
          );
    return withHeaders(reply, headers);
  };
}
