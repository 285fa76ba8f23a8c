import { z } from 'zod';

/**
 * The maximum number of entries of a list or mapping. A page of Nova has 1000 entries unless the operator allows more.
 */
const MAX_ENTRIES = 20_000;

/**
 * A mapping from outside. Unlike `z.record`, it stops at the first invalid value: zod collects an issue for each
 * invalid value, which takes gigabytes for a mapping of a few megabytes.
 */
export const recordOf = <T>(value: z.ZodType<T>, max = MAX_ENTRIES) =>
  z.unknown().transform((given, context): Record<string, T> => {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) return wrongType(context, 'record', given);
    const all = Object.entries(given);
    if (all.length > max) return tooMany(context, all.length, max);
    const found = parseEntries(all, { row: value, context });
    return found === null ? z.NEVER : Object.fromEntries(found);
  });

/** A list from outside that, for the same reason, stops at the first invalid row. */
export const listOf = <T>(row: z.ZodType<T>, max = MAX_ENTRIES) =>
  z.unknown().transform((given, context): T[] => {
    if (!Array.isArray(given)) return wrongType(context, 'array', given);
    if (given.length > max) return tooMany(context, given.length, max);
    return parseEntries(given.entries(), { row, context })?.map(([, value]) => value) ?? z.NEVER;
  });

/** A list from outside that drops invalid rows. If all of its rows are invalid, it fails with the first row's issue. */
export const validRowsOf = <T>(row: z.ZodType<T>, max = MAX_ENTRIES) =>
  z.unknown().transform((given, context): T[] => {
    if (!Array.isArray(given)) return wrongType(context, 'array', given);
    if (given.length > max) return tooMany(context, given.length, max);
    const found: T[] = [];
    for (const entry of given) {
      const read = row.safeParse(entry);
      if (read.success) found.push(read.data);
    }
    if (found.length > 0 || given.length === 0) return found;
    parseEntries([[0, given[0]]], { row, context });
    return z.NEVER;
  });

/** Parses the entries; reports the issue of the first invalid one and returns null. */
function parseEntries<Key extends PropertyKey, T>(
  all: Iterable<readonly [Key, unknown]>,
  { row, context }: { readonly row: z.ZodType<T>; readonly context: z.RefinementCtx },
): (readonly [Key, T])[] | null {
  const found: (readonly [Key, T])[] = [];
  for (const [key, entry] of all) {
    const read = row.safeParse(entry);
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

function tooMany(context: z.RefinementCtx, count: number, max: number): never {
  context.addIssue({ code: 'custom', message: `${count} entries, more than ${max}` });
  return z.NEVER;
}
