import type { z } from 'zod';
import type { Service } from '../domain/cause.ts';
import type { Cloud } from './cloud.ts';
import type { RequestOptions } from './compute/compute.ts';
import { problemFromBody, problemFromResponse, timingOf } from './diagnosis/classify.ts';
import { loadBalancerOf } from './diagnosis/load-balancer-page.ts';
import { saysNotFound } from './diagnosis/not-found.ts';
import { type HttpResponse, SINGLE_BODY_LIMIT } from './http/http-message.ts';
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
  return parseResponse(result.value, SERVICE_BY_TYPE[type], schema);
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
    : parseResponse(result.value, SERVICE_BY_TYPE[type], schema);
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
  const response = result.value;
  const service = SERVICE_BY_TYPE[target.type];
  if (response.status !== 200 && response.status !== 201) return problemFromResponse(response, service);
  const created = readJson(response.body, schema);
  return created.ok
    ? { ...timingOf(response), type: 'ok', value: created.value }
    : problemFromBody(response, service, created.problem);
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
  return isGone ? { ...result, value: undefined } : problemFromResponse(result.value, SERVICE_BY_TYPE[target.type]);
}

/** Parses the JSON of a 200; any other answer is a failure. */
export function parseResponse<T>(response: HttpResponse, service: Service, schema: z.ZodType<T>): Result<T> {
  if (response.status !== 200) return problemFromResponse(response, service);
  const body = readJson(response.body, schema);
  return body.ok
    ? { ...timingOf(response), type: 'ok', value: body.value }
    : problemFromBody(response, service, body.problem);
}
