import type { z } from 'zod';

/** Undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Commas and opening brackets of a text that is parsed: each may become a value of 60 bytes and more, twenty times what
 * it takes in the text. A list of a thousand servers has some hundred thousand.
 */
const MOST_VALUES = 500_000;
function hasTooMany(text: string): boolean {
  if (text.length <= MOST_VALUES) return false;
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if ((code === COMMA || code === BRACKET || code === BRACE) && ++count > MOST_VALUES) return true;
  }
  return false;
}
const [COMMA, BRACKET, BRACE] = [0x2c, 0x5b, 0x7b];

export type Read<T> =
  | { readonly ok: true; readonly value: T }
  /** What is wrong with it, for a person. */
  | { readonly ok: false; readonly problem: string };

export function readJson<T>(text: string, schema: z.ZodType<T>): Read<T> {
  if (hasTooMany(text)) return { ok: false, problem: `a body of more than ${MOST_VALUES} values` };
  const found = parseJson(text);
  if (found === undefined)
    return { ok: false, problem: text.trim() === '' ? 'an empty body' : 'a body that is no JSON' };
  const read = schema.safeParse(found);
  if (read.success) return { ok: true, value: read.data };
  const [issue] = read.error.issues;
  const place = issue?.path.map(String).join('.') ?? '';
  return { ok: false, problem: `a body of another shape: ${place === '' ? '' : `${place}: `}${issue?.message ?? ''}` };
}
