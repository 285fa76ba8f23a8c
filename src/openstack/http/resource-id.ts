import { z } from 'zod';

/**
 * The id of a resource, which goes into paths: a UUID nearly everywhere, while an operator may choose those of flavors
 * (letters, digits, '.', '_', '-' and spaces, as Nova has it). A slash or dots alone would lead to another resource.
 */
export const resourceId = z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9._ -]{0,254}$/, {
  error: (issue) => `'${String(issue.input).slice(0, 40)}' is no id`,
});

/** What a cloud gives as an address; we connect to it, so a name, which could be anybody's, is none. */
export const ipAddress = z.union([z.ipv4(), z.ipv6()]);

/** What stands between two slashes of a path. */
export const segment = (id: string): string => encodeURIComponent(id);

/** A path that a proxy could take for one outside of what it names, as it resolves dots and decodes slashes. */
export const leadsElsewhere = (path: string): boolean => {
  const [place = ''] = path.split(/[?#]/, 1);
  return /\/(?:\.|%2e){1,2}(?:\/|$)|%2f|%5c|\\/i.test(place);
};
