import type { z } from 'zod';
import { answerTrouble, bodyTrouble, timingOf } from './classify.ts';
import type { Cloud } from './cloud.ts';
import type { Limits } from './compute.ts';
import { readJson } from './json.ts';
import type { Result } from './result.ts';
import { type Call, SERVICE_OF } from './session.ts';

/** Any read of any service that answers 200 with JSON. */
export async function read<T>(
  { session, http }: Pick<Cloud, 'session' | 'http'>,
  { type, path, headers = {} }: Pick<Call, 'type' | 'path' | 'headers'>,
  schema: z.ZodType<T>,
  options: Limits,
): Promise<Result<T>> {
  const result = await session.call(http, { type, method: 'GET', path, headers, ...options });
  if (result.type !== 'ok') return result;
  const answer = result.value;
  if (answer.status !== 200) return answerTrouble(answer, SERVICE_OF[type]);
  const body = readJson(answer.body, schema);
  return body.ok
    ? { ...timingOf(answer), type: 'ok', value: body.value }
    : bodyTrouble(answer, SERVICE_OF[type], body.problem);
}
