import type { Reply, Request } from './answer.ts';

/** One way through an API: '/v3/users/:id' and what answers there. */
export type Route<Context> = {
  readonly method: string;
  readonly path: string;
  readonly answer: (context: Context, parameters: readonly string[]) => Reply | Promise<Reply>;
};

export type Found<Context> = { readonly route: Route<Context>; readonly parameters: readonly string[] };

/** The route for a request, with what stands at its `:names`, in order. HEAD goes the way of GET. */
export function createRouter<Context>(routes: readonly Route<Context>[]): (request: Request) => Found<Context> | null {
  const ready = routes.map((route) => ({
    route,
    pattern: new RegExp(`^${route.path.replaceAll(/:[a-z]+/g, '([^/]+)')}$`),
  }));
  return ({ method, url }) => {
    const wanted = method === 'HEAD' ? 'GET' : method;
    const path = url.pathname.length > 1 ? url.pathname.replace(/(?<!\/)\/+$/, '') : url.pathname;
    for (const { route, pattern } of ready) {
      const match = route.method === wanted ? pattern.exec(path) : null;
      if (match !== null) return { route, parameters: match.slice(1).map((part) => decoded(part)) };
    }
    return null;
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
