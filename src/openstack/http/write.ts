import type { z } from 'zod';
import type { Cloud } from '../cloud.ts';
import type { Limits } from '../compute/compute.ts';
import { answerTrouble, bodyTrouble, timingOf } from '../diagnosis/classify.ts';
import { type Call, SERVICE_OF } from '../identity/session.ts';
import type { Result } from '../result.ts';
import { SINGLE_BODY_LIMIT } from './body-limits.ts';
import { readJson } from './json.ts';
import { loadBalancerOf } from './load-balancer-page.ts';
import { saysNotFound } from './not-found.ts';

type Place = Pick<Call, 'type' | 'path' | 'headers'>;

/** Any POST to any service that answers 200 or 201 with JSON. */
export async function create<T>(
  { session, http }: Pick<Cloud, 'session' | 'http'>,
  { body, ...place }: Place & { readonly body: object },
  schema: z.ZodType<T>,
  options: Limits,
): Promise<Result<T>> {
  const sent = await session.call(http, {
    ...place,
    method: 'POST',
    body: JSON.stringify(body),
    bodyLimit: SINGLE_BODY_LIMIT,
    ...options,
  });
  if (sent.type !== 'ok') return sent;
  const answer = sent.value;
  const service = SERVICE_OF[place.type];
  if (answer.status !== 200 && answer.status !== 201) return answerTrouble(answer, service);
  const created = readJson(answer.body, schema);
  return created.ok
    ? { ...timingOf(answer), type: 'ok', value: created.value }
    : bodyTrouble(answer, service, created.problem);
}

/** Any DELETE of a resource, its id last in the path. Ok, too, where the service says that there was nothing to delete. */
export async function remove(
  { session, http }: Pick<Cloud, 'session' | 'http'>,
  place: Place,
  options: Limits,
): Promise<Result<void>> {
  const sent = await session.call(http, { ...place, method: 'DELETE', bodyLimit: SINGLE_BODY_LIMIT, ...options });
  if (sent.type !== 'ok') return sent;
  const { status, body } = sent.value;
  const id = decodeURIComponent(place.path.slice(place.path.lastIndexOf('/') + 1));
  const accepted = (status === 202 || status === 204) && loadBalancerOf(status, body) === null;
  const gone = accepted || saysNotFound(sent.value, id);
  return gone ? { ...sent, value: undefined } : answerTrouble(sent.value, SERVICE_OF[place.type]);
}
