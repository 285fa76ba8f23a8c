import type { IncomingMessage } from 'node:http';
import { type Cloud, openCloud } from '../../src/openstack/cloud.ts';
import { accessTo } from './cloud-access.ts';
import { type ScriptedServer, serveHttp } from './scripted-server.ts';

export type ScriptedAnswer = {
  readonly status: number;
  /** An object is sent as JSON. */
  readonly body?: object | string;
  readonly headers?: Readonly<Record<string, string>>;
};

export type ScriptedRequest = {
  readonly method: string;
  /** The path and query, such as '/compute/v2.1/servers/detail?limit=1'. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};

/** Answers a request. Null means the default response of a small cloud with one server 'b'. */
export type Script = (request: ScriptedRequest) => ScriptedAnswer | null;

export type ScriptedCloud = {
  readonly url: string;
  readonly cloud: Cloud;
  readonly asked: readonly ScriptedRequest[];
  close(): Promise<void>;
};

const SCRIPTED_TOKEN = 'token-of-the-scripted-cloud';
export const options = () => ({
  timeouts: { connect: 2000, response: 5000 },
  signal: new AbortController().signal,
});
const clock = { now: () => performance.timeOrigin + performance.now() };
const TYPES = ['identity', 'compute', 'image', 'network'];
const PATHS: Readonly<Record<string, string>> = {
  compute: '/compute/v2.1',
  image: '/image/v2',
  network: '/network/v2.0',
};

/** Returns the response to POST /v3/auth/tokens. `urls` overrides the URLs in the catalogue, by type. */
export function tokenAnswer(base: string, urls: Readonly<Record<string, string>> = {}): ScriptedAnswer {
  const catalog = TYPES.map((type) => ({
    type,
    endpoints: [{ interface: 'public', url: urls[type] ?? `${base}${PATHS[type] ?? `/${type}`}` }],
  }));
  const times = { issued_at: '2026-11-25T00:00:00Z', expires_at: '2026-11-25T01:00:00Z' };
  return {
    status: 201,
    headers: { 'X-Subject-Token': SCRIPTED_TOKEN },
    body: { token: { ...times, catalog, project: { id: 'p1' } } },
  };
}

export const novaNotFound = (message: string): ScriptedAnswer => ({
  status: 404,
  body: { itemNotFound: { code: 404, message } },
});

/** Starts a cloud on loopback with scripted responses. */
export async function serveScriptedCloud(
  script: Script,
  changes: Parameters<typeof accessTo>[2] = {},
): Promise<ScriptedCloud> {
  const asked: ScriptedRequest[] = [];
  const server: ScriptedServer = await serveHttp((request, response) => {
    let body = '';
    request.on('data', (piece: Buffer) => {
      body += piece.toString();
    });
    request.on('end', () => {
      const given = { method: request.method ?? '', path: request.url ?? '', headers: request.headers, body };
      asked.push(given);
      const answer = script(given) ?? defaultAnswer(server.url, given);
      const text = typeof answer.body === 'object' ? JSON.stringify(answer.body) : (answer.body ?? '');
      const type = typeof answer.body === 'object' ? 'application/json' : 'text/html';
      response.writeHead(answer.status, { 'Content-Type': type, ...answer.headers });
      response.end(text);
    });
  });
  const access = accessTo({ authUrl: `${server.url}/identity/v3`, password: 'lovelace' }, 'probe', changes);
  const cloud = openCloud({ clock, access });
  return {
    url: server.url,
    cloud,
    asked,
    async close() {
      cloud.close();
      await server.close();
    },
  };
}

function defaultAnswer(base: string, { method, path }: ScriptedRequest): ScriptedAnswer {
  const [place = ''] = path.split('?');
  if (place === '/identity/v3/auth/tokens') return tokenAnswer(base);
  if (place === '/compute/v2.1/servers/b') {
    if (method === 'DELETE') return { status: 204 };
    return { status: 200, body: { server: { id: 'b', name: 'b', status: 'ACTIVE' } } };
  }
  if (place === '/compute/v2.1/servers/b/action') return { status: 202 };
  return novaNotFound('The resource could not be found.');
}
