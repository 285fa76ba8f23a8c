import { z } from 'zod';

/**
 * The id of a resource, used in paths: usually a UUID, but operators choose flavor ids (Nova allows letters, digits,
 * '.', '_', '-' and spaces). Slashes and leading dots are rejected, as they could lead to another resource.
 */
export const resourceId = z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9._ -]{0,254}$/, {
  error: (issue) => `'${String(issue.input).slice(0, 40)}' is not a valid id`,
});

/** An address to connect to. Host names are rejected: a name from a server's body could be anybody's. */
export const ipAddress = z.union([z.ipv4(), z.ipv6()]);

/** Encodes one segment of a path. */
export const segment = (id: string): string => encodeURIComponent(id);

/** Whether a proxy could resolve a path to another resource (dot segments, encoded slashes). */
export const hasPathTraversal = (path: string): boolean => {
  const [pathname = ''] = path.split(/[?#]/, 1);
  return /\/(?:\.|%2e){1,2}(?:\/|$)|%2f|%5c|\\/i.test(pathname);
};
