import type { Server } from './servers.ts';

/** A page of a list: the servers, and the link to the next page where there is one. Or why not (400). */
export type Page = { readonly servers: readonly Server[]; readonly next: string | null } | { readonly invalid: string };

/** Filters and cuts, as GET /servers does. `maxLimit`: larger limits are cut in silence, as `[api] max_limit` does. */
export function page(all: readonly Server[], url: URL, maxLimit: number): Page {
  const query = url.searchParams;
  const limit = query.get('limit');
  if (limit !== null && !/^[0-9]*$/.test(limit)) {
    return {
      invalid: `Invalid input for query parameters limit. Value: ${limit}. '${limit}' does not match '^[0-9]*$'`,
    };
  }
  const name = pattern(query.get('name'));
  if (name === undefined) {
    const value = query.get('name');
    return { invalid: `Invalid input for query parameters name. Value: ${value}. '${value}' is not a 'regex'` };
  }
  const status = query.getAll('status').map((one) => one.toUpperCase());
  const matching = all.filter(
    (one) => (name === null || name.test(one.name)) && (status.length === 0 || status.includes(one.status)),
  );
  const marker = query.get('marker');
  const after = marker === null ? -1 : all.findIndex(({ id }) => id === marker);
  if (marker !== null && after === -1) return { invalid: `marker [${marker}] not found` };
  const behind = new Set(all.slice(after + 1));
  const rest = matching.filter((one) => behind.has(one));
  const size = Math.min(limit === null || limit === '' ? maxLimit : Number(limit), maxLimit);
  const servers = rest.slice(0, size);
  const last = servers.at(-1);
  // Nova gives the link whenever the page is full, also when nothing comes after it.
  const full = last !== undefined && servers.length === size;
  return { servers, next: full ? linkAfter(url, last.id) : null };
}

function pattern(name: string | null): RegExp | null | undefined {
  if (name === null) return null;
  try {
    return new RegExp(name, 'i');
  } catch {
    return undefined;
  }
}

function linkAfter(url: URL, marker: string): string {
  const query = new URLSearchParams(url.searchParams);
  query.delete('marker');
  query.append('marker', marker);
  return `${url.pathname}?${query}`;
}
