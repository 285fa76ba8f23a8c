import { z } from 'zod';

/** Rows of a list, and keys of a mapping. Nothing that Rollwatch asks for is longer: a page of Nova's has 1000 entries unless an operator allows more. */
const MOST_ROWS = 20_000;

/**
 * A list from outside. Unlike `z.array` it stops at the first wrong row: zod keeps an issue for each, which takes
 * gigabytes for a list of a few megabytes, and one is all that anybody reads.
 */
export const rows = <T>(row: z.ZodType<T>, most = MOST_ROWS) =>
  z.unknown().transform((given, context): T[] => {
    if (!Array.isArray(given)) return wrongType(context, 'array', given);
    if (given.length > most) return tooMany(context, given.length, most);
    return each(given.entries(), { row, context })?.map(([, value]) => value) ?? z.NEVER;
  });

/**
 * A list from outside of which each row counts for itself: wrong rows are left out. A list that has wrong rows only is
 * wrong, with the first one's issue.
 */
export const goodRows = <T>(row: z.ZodType<T>, most = MOST_ROWS) =>
  z.unknown().transform((given, context): T[] => {
    if (!Array.isArray(given)) return wrongType(context, 'array', given);
    if (given.length > most) return tooMany(context, given.length, most);
    const found: T[] = [];
    for (const one of given) {
      const read = row.safeParse(one);
      if (read.success) found.push(read.data);
    }
    if (found.length > 0 || given.length === 0) return found;
    each([[0, given[0]]], { row, context });
    return z.NEVER;
  });

/** A mapping from outside, in the same way. */
export const entries = <T>(value: z.ZodType<T>, most = MOST_ROWS) =>
  z.unknown().transform((given, context): Record<string, T> => {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) return wrongType(context, 'record', given);
    const all = Object.entries(given);
    if (all.length > most) return tooMany(context, all.length, most);
    const found = each(all, { row: value, context });
    return found === null ? z.NEVER : Object.fromEntries(found);
  });

/** Null at the first that is wrong, with its issue. */
function each<Key extends PropertyKey, T>(
  all: Iterable<readonly [Key, unknown]>,
  { row, context }: { readonly row: z.ZodType<T>; readonly context: z.RefinementCtx },
): (readonly [Key, T])[] | null {
  const found: (readonly [Key, T])[] = [];
  for (const [key, one] of all) {
    const read = row.safeParse(one);
    if (!read.success) {
      const [issue] = read.error.issues;
      context.addIssue({ code: 'custom', message: issue?.message ?? '', path: [key, ...(issue?.path ?? [])] });
      return null;
    }
    found.push([key, read.data]);
  }
  return found;
}

function wrongType(context: z.RefinementCtx, expected: 'array' | 'record', input: unknown): never {
  context.addIssue({ code: 'invalid_type', expected, input });
  return z.NEVER;
}

function tooMany(context: z.RefinementCtx, count: number, most: number): never {
  context.addIssue({ code: 'custom', message: `${count} entries, more than ${most}` });
  return z.NEVER;
}
