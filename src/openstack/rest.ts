import type { z } from 'zod';
import type { Service } from '../domain/cause.ts';
import type { Cloud } from './cloud.ts';
import type { RequestOptions } from './compute/compute.ts';
import { problemFromAnswer, problemFromBody, timingOf } from './diagnosis/classify.ts';
import { loadBalancerOf } from './diagnosis/load-balancer-page.ts';
import { saysNotFound } from './diagnosis/not-found.ts';
import { type HttpAnswer, SINGLE_BODY_LIMIT } from './http/http-message.ts';
import { readJson } from './http/json.ts';
import { type Call, SERVICE_BY_TYPE } from './identity/session.ts';
import type { Result } from './result.ts';

type Target = Pick<Call, 'type' | 'path' | 'headers'>;

/** Sends a GET request and parses the JSON of a 200. */
export async function read<T>(
  { session, http }: Pick<Cloud, 'session' | 'http'>,
  { type, path, headers = {} }: Target,
  schema: z.ZodType<T>,
  options: RequestOptions,
): Promise<Result<T>> {
  const result = await session.call(http, { type, method: 'GET', path, headers, ...options });
  if (result.type !== 'ok') return result;
  return parseAnswer(result.value, SERVICE_BY_TYPE[type], schema);
}

/** Reads one resource; returns null if the service reports that it does not exist. */
export async function readOne<T>(
  { session, http }: Pick<Cloud, 'session' | 'http'>,
  { id, type, path, headers = {} }: Target & { readonly id: string },
  schema: z.ZodType<T>,
  options: RequestOptions,
): Promise<Result<T | null>> {
  const result = await session.call(http, { type, method: 'GET', path, headers, ...options });
  if (result.type !== 'ok') return result;
  return saysNotFound(result.value, id)
    ? { ...result, value: null }
    : parseAnswer(result.value, SERVICE_BY_TYPE[type], schema);
}

/** Sends a POST request and parses the JSON of a 200 or 201. */
export async function create<T>(
  { session, http }: Pick<Cloud, 'session' | 'http'>,
  { body, ...target }: Target & { readonly body: object },
  schema: z.ZodType<T>,
  options: RequestOptions,
): Promise<Result<T>> {
  const result = await session.call(http, {
    ...target,
    method: 'POST',
    body: JSON.stringify(body),
    bodyLimit: SINGLE_BODY_LIMIT,
    ...options,
  });
  if (result.type !== 'ok') return result;
  const answer = result.value;
  const service = SERVICE_BY_TYPE[target.type];
  if (answer.status !== 200 && answer.status !== 201) return problemFromAnswer(answer, service);
  const created = readJson(answer.body, schema);
  return created.ok
    ? { ...timingOf(answer), type: 'ok', value: created.value }
    : problemFromBody(answer, service, created.problem);
}

/** Deletes a resource whose id is the last path segment. Returns ok even if it does not exist. */
export async function remove(
  { session, http }: Pick<Cloud, 'session' | 'http'>,
  target: Target,
  options: RequestOptions,
): Promise<Result<void>> {
  const result = await session.call(http, { ...target, method: 'DELETE', bodyLimit: SINGLE_BODY_LIMIT, ...options });
  if (result.type !== 'ok') return result;
  const { status, body } = result.value;
  const id = decodeURIComponent(target.path.slice(target.path.lastIndexOf('/') + 1));
  const accepted = (status === 202 || status === 204) && loadBalancerOf(status, body) === null;
  const isGone = accepted || saysNotFound(result.value, id);
  return isGone ? { ...result, value: undefined } : problemFromAnswer(result.value, SERVICE_BY_TYPE[target.type]);
}

/** Parses the JSON of a 200; any other answer is a failure. */
export function parseAnswer<T>(answer: HttpAnswer, service: Service, schema: z.ZodType<T>): Result<T> {
  if (answer.status !== 200) return problemFromAnswer(answer, service);
  const body = readJson(answer.body, schema);
  return body.ok
    ? { ...timingOf(answer), type: 'ok', value: body.value }
    : problemFromBody(answer, service, body.problem);
}
