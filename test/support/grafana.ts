import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const body = z.strictObject({
  time: z.int().optional(),
  timeEnd: z.int().optional(),
  text: z.string().optional(),
  tags: z.array(z.string()).optional(),
});

export type StoredAnnotation = { id: number; time: number; timeEnd: number; text: string; tags: readonly string[] };

/** How the stand-in responds. `lost` executes the request and closes the connection without a response. */
export type Behaviour = 'normal' | 'refuse' | 'hang' | 'lost' | 500 | 401;

/** Stands in for Grafana's annotations API, as its documentation describes it. */
export type Grafana = AsyncDisposable & {
  readonly url: string;
  behaviour: Behaviour;
  readonly annotations: ReadonlyMap<number, StoredAnnotation>;
  /** The method of every request: 'POST', 'PATCH', ... */
  readonly asked: readonly string[];
};

export async function standInForGrafana({ token = 'a-token-of-grafana' } = {}): Promise<Grafana> {
  const annotations = new Map<number, StoredAnnotation>();
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  let ids = 0;

  const server = createServer(async (request, response) => {
    asked.push(request.method ?? '');
    const { behaviour } = grafana;
    if (behaviour === 'hang') return;
    if (behaviour === 'refuse') throw new Error('a connection was kept open: nothing was refused');
    if (behaviour === 500 || behaviour === 401) {
      json(response, behaviour, { message: 'no' });
      return;
    }
    const sent = await text(request);
    const answer =
      request.headers.authorization === `Bearer ${token}`
        ? act(request, sent)
        : ([401, { message: 'Unauthorized' }] as const);
    if (behaviour === 'lost') request.socket.destroy();
    else json(response, ...answer);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    if (grafana.behaviour === 'refuse') socket.resetAndDestroy();
  });

  function act(request: IncomingMessage, sent: string): readonly [number, unknown] {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://grafana');
    const [, id] = /^\/api\/annotations\/(\d+)$/.exec(pathname) ?? [];
    if (pathname === '/api/annotations' && request.method === 'GET') return [200, found(searchParams)];
    if (pathname === '/api/annotations' && request.method === 'POST') return add(body.parse(JSON.parse(sent)));
    const known = annotations.get(Number(id));
    if (known === undefined) return [404, { message: 'Annotation not found' }];
    if (request.method === 'PATCH') {
      const { time, timeEnd, ...rest } = body.parse(JSON.parse(sent));
      annotations.set(known.id, {
        ...known,
        ...rest,
        ...span(time ?? known.time, timeEnd ?? known.timeEnd),
      } as StoredAnnotation);
      return [200, { message: 'Annotation patched' }];
    }
    if (request.method === 'DELETE') {
      annotations.delete(known.id);
      return [200, { message: 'Annotation deleted' }];
    }
    return [405, { message: 'Method not allowed' }];
  }

  function add({ text: words = '', tags = [], time, timeEnd }: z.infer<typeof body>): readonly [number, unknown] {
    if (words === '') return [400, { message: 'Failed to save annotation' }];
    // Limits of Grafana and its database.
    if (Buffer.byteLength(JSON.stringify(tags)) > 500) return [400, { message: 'tags length exceeds the maximum' }];
    const now = Date.now();
    const id = ++ids;
    annotations.set(id, { id, ...span(time ?? timeEnd ?? now, timeEnd ?? time ?? now), text: words, tags });
    return [200, { message: 'Annotation added', id }];
  }

  const found = (query: URLSearchParams): readonly StoredAnnotation[] =>
    [...annotations.values()]
      .filter(({ tags }) => {
        // Grafana drops empty tags.
        const asked = query.getAll('tags').filter((tag) => tag !== '');
        if (asked.length === 0) return true;
        const has = (tag: string) => tags.includes(tag);
        return query.get('matchAny') === 'true' ? asked.some(has) : asked.every(has);
      })
      .sort((a, b) => b.timeEnd - a.timeEnd || b.time - a.time)
      .slice(0, Number(query.get('limit') ?? 100));

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const grafana: Grafana = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    behaviour: 'normal',
    annotations,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return grafana;
}

/** Swaps the times if they are reversed. */
const span = (time: number, timeEnd: number) => ({ time: Math.min(time, timeEnd), timeEnd: Math.max(time, timeEnd) });

const json = (response: ServerResponse, status: number, answer: unknown): void => {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
};
