import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export type RouteRequest = {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

export type RouteResponse = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** What the client gets: a response, a connection reset ('reset') or close ('closed'), or nothing ('never'). */
export type Reply = RouteResponse | 'reset' | 'closed' | 'never';

export const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): RouteResponse => ({
  status,
  headers: { 'Content-Type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

export const empty = (status: number): RouteResponse => ({
  status,
  headers: { 'Content-Type': 'application/json' },
  body: '',
});

export const withHeaders = (response: RouteResponse, headers: Readonly<Record<string, string>>): RouteResponse => ({
  ...response,
  headers: { ...response.headers, ...headers },
});

/** Returns an error page as webob renders it for Nova, Glance and keystonemiddleware. */
export function webobPage(
  status: number,
  title: string,
  { text, detail = '' }: { text: string; detail?: string },
): RouteResponse {
  const heading = `${status} ${title}`;
  return {
    status,
    headers: { 'Content-Type': 'text/html; charset=UTF-8' },
    body: `<html>
 <head>
  <title>${heading}</title>
 </head>
 <body>
  <h1>${heading}</h1>
  ${text}<br /><br />
${detail}


 </body>
</html>`,
  };
}

export const requestId = (): string => `req-${randomUUID()}`;

/** Parses JSON. Returns undefined if the text is invalid. */
export function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

export const headerOf = (request: RouteRequest, name: string): string | undefined => {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
};

export type Route<Context> = {
  readonly method: string;
  /** The path with its parameters, such as '/v3/users/:id'. */
  readonly path: string;
  readonly handle: (context: Context, parameters: readonly string[]) => Reply | Promise<Reply>;
};

export type RouteMatch<Context> = { readonly route: Route<Context>; readonly parameters: readonly string[] };

/**
 * Returns a function that finds the route of a request and the values of its parameters, in order. HEAD requests match
 * GET routes. The function returns null if no route matches.
 */
export function createRouter<Context>(
  routes: readonly Route<Context>[],
): (request: RouteRequest) => RouteMatch<Context> | null {
  const compiled = routes.map((route) => ({
    route,
    pattern: new RegExp(`^${route.path.replaceAll(/:[a-z]+/g, '([^/]+)')}$`),
  }));
  return ({ method, url }) => {
    const routeMethod = method === 'HEAD' ? 'GET' : method;
    const path = url.pathname.length > 1 ? url.pathname.replace(/(?<!\/)\/+$/, '') : url.pathname;
    for (const { route, pattern } of compiled) {
      const match = route.method === routeMethod ? pattern.exec(path) : null;
      if (match !== null) return { route, parameters: match.slice(1).map(decode) };
    }
    return null;
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
