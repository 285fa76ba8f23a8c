import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';

/** How to reach a cloud, embedded or real. Its users `probe` and `admin` have projects of the same names. */
export type CloudAccess = {
  readonly authUrl: string;
  readonly password: string;
  close(): Promise<void>;
};

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: unknown;
};

export type Ask = {
  readonly body?: unknown;
  /** The microversion, such as '2.53'; without one no header is sent, so Nova uses 2.1. */
  readonly microversion?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
};

/** A user of a cloud. Sends each request unchanged with fetch(), on a new connection. */
export type CloudUser = {
  readonly token: string;
  readonly userId: string;
  readonly projectId: string;
  /** Returns the URL of a service type from the catalogue, without a trailing slash. */
  endpoint(type: string): string;
  ask(type: string, request: string, ask?: Ask): Promise<Answer>;
  /** Creates a server on probe-net with microversion 2.53. Its flavor is m1.probe or, with `nowhere`, m1.nowhere. */
  create(
    name: string,
    how?: {
      readonly nowhere?: boolean;
      readonly networks?: unknown;
      readonly metadata?: object;
      /** The id of a server group. */
      readonly group?: string;
      /** The availability zone, such as 'nova:compute2'. */
      readonly zone?: string;
    },
  ): Promise<Answer>;
  /** Polls GET /servers/ID until `seen` returns true. */
  until(id: string, seen: (answer: Answer, status: string) => boolean, seconds?: number): Promise<Answer>;
  remove(id: string): Promise<void>;
};

export async function send(url: string, method: string, ask: Ask = {}): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      Connection: 'close',
      ...(ask.body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(ask.microversion === undefined ? {} : { 'OpenStack-API-Version': `compute ${ask.microversion}` }),
      ...ask.headers,
    },
    ...(ask.body === undefined ? {} : { body: typeof ask.body === 'string' ? ask.body : JSON.stringify(ask.body) }),
    signal: ask.signal ?? AbortSignal.timeout(30_000),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: readJson(text) };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const passwordAuth = (name: string, password: string) => ({
  auth: {
    identity: { methods: ['password'], password: { user: { name, domain: { name: 'Default' }, password } } },
    scope: { project: { name, domain: { name: 'Default' } } },
  },
});

const tokenSchema = z.object({
  token: z.object({
    expires_at: z.string(),
    user: z.object({ id: z.string() }),
    project: z.object({ id: z.string() }),
    catalog: z.array(
      z.object({ type: z.string(), endpoints: z.array(z.object({ interface: z.string(), url: z.string() })) }),
    ),
  }),
});

const named = z.array(z.object({ id: z.string(), name: z.string() }));

export async function signIn(
  { authUrl, password }: CloudAccess,
  name: 'probe' | 'admin' = 'probe',
): Promise<CloudUser> {
  return userOf(await send(`${authUrl}/auth/tokens`, 'POST', { body: passwordAuth(name, password) }));
}

/** Returns the user to whom POST /auth/tokens issued a token. */
export function userOf(issued: Answer): CloudUser {
  const { token } = tokenSchema.parse(issued.body);
  const id = issued.headers.get('x-subject-token') ?? '';

  function endpoint(type: string): string {
    const url = token.catalog
      .find((entry) => entry.type === type)
      ?.endpoints.find((endpoint) => endpoint.interface === 'public')?.url;
    if (url === undefined) throw new Error(`no public endpoint of ${type}`);
    return url.replace(/\/$/, '');
  }

  const ask: CloudUser['ask'] = (type, request, given = {}) => {
    const [method = 'GET', path = ''] = request.split(' ');
    return send(`${endpoint(type)}${path}`, method, { ...given, headers: { 'X-Auth-Token': id, ...given.headers } });
  };

  async function idOf(type: string, path: string, name: string): Promise<string> {
    const answer = await ask(type, `GET ${path}`);
    const list = z.record(z.string(), z.unknown()).parse(answer.body)[path.split('/').at(-1) ?? ''];
    const found = named.parse(list).find((resource) => resource.name === name);
    if (found === undefined) throw new Error(`no ${name} in ${path}`);
    return found.id;
  }

  const until: CloudUser['until'] = async (server, seen, seconds = 20) => {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const answer = await ask('compute', `GET /servers/${server}`, { microversion: '2.53' });
      const status = z.object({ server: z.object({ status: z.string() }) }).safeParse(answer.body);
      if (seen(answer, status.success ? status.data.server.status : '')) return answer;
      if (performance.now() > end) throw new Error(`after ${seconds} s: ${answer.status} ${answer.text}`);
      await setTimeout(20);
    }
  };

  return {
    token: id,
    userId: token.user.id,
    projectId: token.project.id,
    endpoint,
    ask,
    async create(name, { nowhere = false, networks, metadata = {}, group, zone } = {}) {
      const server = {
        name,
        flavorRef: await idOf('compute', '/flavors', nowhere ? 'm1.nowhere' : 'm1.probe'),
        imageRef: await idOf('image', '/v2/images', 'probe'),
        networks: networks ?? [{ uuid: await idOf('network', '/v2.0/networks', 'probe-net') }],
        metadata,
        ...(zone !== undefined && { availability_zone: zone }),
      };
      const hints = group === undefined ? {} : { 'os:scheduler_hints': { group } };
      return ask('compute', 'POST /servers', { body: { server, ...hints }, microversion: '2.53' });
    },
    until,
    async remove(server) {
      await ask('compute', `DELETE /servers/${server}`);
      await until(server, ({ status }) => status === 404);
    },
  };
}

export const serverIdOf = ({ body }: Answer): string =>
  z.object({ server: z.object({ id: z.string() }) }).parse(body).server.id;
