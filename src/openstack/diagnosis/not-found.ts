import { z } from 'zod';
import type { HttpResponse } from '../http/http-message.ts';
import { ERROR_BODY_LIMIT } from '../http/http-message.ts';
import { parseJson } from '../http/json.ts';

const message = z.string();
/** Nova, and older versions of Placement. */
const novaSchema = z
  .object({ itemNotFound: z.looseObject({ message }) })
  .transform(({ itemNotFound }) => itemNotFound.message);
const neutronSchema = z
  .object({ NeutronError: z.looseObject({ type: z.string().regex(/NotFound$/), message }) })
  .transform(({ NeutronError }) => NeutronError.message);
const keystoneSchema = z
  .object({ error: z.looseObject({ code: z.literal(404), message }) })
  .transform(({ error }) => error.message);
const notFoundSchema = z.union([novaSchema, neutronSchema, keystoneSchema]);

const UUID = /[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}/i;
/** Nova's and Neutron's message for an unknown path, not a missing resource. */
const UNKNOWN_PATH = /^The resource could not be found/i;

/**
 * Whether the service itself reports that it has no resource with this id. The status 404 is not enough: ingresses and
 * load balancers without a backend send it for every path, and services for an unknown path. Nova names the id except
 * in its answer to a second DELETE ('Instance could not be found').
 */
export function saysNotFound({ status, body }: Pick<HttpResponse, 'status' | 'body'>, id: string): boolean {
  if (status !== 404 || body.length > ERROR_BODY_LIMIT) return false;
  const parsed = notFoundSchema.safeParse(parseJson(body));
  if (!parsed.success || UNKNOWN_PATH.test(parsed.data)) return false;
  return parsed.data.includes(id) || !UUID.test(parsed.data);
}
