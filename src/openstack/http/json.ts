import type { z } from 'zod';

/** Parses JSON; returns undefined if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Limits the commas and opening brackets in a body: each may become a value of 60 bytes or more, twenty times its size
 * in the text. A list of a thousand servers has about a hundred thousand.
 */
const MAX_VALUES = 500_000;
const [COMMA, BRACKET, BRACE] = [0x2c, 0x5b, 0x7b];

function hasTooManyValues(text: string): boolean {
  if (text.length <= MAX_VALUES) return false;
  let count = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if ((code === COMMA || code === BRACKET || code === BRACE) && ++count > MAX_VALUES) return true;
  }
  return false;
}

export type JsonResult<T> =
  | { readonly ok: true; readonly value: T }
  /** `problem` is a noun phrase for messages. */
  | { readonly ok: false; readonly problem: string };

/** Parses and validates the body of an answer. */
export function readJson<T>(text: string, schema: z.ZodType<T>): JsonResult<T> {
  if (hasTooManyValues(text)) return { ok: false, problem: `a body of more than ${MAX_VALUES} values` };
  const json = parseJson(text);
  if (json === undefined)
    return { ok: false, problem: text.trim() === '' ? 'an empty body' : 'a body that is not JSON' };
  const parsed = schema.safeParse(json);
  if (parsed.success) return { ok: true, value: parsed.data };
  const [issue] = parsed.error.issues;
  const path = issue?.path.map(String).join('.') ?? '';
  return { ok: false, problem: `unexpected JSON: ${path === '' ? '' : `${path}: `}${issue?.message ?? ''}` };
}
