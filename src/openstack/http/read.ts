import type { z } from 'zod';
import type { Service } from '../../domain/cause.ts';
import type { Cloud } from '../cloud.ts';
import type { Limits } from '../compute/compute.ts';
import { answerTrouble, bodyTrouble, timingOf } from '../diagnosis/classify.ts';
import { type Call, SERVICE_OF } from '../identity/session.ts';
import type { Result } from '../result.ts';
import type { HttpAnswer } from './http-message.ts';
import { readJson } from './json.ts';
import { saysNotFound } from './not-found.ts';

/** Any read of any service that answers 200 with JSON. */
export async function read<T>(
  { session, http }: Pick<Cloud, 'session' | 'http'>,
  { type, path, headers = {} }: Pick<Call, 'type' | 'path' | 'headers'>,
  schema: z.ZodType<T>,
  options: Limits,
): Promise<Result<T>> {
  const result = await session.call(http, { type, method: 'GET', path, headers, ...options });
  if (result.type !== 'ok') return result;
  return valueIn(result.value, SERVICE_OF[type], schema);
}

/** The same of one resource; null where the service says that it has none of this id. */
export async function readOne<T>(
  { session, http }: Pick<Cloud, 'session' | 'http'>,
  { id, type, path, headers = {} }: Pick<Call, 'type' | 'path' | 'headers'> & { readonly id: string },
  schema: z.ZodType<T>,
  options: Limits,
): Promise<Result<T | null>> {
  const result = await session.call(http, { type, method: 'GET', path, headers, ...options });
  if (result.type !== 'ok') return result;
  return saysNotFound(result.value, id) ? { ...result, value: null } : valueIn(result.value, SERVICE_OF[type], schema);
}

/** What an answer of 200 says. */
export function valueIn<T>(answer: HttpAnswer, service: Service, schema: z.ZodType<T>): Result<T> {
  if (answer.status !== 200) return answerTrouble(answer, service);
  const body = readJson(answer.body, schema);
  return body.ok ? { ...timingOf(answer), type: 'ok', value: body.value } : bodyTrouble(answer, service, body.problem);
}
