import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { z } from 'zod';

const recorded = z.looseObject({
  list: z.string(),
  id: z.number(),
  updated: z.string(),
  playbook: z.number().optional(),
});

/** A record of ARA, with the name of the list that it is in. */
export type Recorded = z.output<typeof recorded>;

export const recordedOf = (lines: string): readonly Recorded[] =>
  lines
    .trim()
    .split('\n')
    .map((line) => recorded.parse(JSON.parse(line)));

export type Ara = {
  readonly url: string;
  /** The requested paths and queries. */
  readonly asked: readonly string[];
  /** Its records, which a test may replace. */
  records: readonly Recorded[];
  /** Handles all requests in place of the stand-in, unless it is null. */
  instead: ((request: IncomingMessage, response: ServerResponse) => void) | null;
  close(): Promise<void>;
};

/** Starts a stand-in for ARA's API: lists with `updated_after`, `playbook`, `order` and `limit`, and single records. */
export async function startAra(records: readonly Recorded[], port = 0): Promise<Ara> {
  const asked: string[] = [];
  const ara: Ara = { url: '', asked, records, instead: null, close: async () => {} };
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (ara.instead !== null) return ara.instead(request, response);
    const { pathname, searchParams: query } = new URL(request.url ?? '', 'http://ara');
    const [, list = '', id] = /^\/api\/v1\/(\w+)(?:\/(\d+))?$/.exec(pathname) ?? [];
    const found = ara.records.filter(
      (record) => record.list === list && (id === undefined || record.id === Number(id)),
    );
    const body = id === undefined ? pageOf(found, query) : found[0];
    response.writeHead(body === undefined ? 404 : 200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(body ?? { detail: 'Not found.' }));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return Object.assign(ara, { url: `http://127.0.0.1:${address.port}`, close });
}

function pageOf(found: readonly Recorded[], query: URLSearchParams) {
  const after = Date.parse(query.get('updated_after') ?? '1970-01-01T00:00:00Z');
  const playbook = query.get('playbook');
  const results = found
    .filter(
      (record) => Date.parse(record.updated) >= after && (playbook === null || record.playbook === Number(playbook)),
    )
    .toSorted((a, b) => (query.get('order') === 'updated' ? (a.updated < b.updated ? -1 : 1) : b.id - a.id));
  const limit = Number(query.get('limit') ?? 100);
  return {
    count: results.length,
    next: results.length > limit ? 'more' : null,
    previous: null,
    results: results.slice(0, limit),
  };
}
