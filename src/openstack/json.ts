import type { z } from 'zod';

/** Undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export type Read<T> =
  | { readonly ok: true; readonly value: T }
  /** What is wrong with it, for a person. */
  | { readonly ok: false; readonly problem: string };

export function readJson<T>(text: string, schema: z.ZodType<T>): Read<T> {
  const found = parseJson(text);
  if (found === undefined)
    return { ok: false, problem: text.trim() === '' ? 'an empty body' : 'a body that is no JSON' };
  const read = schema.safeParse(found);
  if (read.success) return { ok: true, value: read.data };
  const [issue] = read.error.issues;
  const place = issue?.path.map(String).join('.') ?? '';
  return { ok: false, problem: `a body of another shape: ${place === '' ? '' : `${place}: `}${issue?.message ?? ''}` };
}
