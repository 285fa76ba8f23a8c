import { isoSeconds, type TimeScale } from '../clock.ts';
import type { Fixtures, Image } from '../fixtures.ts';
import {
  createRouter,
  headerOf,
  json,
  type Reply,
  type RouteRequest,
  requestId,
  webobPage,
  withHeaders,
} from '../http/routes.ts';
import { isToken, type TokenValidator } from '../keystone/tokens.ts';
import { REQUEST_SECONDS } from '../timings.ts';

/** Creates the request handler of Glance: the images to boot from. */
export function createGlance(options: {
  readonly url: string;
  readonly fixtures: Fixtures;
  readonly tokenValidator: TokenValidator;
  readonly timeScale: TimeScale;
}): (request: RouteRequest, signal: AbortSignal) => Promise<Reply> {
  const { url, fixtures, tokenValidator, timeScale } = options;

  const imageView = ({ id, name, size, createdAt }: Image) => ({
    name,
    disk_format: 'raw',
    container_format: 'bare',
    visibility: 'public',
    size,
    virtual_size: size,
    status: 'active',
    checksum: fixtures.checksum,
    protected: false,
    min_ram: 0,
    min_disk: 0,
    owner: null,
    os_hidden: false,
    os_hash_algo: null,
    os_hash_value: null,
    id,
    created_at: isoSeconds(createdAt),
    updated_at: isoSeconds(createdAt),
    tags: [],
    self: `/v2/images/${id}`,
    file: `/v2/images/${id}/file`,
    schema: '/v2/schemas/image',
  });

  function list({ url: { searchParams: query, search } }: RouteRequest): Reply {
    const ids = query.get('id')?.replace(/^in:/, '').split(',');
    const found = fixtures.images
      .filter(({ name }) => [null, name].includes(query.get('name')))
      .filter(({ id }) => ids === undefined || ids.includes(id))
      .filter(() => [null, 'active'].includes(query.get('status')) && query.get('os_hidden')?.toLowerCase() !== 'true');
    const after = found.slice(1 + found.findIndex(({ id }) => id === query.get('marker')));
    const images = after.slice(0, Number(query.get('limit') ?? after.length));
    const last = images.at(-1);
    const next = last !== undefined && images.length < after.length ? { next: `/v2/images?marker=${last.id}` } : {};
    return json(200, {
      images: images.map(imageView),
      first: `/v2/images${search}`,
      schema: '/v2/schemas/images',
      ...next,
    });
  }

  const find = createRouter<RouteRequest>([
    { method: 'GET', path: '/v2/images', handle: list },
    {
      method: 'GET',
      path: '/v2/images/:id',
      handle(_request, [id = '']) {
        const image = fixtures.images.find((candidate) => candidate.id === id);
        return image === undefined
          ? webobPage(404, 'Not Found', { text: `No image found with ID ${id}` })
          : json(200, imageView(image));
      },
    },
  ]);
  const versions = ['2.15', '2.13', '2.7', '2.0'].map((version, index) => ({
    id: `v${version}`,
    status: index === 0 ? 'CURRENT' : 'SUPPORTED',
    links: [{ rel: 'self', href: `${url}/v2/` }],
  }));

  return async (request, signal) => {
    await timeScale.wait(REQUEST_SECONDS.glance, signal);
    const path = request.url.pathname;
    if (path === '/') return json(300, { versions });
    if (path === '/versions') return json(200, { versions });
    const token = await tokenValidator.validate(headerOf(request, 'x-auth-token'), signal);
    if (!isToken(token)) return token;
    const found = find(request);
    const reply = await (found?.route.handle(request, found.parameters) ??
      webobPage(404, 'Not Found', { text: 'The resource could not be found.' }));
    return typeof reply === 'string' ? reply : withHeaders(reply, { 'x-openstack-request-id': requestId() });
  };
}
