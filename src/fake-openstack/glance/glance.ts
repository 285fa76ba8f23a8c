import type { Image, Offer } from '../fixtures.ts';
import { headerOf, json, type Reply, type Request, requestId, webobPage, withHeaders } from '../http/answer.ts';
import { createRouter } from '../http/route.ts';
import { isToken, type TokenCheck } from '../keystone/token-check.ts';
import type { Pace } from '../time-scale.ts';
import { SERVICE_REQUEST } from '../timings.ts';

/** Glance, as far as an image is found to boot from. */
export function createGlance(options: {
  readonly url: string;
  readonly offer: Offer;
  readonly check: TokenCheck;
  readonly pace: Pace;
}): (request: Request, signal: AbortSignal) => Promise<Reply> {
  const { url, offer, check, pace } = options;

  const show = ({ id, name, size, createdAt }: Image) => ({
    name,
    disk_format: 'raw',
    container_format: 'bare',
    visibility: 'public',
    size,
    virtual_size: size,
    status: 'active',
    checksum: offer.checksum,
    protected: false,
    min_ram: 0,
    min_disk: 0,
    owner: null,
    os_hidden: false,
    os_hash_algo: null,
    os_hash_value: null,
    id,
    created_at: second(createdAt),
    updated_at: second(createdAt),
    tags: [],
    self: `/v2/images/${id}`,
    file: `/v2/images/${id}/file`,
    schema: '/v2/schemas/image',
  });

  function list({ url: { searchParams: query, search } }: Request): Reply {
    const ids = query.get('id')?.replace(/^in:/, '').split(',');
    const found = offer.images
      .filter(({ name }) => [null, name].includes(query.get('name')))
      .filter(({ id }) => ids === undefined || ids.includes(id))
      .filter(() => [null, 'active'].includes(query.get('status')) && query.get('os_hidden')?.toLowerCase() !== 'true');
    const after = found.slice(1 + found.findIndex(({ id }) => id === query.get('marker')));
    const images = after.slice(0, Number(query.get('limit') ?? after.length));
    const last = images.at(-1);
    const next = last !== undefined && images.length < after.length ? { next: `/v2/images?marker=${last.id}` } : {};
    return json(200, { images: images.map(show), first: `/v2/images${search}`, schema: '/v2/schemas/images', ...next });
  }

  const find = createRouter<Request>([
    { method: 'GET', path: '/v2/images', answer: list },
    {
      method: 'GET',
      path: '/v2/images/:id',
      answer(_request, [id = '']) {
        const image = offer.images.find((one) => one.id === id);
        return image === undefined
          ? webobPage(404, 'Not Found', { text: `No image found with ID ${id}` })
          : json(200, show(image));
      },
    },
  ]);
  const versions = ['2.15', '2.13', '2.7', '2.0'].map((version, index) => ({
    id: `v${version}`,
    status: index === 0 ? 'CURRENT' : 'SUPPORTED',
    links: [{ rel: 'self', href: `${url}/v2/` }],
  }));

  return async (request, signal) => {
    await pace.wait(SERVICE_REQUEST.glance, signal);
    const path = request.url.pathname;
    if (path === '/') return json(300, { versions });
    if (path === '/versions') return json(200, { versions });
    const token = await check.check(headerOf(request, 'x-auth-token'), signal);
    if (!isToken(token)) return token;
    const found = find(request);
    const reply = await (found?.route.answer(request, found.parameters) ??
      webobPage(404, 'Not Found', { text: 'The resource could not be found.' }));
    return typeof reply === 'string' ? reply : withHeaders(reply, { 'x-openstack-request-id': requestId() });
  };
}

const second = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`;
